/*
 * KEEPALIVED-MIB: what instances and groups track, a table for each kind of both.
 */
#include <stdlib.h>

#include "agent/snmp/keepalived_vrrp.h"

/* Interfaces are known by their numbers; one that is missing has none. */
static size_t interface_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index)
{
    const char *text = leaf_value(row, "if-index");

    index[0] = numbers[0];
    index[1] = text ? (uint32_t)strtoul(text, NULL, 10) : 0;
    return text ? 2 : 0;
}

static const struct snmp_column interfaces[] = {
    {1, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {2, READ_ONLY, KIND_INTEGER, "weight", NULL, NULL},
    {3, READ_ONLY, KIND_TRUTH, "reverse", NULL, NULL},
};

static const struct snmp_column scripts[] = {
    {2, READ_ONLY, KIND_STRING, "script", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, "weight", NULL, NULL},
    {4, READ_ONLY, KIND_TRUTH, "reverse", NULL, NULL},
};

static const struct snmp_column files[] = {
    {2, READ_ONLY, KIND_STRING, "file", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, "weight", NULL, NULL},
    {4, READ_ONLY, KIND_TRUTH, "reverse", NULL, keepalived_two},
};

static const struct snmp_column sessions[] = {
    {2, READ_ONLY, KIND_STRING, "session", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, "weight", NULL, NULL},
    {4, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},
};

static const struct snmp_column processes[] = {
    {2, READ_ONLY, KIND_STRING, "process", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, "weight", NULL, NULL},
    {4, READ_ONLY, KIND_TRUTH, "reverse", NULL, keepalived_two},
};

#define TRACKED(table_name, number, list, tracked)                                                 \
    .name = table_name, .root = keepalived_mib, .root_length = KEEPALIVED_MIB_LENGTH,              \
    .oid = {2, number}, .oid_length = 2, .index_count = 2, .row = "/noria-vrrp:vrrp/" list,        \
    .columns = tracked, .column_count = sizeof(tracked) / sizeof(*(tracked))

const struct snmp_table keepalived_vrrp_tracked_interface_table = {
    TRACKED("vrrpTrackedInterfaceTable", 4, "instance/track-interface", interfaces),
    .index = interface_index,
};

const struct snmp_table keepalived_vrrp_tracked_script_table = {
    TRACKED("vrrpTrackedScriptTable", 5, "instance/track-script", scripts),
};

const struct snmp_table keepalived_vrrp_tracked_file_table = {
    TRACKED("vrrpTrackedFileTable", 12, "instance/track-file", files),
};

const struct snmp_table keepalived_vrrp_tracked_bfd_table = {
    TRACKED("vrrpTrackedBfdTable", 17, "instance/track-bfd", sessions),
};

const struct snmp_table keepalived_vrrp_tracked_process_table = {
    TRACKED("vrrpTrackedProcessTable", 20, "instance/track-process", processes),
};

const struct snmp_table keepalived_vrrp_group_interface_table = {
    TRACKED("vrrpSyncTrackedInterfaceTable", 14, "sync-group/track-interface", interfaces),
    .index = interface_index,
};

const struct snmp_table keepalived_vrrp_group_script_table = {
    TRACKED("vrrpSyncTrackedScriptTable", 15, "sync-group/track-script", scripts),
};

const struct snmp_table keepalived_vrrp_group_file_table = {
    TRACKED("vrrpSyncTrackedFileTable", 16, "sync-group/track-file", files),
};

const struct snmp_table keepalived_vrrp_group_bfd_table = {
    TRACKED("vrrpSyncTrackedBfdTable", 19, "sync-group/track-bfd", sessions),
};

const struct snmp_table keepalived_vrrp_group_process_table = {
    TRACKED("vrrpSyncTrackedProcessTable", 22, "sync-group/track-process", processes),
};
