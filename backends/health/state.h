/*
 * What readers get to see of health checks.
 */
#ifndef NORIA_HEALTH_STATE_H
#define NORIA_HEALTH_STATE_H

#include "agent/steering/steering.h"
#include "backends/backend.h"

/** Add the state of checks (backend_ops.operational). Any thread. */
enum outcome health_operational(struct backend *backend, const struct state_request *request,
                                struct error *err);

#endif
