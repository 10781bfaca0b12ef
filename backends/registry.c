/*
 * The backends of this build: a line each. They start and apply in this order: verdicts come before
 * the engine that forwards by them.
 */
#include "agent/access/backend.h"
#include "agent/event/alarm_backend.h"
#include "agent/mail/backend.h"
#include "agent/netconf/server.h"
#include "agent/snmp/agent.h"
#include "agent/steering/backend.h"
#include "backends/backend.h"
#include "backends/health/backend.h"
#include "backends/ipvs/backend.h"
#include "backends/null/backend.h"
#include "backends/vrrp/backend.h"

const struct backend_ops *const backend_registry[] = {
    &access_backend,
    &alarm_backend,
    &mail_backend,
    &netconf_server_backend,
    &snmp_agent_backend,
    &steering_backend,
    &health_backend,
    &ipvs_backend,
    &vrrp_backend,
    &null_backend,
    NULL,
};

const struct backend_ops *const backend_stand_ins[] = {&null_servers_backend, NULL};
