/*
 * Notifications: which events of the agent are SNMP notifications, and what is in them. Data alone.
 *
 * An event may be told only if a leaf of it has a value, so that going up and going down are two
 * notifications (RFC 4181, 4.9 has no use for one with a state in it).
 */
#ifndef NORIA_SNMP_NOTIFICATION_H
#define NORIA_SNMP_NOTIFICATION_H

#include "agent/snmp/value.h"

/** Objects in one notification at most. */
#define SNMP_NOTIFIED_MAX 8

/** An object of a notification. */
struct snmp_notified {
    unsigned id; /**< Below noriaNotificationObjects; 0 ends the list. */
    enum snmp_kind kind;
    const char *leaf;  /**< Of the event, "changed-by/username". */
    const char *other; /**< The leaf to take where the first one is absent, or NULL. */
};

/** A notification. */
struct snmp_notification {
    unsigned id;        /**< Below noriaNotifications. */
    const char *module; /**< Of the event's YANG notification; NULL ends the table. */
    const char *name;   /**< Of the YANG notification. */
    const char *leaf;   /**< That must have the value, or NULL. */
    const char *value;  /**< That it must have, with "!" in front: must not have. */
    struct snmp_notified objects[SNMP_NOTIFIED_MAX + 1];
};

/** All of them. */
extern const struct snmp_notification snmp_notifications[];

/** Number of noriaEventsSuppressed, which is of no event, and of the object in it. */
#define SNMP_SUPPRESSED 1
#define SNMP_SUPPRESSED_COUNT 1

/** The notification that tells an event, or NULL. */
const struct snmp_notification *snmp_notification_of(const struct lyd_node *event);

#endif
