/*
 * SET: all variables of a PDU are one transaction (RFC 3416, 4.2.5).
 *
 * Net-SNMP goes through phases, in each of which it calls every table that has variables in the
 * PDU. RESERVE1 looks at each variable alone; RESERVE2 asks whether all of them together could be
 * committed; ACTION commits them; COMMIT has nothing left to do; UNDO, for the sake of another
 * subagent's variables (AgentX), commits what was there before. The commit is that of any other
 * client: under access control, validated, journalled and told. On the SNMP thread.
 */
#ifndef NORIA_SNMP_SET_H
#define NORIA_SNMP_SET_H

#include "agent/snmp/cache.h"
#include "agent/snmp/settings.h"

#include <net-snmp/agent/net-snmp-agent-includes.h>

struct snmp_set;

/** What a SET needs from its surroundings. */
struct snmp_set_context {
    struct agent *agent;
    struct snmp_cache *cache;              /**< Read anew after a commit. */
    struct snmp_settings *const *settings; /**< Those in force; NULL there lets nobody write. */
    /** Before a call of the transactions, which may wait for them. @return Whether it may. */
    bool (*begin_change)(void *owner);
    void (*end_change)(void *owner); /**< After it. */
    void *owner;
};

/** Make what carries SETs out. @return NULL for want of memory. */
struct snmp_set *snmp_set_new(const struct snmp_set_context *context);

/** Free it; NULL is legal. */
void snmp_set_free(struct snmp_set *set);

/**
 * Carry a phase out for the variables of one table.
 * @param root The table's OID.
 * @return An SNMP error that is of no variable alone; those of variables are set in requests.
 */
int snmp_set_phase(struct snmp_set *set, const struct snmp_rows *rows, const oid *root,
                   size_t root_length, netsnmp_agent_request_info *info,
                   netsnmp_request_info *requests);

#endif
