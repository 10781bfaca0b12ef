/*
 * Actions: operations of backends (RFC 7950, 7.15) that a SET asks for.
 *
 * Without input and output; as the user that the manager writes as. On the SNMP thread.
 */
#ifndef NORIA_SNMP_ACTION_H
#define NORIA_SNMP_ACTION_H

#include "agent/agent.h"

/**
 * Whether a user may have an action run.
 * @param path Of the action's node.
 * @return REFUSED (access-denied), counted, if not.
 */
enum outcome snmp_action_check(struct agent *agent, const struct origin *origin, const char *path,
                               struct error *err);

/** Have an action run, and wait for its end. */
enum outcome snmp_action_run(struct agent *agent, const struct origin *origin, const char *path,
                             struct error *err);

#endif
