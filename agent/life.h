/*
 * The life of the agent: its start, its run and its end.
 */
#ifndef NORIA_LIFE_H
#define NORIA_LIFE_H

#include "agent/agent.h"

/** Bring the agent up: modules, stored configuration, backends, then NETCONF and SNMP. */
enum outcome life_start(struct agent *agent, const struct agent_options *options,
                        struct error *err);

/** Run until SIGTERM or SIGINT comes. Core thread. */
void life_run(struct agent *agent);

/** Free everything, also after a start that failed; the kernel's services go on. */
void life_end(struct agent *agent);

#endif
