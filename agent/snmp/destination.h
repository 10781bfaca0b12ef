/*
 * Destinations: who is sent notifications, as /noria-agent:snmp-agent/target configures them, and
 * the sessions to send by.
 *
 * Settings are made on the core thread and constant from then on; sessions are the SNMP thread's.
 */
#ifndef NORIA_SNMP_DESTINATION_H
#define NORIA_SNMP_DESTINATION_H

#include "agent/snmp/manager.h"

/** One destination, as it is configured. */
struct snmp_destination {
    char *name;                   /**< Owned. */
    char *spec;                   /**< As Net-SNMP writes it, "udp6:[::1]:162". Owned. */
    char *community;              /**< A secret; NULL: SNMPv3. Owned. */
    char *user;                   /**< Of ours, of SNMPv3, or NULL. Owned. */
    struct snmp_user remote;      /**< Of the target's; its name is NULL if there is none. */
    struct snmp_engine_id engine; /**< The target's, where there is such a user. */
    bool inform;                  /**< Ask for an answer (RFC 3416, 4.2.7). */
    unsigned timeout;             /**< Seconds that an answer is waited for. */
    unsigned retries;
};

/** Read a destination. On failure it is to be cleared, too. */
enum outcome snmp_destination_read(struct snmp_destination *destination,
                                   const struct lyd_node *node, struct error *err);

struct snmp_settings;

/**
 * What a session with a destination is made from, as text: where it is the same, so is the session.
 * The keys of users are no part of it, for they are looked up whenever something is sent.
 * @return To be overwritten and freed, for it has secrets in it; NULL for want of memory.
 */
char *snmp_destination_identity(const struct snmp_destination *destination,
                                const struct snmp_settings *settings);

/**
 * Whether users of targets' engines keep out of the way of our own, and of each other.
 * @param id Our engine's.
 */
enum outcome snmp_destinations_check(const struct snmp_settings *settings,
                                     const struct snmp_engine_id *id, struct error *err);

/** Free what a destination owns. */
void snmp_destination_clear(struct snmp_destination *destination);

/**
 * Open a session to send by. A name that cannot be resolved or an address without a route is no
 * failure here: what is sent is lost. SNMP thread.
 * @return To be closed with snmp_close(); NULL: Net-SNMP will not have it, which is logged.
 */
netsnmp_session *snmp_destination_open(const struct snmp_destination *destination,
                                       const struct snmp_settings *settings,
                                       const struct snmp_engine_id *id);

#endif
