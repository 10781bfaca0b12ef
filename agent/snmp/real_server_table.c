/*
 * NORIA-MIB: noriaRealServerTable.
 */
#include "agent/snmp/tables.h"

static bool none(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 1;
    return true;
}

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_INDEX_LAST, NULL, NULL, NULL},
    {3, READ_ONLY, KIND_STRING, "../name", NULL, NULL},
    {4, READ_ONLY, KIND_ADDRESS_TYPE, "address", NULL, NULL},
    {5, READ_ONLY, KIND_ADDRESS, "address", NULL, NULL},
    {6, READ_ONLY, KIND_UNSIGNED, "port", NULL, NULL},
    {7, READ_WRITE, KIND_TRUTH, "enabled", NULL, NULL},
    {8, READ_WRITE, KIND_GAUGE, "weight", NULL, NULL},
    {9, READ_ONLY, KIND_GAUGE, "effective-weight", NULL, NULL},
    {10, READ_ONLY, KIND_ENUM, "forwarding-method", "../forwarding-method", NULL},
    {11, READ_ONLY, KIND_ENUM, "effective-forwarding-method", NULL, NULL},
    {12, READ_ONLY, KIND_UNSIGNED, "upper-threshold", NULL, NULL},
    {13, READ_ONLY, KIND_UNSIGNED, "lower-threshold", NULL, NULL},
    {14, READ_ONLY, KIND_ENUM, "oper-status", NULL, NULL},
    {15, READ_ONLY, KIND_GAUGE, "statistics/active-connections", NULL, NULL},
    {16, READ_ONLY, KIND_GAUGE, "statistics/inactive-connections", NULL, NULL},
    {17, READ_ONLY, KIND_GAUGE, "statistics/persistent-connections", NULL, NULL},
    {18, READ_ONLY, KIND_COUNTER64, "statistics/connections", NULL, NULL},
    {19, READ_ONLY, KIND_COUNTER64, "statistics/in-packets", NULL, NULL},
    {20, READ_ONLY, KIND_COUNTER64, "statistics/out-packets", NULL, NULL},
    {21, READ_ONLY, KIND_COUNTER64, "statistics/in-bytes", NULL, NULL},
    {22, READ_ONLY, KIND_COUNTER64, "statistics/out-bytes", NULL, NULL},
    {23, READ_ONLY, KIND_GAUGE, "statistics/connection-rate", NULL, NULL},
    {24, READ_ONLY, KIND_GAUGE, "statistics/in-packet-rate", NULL, NULL},
    {25, READ_ONLY, KIND_GAUGE, "statistics/out-packet-rate", NULL, NULL},
    {26, READ_ONLY, KIND_GAUGE, "statistics/in-byte-rate", NULL, NULL},
    {27, READ_ONLY, KIND_GAUGE, "statistics/out-byte-rate", NULL, NULL},
    {28, READ_ONLY, KIND_TIME_STAMP, "statistics/discontinuity-time", NULL, NULL},
    {29, READ_WRITE, KIND_ENUM_OR_NONE, "maintenance/order", NULL, none},
};

const struct snmp_table real_server_table = {
    .name = "noriaRealServerTable",
    .oid = {1, 2, 2},
    .oid_length = 3,
    .index_count = 2,
    .row = "/noria-virtual-server:virtual-servers/virtual-server/real-server",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
