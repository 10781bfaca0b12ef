/*
 * The synchronisation daemons of IPVS that follow instances, as the configuration of directors has
 * them. Any thread.
 */
#ifndef NORIA_VRRP_SYNC_H
#define NORIA_VRRP_SYNC_H

#include "agent/agent.h"
#include "backends/backend.h"

/** Add their interface to the instances of a reader's request. */
enum outcome vrrp_sync_add(struct agent *agent, const struct state_request *request,
                           struct error *err);

#endif
