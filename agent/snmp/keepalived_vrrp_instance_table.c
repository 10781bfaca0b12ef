/*
 * KEEPALIVED-MIB: vrrpInstanceTable.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

static bool is_version_2(const struct lyd_node *row)
{
    const char *version = leaf_value(row, "version");

    return version && !strcmp(version, "vrrp-v2");
}

static bool initial_state(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_vrrp_state(leaf_value(row, "initial-state"));
    return true;
}

static bool wanted_state(const struct lyd_node *row, struct snmp_value *value)
{
    const char *wanted = leaf_value(row, "wanted-state");

    value->number = keepalived_vrrp_state(wanted ? wanted : leaf_value(row, "state"));
    return true;
}

/* In seconds of version 2, in hundredths of version 3. */
static bool interval(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "advertise-interval");

    value->number = text ? strtoul(text, NULL, 10) : 0;
    if (is_version_2(row))
        value->number /= 100;
    return text != NULL;
}

static bool authentication(const struct lyd_node *row, struct snmp_value *value)
{
    const char *type = leaf_value(row, "authentication/type");

    value->number = keepalived_child(row, "authentication") ? 1 : 0;
    if (type && !strcmp(type, "header"))
        value->number = 2;
    return true;
}

static bool synchronises(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = leaf_value(row, "sync-interface") ? 1 : 2;
    return true;
}

static const struct snmp_column columns[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_UNSIGNED, "virtual-router-id", NULL, NULL},
    {4, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_vrrp_state_of},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, initial_state},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, wanted_state},
    {7, READ_WRITE, KIND_INTEGER, "priority", NULL, NULL},
    {8, READ_ONLY, KIND_INTEGER, "effective-priority", "priority", NULL},
    {9, READ_ONLY, KIND_TRUTH, "addresses-placed", NULL, NULL},
    {10, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {11, READ_ONLY, KIND_TRUTH, "track-interface-of-instance", NULL, NULL},
    {12, READ_ONLY, KIND_UNSIGNED, NULL, NULL, interval},
    {13, READ_WRITE, KIND_TRUTH, "preempt/enabled", NULL, NULL},
    {14, READ_ONLY, KIND_UNSIGNED, "preempt/hold-time", NULL, NULL},
    {15, READ_ONLY, KIND_INTEGER, NULL, NULL, authentication},
    {16, READ_ONLY, KIND_INTEGER, NULL, NULL, synchronises},
    {17, READ_ONLY, KIND_STRING, "sync-interface", NULL, NULL},
    {18, READ_ONLY, KIND_STRING, "member-of", NULL, NULL},
    {19, READ_ONLY, KIND_UNSIGNED, "gratuitous-arp/delay", NULL, NULL},
    {20, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* no mail */
    {21, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_vrrp_notifies},
    {22, READ_ONLY, KIND_COMMAND, "notify-master", NULL, NULL},
    {23, READ_ONLY, KIND_COMMAND, "notify-backup", NULL, NULL},
    {24, READ_ONLY, KIND_COMMAND, "notify-fault", NULL, NULL},
    {25, READ_ONLY, KIND_COMMAND, "notify-stop", NULL, NULL},
    {26, READ_ONLY, KIND_COMMAND, "notify-any", NULL, NULL},
    {27, READ_WRITE, KIND_TRUTH, "accept-mode", NULL, NULL},
    {28, READ_WRITE, KIND_TRUTH, "promote-secondaries", NULL, NULL},
    {29, READ_WRITE, KIND_TRUTH, "linkbeat-polling", NULL, NULL},
    {30, READ_ONLY, KIND_ENUM, "version", NULL, NULL},
    {31, READ_ONLY, KIND_COMMAND, "notify-rival", NULL, NULL},
    {32, READ_ONLY, KIND_COMMAND, "notify-removal", NULL, NULL},
    {33, READ_WRITE, KIND_TRUTH, "notify-deleted", NULL, NULL},
    {34, READ_ONLY, KIND_ADDRESS_TYPE, "group-address", NULL, NULL},
    {35, READ_ONLY, KIND_ADDRESS, "group-address", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_instance_table = {
    .name = "vrrpInstanceTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 3},
    .oid_length = 2,
    .index_count = 1,
    .row = "/noria-vrrp:vrrp/instance",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
