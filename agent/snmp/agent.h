/*
 * The SNMP agent (Net-SNMP's agent library), on a thread of its own.
 *
 * Net-SNMP is not thread-safe: all calls of it are made on that thread, and in this folder.
 */
#ifndef NORIA_SNMP_AGENT_H
#define NORIA_SNMP_AGENT_H

#include "agent/agent.h"

/** The backend that applies /noria-agent:snmp-agent: addresses, communities, mode. */
extern const struct backend_ops snmp_agent_backend;

/** Begin to serve what running says. Core thread. */
enum outcome snmp_agent_start(struct agent *agent, struct error *err);

/** End the thread and free everything. Core thread. */
void snmp_agent_stop(struct agent *agent);

#endif
