/*
 * The actions of noria-operations: orders on real servers, and on all of a virtual server.
 */
#ifndef NORIA_STEERING_OPERATIONS_H
#define NORIA_STEERING_OPERATIONS_H

#include "backends/backend.h"

/** The operations, for struct backend_ops. */
extern const struct backend_operation steering_operations[];

#endif
