/*
 * NORIA-MIB: noriaVrrpInstanceTable and noriaVrrpGroupTable.
 */
#include "agent/snmp/tables.h"

static const struct snmp_column instances[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_WRITE, KIND_TRUTH, "enabled", NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {5, READ_ONLY, KIND_UNSIGNED, "virtual-router-id", NULL, NULL},
    {6, READ_ONLY, KIND_ENUM, "version", NULL, NULL},
    {7, READ_ONLY, KIND_ENUM, "address-family", NULL, NULL},
    {8, READ_WRITE, KIND_UNSIGNED, "priority", NULL, NULL},
    {9, READ_ONLY, KIND_UNSIGNED, "effective-priority", NULL, NULL},
    {10, READ_ONLY, KIND_ENUM, "state", NULL, NULL},
    {11, READ_ONLY, KIND_DATE_AND_TIME, "last-change", NULL, NULL},
    {12, READ_ONLY, KIND_COUNTER64, "master-transitions", NULL, NULL},
    {13, READ_ONLY, KIND_STRING, "member-of", NULL, NULL},
    {14, READ_ONLY, KIND_COUNTER64, "statistics/advertisements-received", NULL, NULL},
    {15, READ_ONLY, KIND_COUNTER64, "statistics/advertisements-sent", NULL, NULL},
    {16, READ_ONLY, KIND_TIME_STAMP, "statistics/discontinuity-time", NULL, NULL},
    {17, READ_ONLY, KIND_STRING, "order/owner", NULL, NULL},
    {18, READ_ONLY, KIND_STRING, "order/reason", NULL, NULL},
};

const struct snmp_table vrrp_instance_table = {
    .name = "noriaVrrpInstanceTable",
    .oid = {1, 4, 1},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-vrrp:vrrp/instance",
    .columns = instances,
    .column_count = sizeof(instances) / sizeof(*instances),
};

static const struct snmp_column groups[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_ENUM, "state", NULL, NULL},
    {4, READ_ONLY, KIND_DATE_AND_TIME, "last-change", NULL, NULL},
};

const struct snmp_table vrrp_group_table = {
    .name = "noriaVrrpGroupTable",
    .oid = {1, 4, 2},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-vrrp:vrrp/sync-group",
    .columns = groups,
    .column_count = sizeof(groups) / sizeof(*groups),
};
