/*
 * The notification log: NOTIFICATION-LOG-MIB (RFC 3014), for managers that were away.
 *
 * One log, that without a name, of the notifications of the agent's events, whether they were sent
 * or suppressed. An entry's index is the number of its event, which rises over restarts, too: a
 * manager asks for what comes after the last one that it knows. On the SNMP thread.
 */
#ifndef NORIA_SNMP_NOTIFICATION_LOG_H
#define NORIA_SNMP_NOTIFICATION_LOG_H

#include "agent/snmp/usm.h"

/** Entries that are kept at most; the oldest go first. */
#define SNMP_LOG_MAX 1000

struct snmp_log;

/** Make an empty log. @return NULL for want of memory. */
struct snmp_log *snmp_log_new(void);

/** Free it, when Net-SNMP has been shut down; NULL is legal. */
void snmp_log_free(struct snmp_log *log);

/**
 * Add an entry.
 * @param number Of the event; above that of the last entry, or it is not added.
 * @param time Of the event, in nanoseconds since 1970 UTC.
 * @param uptime sysUpTime then; 0: it was before the agent's SNMP began.
 * @param variables snmpTrapOID and the objects; taken.
 */
void snmp_log_add(struct snmp_log *log, uint64_t number, int64_t time, uint32_t uptime,
                  netsnmp_variable_list *variables);

/**
 * Have Net-SNMP serve the log until it is shut down.
 * @param id The engine that the notifications are of; borrowed.
 */
void snmp_log_register(struct snmp_log *log, const struct snmp_engine_id *id);

#endif
