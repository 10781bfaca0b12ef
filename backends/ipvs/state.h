/*
 * The state of virtual servers and real servers, read from the kernel.
 */
#ifndef NORIA_IPVS_STATE_H
#define NORIA_IPVS_STATE_H

#include "backends/backend.h"

/** backend_ops.operational of the backend: any thread, several at a time. */
enum outcome ipvs_operational(struct backend *backend, const struct state_request *request,
                              struct error *err);

#endif
