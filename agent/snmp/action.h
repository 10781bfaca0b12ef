/*
 * Actions: operations of backends (RFC 7950, 7.14 and 7.15) that a SET asks for.
 *
 * With no more input than one leaf, and without output; as the user that the manager writes as. On
 * the SNMP thread.
 */
#ifndef NORIA_SNMP_ACTION_H
#define NORIA_SNMP_ACTION_H

#include "agent/agent.h"

/** What is asked for. */
struct snmp_action {
    const char *path;  /**< Of the node of the action or the rpc. */
    const char *leaf;  /**< Of its input; NULL: there is none. */
    const char *value; /**< Of that leaf. */
};

/**
 * Whether a user may have an action run.
 * @return REFUSED (access-denied), counted, if not.
 */
enum outcome snmp_action_check(struct agent *agent, const struct origin *origin,
                               const struct snmp_action *action, struct error *err);

/** Have an action run, and wait for its end. */
enum outcome snmp_action_run(struct agent *agent, const struct origin *origin,
                             const struct snmp_action *action, struct error *err);

#endif
