/*
 * The notifier: sends SNMP notifications of the agent's events (RFC 3416, 4.2.6 and 4.2.7).
 *
 * It subscribes to events as every wire does. What it sends is limited: what comes faster is
 * counted, and told by one notification when there is room again. All are kept in a log, which
 * begins with events of before the start. On the SNMP thread.
 */
#ifndef NORIA_SNMP_NOTIFIER_H
#define NORIA_SNMP_NOTIFIER_H

#include "agent/agent.h"
#include "agent/snmp/settings.h"
#include "agent/snmp/usm.h"

struct snmp_notifier;

/**
 * Subscribe.
 * @param wake An eventfd that is written to when there is something to send.
 * @return NULL for want of memory.
 */
struct snmp_notifier *snmp_notifier_new(struct agent *agent, int wake);

/**
 * Have Net-SNMP serve the log of notifications until it is shut down.
 * @param id The engine's; borrowed.
 */
void snmp_notifier_register(struct snmp_notifier *notifier, const struct snmp_engine_id *id);

/** End the subscription and free it, after snmp_notifier_close(); NULL is legal. */
void snmp_notifier_free(struct snmp_notifier *notifier);

/** Send to the destinations of settings from now on; tells them of the agent's start once. */
void snmp_notifier_open(struct snmp_notifier *notifier, const struct snmp_settings *settings,
                        const struct snmp_engine_id *id);

/** Send to nobody any more; before Net-SNMP is shut down. NULL is legal. */
void snmp_notifier_close(struct snmp_notifier *notifier);

/** Send what there is. */
void snmp_notifier_run(struct snmp_notifier *notifier);

#endif
