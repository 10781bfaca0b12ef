/*
 * Foreign notifications: those that other MIBs than NORIA-MIB have for events of the agent, so that
 * what was made for them goes on. Data alone.
 *
 * They are sent beside NORIA-MIB's, each kind if the settings ask for it. The objects of
 * KEEPALIVED- MIB's have no index, as keepalived sends them; the others' are those of the row.
 */
#ifndef NORIA_SNMP_FOREIGN_NOTIFICATION_H
#define NORIA_SNMP_FOREIGN_NOTIFICATION_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/snmp/value.h"

/** Kinds of them: bits. */
enum snmp_foreign { SNMP_FOREIGN_KEEPALIVED = 1, SNMP_FOREIGN_VRRP = 2 };

/** Numbers in the name of an object or a notification at most, without an index. */
#define SNMP_FOREIGN_NAME_MAX 16

/** Numbers in the index of the objects at most. */
#define SNMP_FOREIGN_INDEX_MAX 3

/** Objects in one notification at most. */
#define SNMP_FOREIGN_OBJECTS_MAX 9

/** An object of a foreign notification. */
struct snmp_foreign_object {
    oid name[SNMP_FOREIGN_NAME_MAX];
    size_t length; /**< 0 ends the list. */
    bool scalar;   /**< It has no index in any case. */
    enum snmp_kind kind;
    const char *leaf; /**< Of the event, or NULL. */
    /** Gives the value where no leaf does, or NULL. @return Whether there is one. */
    bool (*derive)(const struct lyd_node *event, struct snmp_value *value);
};

/** A foreign notification. */
struct snmp_foreign_notification {
    enum snmp_foreign kind;
    const char *module;                         /**< Of the event; NULL ends the table. */
    const char *event;                          /**< Name of the YANG notification. */
    bool (*fits)(const struct lyd_node *event); /**< Whether this one is told so; NULL: each is. */
    oid name[SNMP_FOREIGN_NAME_MAX];            /**< snmpTrapOID. */
    size_t length;
    /** The index of the objects; NULL: they have none. @param[out] index Room for the longest. */
    size_t (*index)(const struct lyd_node *event, oid *index);
    struct snmp_foreign_object objects[SNMP_FOREIGN_OBJECTS_MAX + 1];
};

/** All of them. */
extern const struct snmp_foreign_notification snmp_foreign_notifications[];

/** Whether a notification tells an event, for those that ask for some kinds. */
bool snmp_foreign_fits(const struct snmp_foreign_notification *notification, unsigned kinds,
                       const struct lyd_node *event);

/** The value of an object; 0 or empty if the event has none (RFC 2578, 8.1). */
void snmp_foreign_value(const struct snmp_foreign_object *object, const struct lyd_node *event,
                        struct snmp_value *value);

/**
 * The name of an object's instance.
 * @param[out] name Room for SNMP_FOREIGN_NAME_MAX and _INDEX_MAX.
 * @return Its length.
 */
size_t snmp_foreign_name(const struct snmp_foreign_notification *notification,
                         const struct snmp_foreign_object *object, const struct lyd_node *event,
                         oid *name);

#endif
