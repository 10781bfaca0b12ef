/*
 * The operations of the backend (noria-ipvs): adoption, statistics from zero, connections.
 */
#ifndef NORIA_IPVS_OPERATIONS_H
#define NORIA_IPVS_OPERATIONS_H

#include "backends/backend.h"

/** backend_ops.operations of the backend. */
extern const struct backend_operation ipvs_operations[];

#endif
