/*
 * Notifications: the table.
 */
#include "agent/snmp/notification.h"

#include <string.h>

#include "agent/datastore/entry.h"

/* Objects, as NORIA-MIB numbers them. */
enum {
    VIRTUAL_SERVER = 2,
    ADDRESS_TYPE,
    ADDRESS,
    PORT,
    REASON,
    USER,
    HOST,
    BACKEND,
    ALARM_RESOURCE,
    ALARM_TYPE,
    ALARM_QUALIFIER,
    ALARM_SEVERITY,
    WEIGHT_UP,
    QUORUM,
    VRRP_NAME,
    VRRP_STATE,
    VRRP_MASTER = 30,
    VRRP_REASON,
};

#define SERVER                                                                                     \
    {VIRTUAL_SERVER, KIND_STRING, "virtual-server", NULL},                                         \
        {ADDRESS_TYPE, KIND_ADDRESS_TYPE, "address", NULL},                                        \
        {ADDRESS, KIND_ADDRESS, "address", NULL},                                                  \
    {                                                                                              \
        PORT, KIND_UNSIGNED, "port", NULL                                                          \
    }

#define QUORUM_OBJECTS                                                                             \
    {VIRTUAL_SERVER, KIND_STRING, "virtual-server", NULL},                                         \
        {WEIGHT_UP, KIND_GAUGE, "weight-up", NULL},                                                \
    {                                                                                              \
        QUORUM, KIND_GAUGE, "quorum", NULL                                                         \
    }

#define ALARM                                                                                      \
    {ALARM_RESOURCE, KIND_STRING, "resource", NULL},                                               \
        {ALARM_TYPE, KIND_IDENTITY, "alarm-type-id", NULL},                                        \
        {ALARM_QUALIFIER, KIND_STRING, "alarm-type-qualifier", NULL},                              \
        {ALARM_SEVERITY, KIND_ENUM, "perceived-severity", NULL},                                   \
    {                                                                                              \
        REASON, KIND_STRING, "alarm-text", NULL                                                    \
    }

const struct snmp_notification snmp_notifications[] = {
    {2,
     "ietf-netconf-notifications",
     "netconf-config-change",
     NULL,
     NULL,
     {{USER, KIND_STRING, "changed-by/username", NULL},
      {HOST, KIND_STRING, "changed-by/source-host", NULL}}},
    {3,
     "noria-agent",
     "backend-status-change",
     "oper-status",
     "up",
     {{BACKEND, KIND_STRING, "name", NULL}}},
    {4,
     "noria-agent",
     "backend-status-change",
     "oper-status",
     "down",
     {{BACKEND, KIND_STRING, "name", NULL}, {REASON, KIND_STRING, "reason", NULL}}},
    {5, "noria-health", "real-server-state-change", "state", "up", {SERVER}},
    {6,
     "noria-health",
     "real-server-state-change",
     "state",
     "down",
     {SERVER, {REASON, KIND_STRING, "error", NULL}}},
    {7, "noria-health", "quorum-change", "state", "met", {QUORUM_OBJECTS}},
    {8, "noria-health", "quorum-change", "state", "lost", {QUORUM_OBJECTS}},
    {9, "ietf-alarms", "alarm-notification", "perceived-severity", "!cleared", {ALARM}},
    {10, "ietf-alarms", "alarm-notification", "perceived-severity", "cleared", {ALARM}},
    {11, "noria-agent", "self-test", NULL, NULL, {{REASON, KIND_STRING, "message", NULL}}},
    {12,
     "noria-vrrp",
     "vrrp-state-change",
     NULL,
     NULL,
     {{VRRP_NAME, KIND_STRING, "instance", "sync-group"},
      {VRRP_STATE, KIND_STRING, "state", NULL}}},
    {30,
     "noria-vrrp",
     "vrrp-new-master",
     NULL,
     NULL,
     {{VRRP_NAME, KIND_STRING, "instance", NULL},
      {VRRP_MASTER, KIND_STRING, "master-address", NULL},
      {VRRP_REASON, KIND_STRING, "new-master-reason", NULL}}},
    {31,
     "noria-vrrp",
     "vrrp-protocol-error",
     NULL,
     NULL,
     {{VRRP_NAME, KIND_STRING, "instance", NULL}, {VRRP_REASON, KIND_STRING, "reason", NULL}}},
    {0, NULL, NULL, NULL, NULL, {{0, KIND_STRING, NULL, NULL}}},
};

static bool fits(const struct snmp_notification *notification, const struct lyd_node *event)
{
    if (strcmp(notification->name, event->schema->name) != 0 ||
        strcmp(notification->module, event->schema->module->name) != 0)
        return false;
    const char *value = notification->leaf ? leaf_value(event, notification->leaf) : NULL;
    if (!notification->leaf)
        return true;
    return value && (*notification->value == '!' ? strcmp(value, notification->value + 1) != 0
                                                 : !strcmp(value, notification->value));
}

const struct snmp_notification *snmp_notification_of(const struct lyd_node *event)
{
    for (const struct snmp_notification *at = snmp_notifications; at->module; at++)
        if (fits(at, event))
            return at;
    return NULL;
}
