/*
 * NORIA-MIB: noriaVirtualServerTable.
 */
#include <string.h>

#include "agent/snmp/tables.h"

static uint64_t count_real_servers(const struct lyd_node *row, const char *status)
{
    uint64_t count = 0;

    for (const struct lyd_node *child = lyd_child(row); child; child = child->next) {
        if (!child->schema || strcmp(child->schema->name, "real-server"))
            continue;
        const char *own = status ? leaf_value(child, "oper-status") : NULL;
        count += !status || (own && !strcmp(own, status));
    }
    return count;
}

static bool real_servers(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = count_real_servers(row, NULL);
    return true;
}

static bool active_real_servers(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = count_real_servers(row, "active");
    return true;
}

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_STRING, "description", NULL, NULL},
    {4, READ_WRITE, KIND_TRUTH, "enabled", NULL, NULL},
    {5, READ_ONLY, KIND_ADDRESS_TYPE, "address", NULL, NULL},
    {6, READ_ONLY, KIND_ADDRESS, "address", NULL, NULL},
    {7, READ_ONLY, KIND_UNSIGNED, "port", NULL, NULL},
    {8, READ_ONLY, KIND_ENUM, "protocol", NULL, NULL},
    {9, READ_ONLY, KIND_UNSIGNED, "firewall-mark", NULL, NULL},
    {10, READ_ONLY, KIND_ENUM, "address-family", NULL, NULL},
    {11, READ_ONLY, KIND_IDENTITY, "scheduler", NULL, NULL},
    {12, READ_ONLY, KIND_ENUM, "forwarding-method", NULL, NULL},
    {13, READ_ONLY, KIND_UNSIGNED, "persistence/timeout", NULL, NULL},
    {14, READ_ONLY, KIND_ENUM, "oper-status", NULL, NULL},
    {15, READ_ONLY, KIND_GAUGE, NULL, NULL, real_servers},
    {16, READ_ONLY, KIND_GAUGE, NULL, NULL, active_real_servers},
    {17, READ_ONLY, KIND_COUNTER64, "statistics/connections", NULL, NULL},
    {18, READ_ONLY, KIND_COUNTER64, "statistics/in-packets", NULL, NULL},
    {19, READ_ONLY, KIND_COUNTER64, "statistics/out-packets", NULL, NULL},
    {20, READ_ONLY, KIND_COUNTER64, "statistics/in-bytes", NULL, NULL},
    {21, READ_ONLY, KIND_COUNTER64, "statistics/out-bytes", NULL, NULL},
    {22, READ_ONLY, KIND_GAUGE, "statistics/connection-rate", NULL, NULL},
    {23, READ_ONLY, KIND_GAUGE, "statistics/in-packet-rate", NULL, NULL},
    {24, READ_ONLY, KIND_GAUGE, "statistics/out-packet-rate", NULL, NULL},
    {25, READ_ONLY, KIND_GAUGE, "statistics/in-byte-rate", NULL, NULL},
    {26, READ_ONLY, KIND_GAUGE, "statistics/out-byte-rate", NULL, NULL},
    {27, READ_ONLY, KIND_TIME_STAMP, "statistics/discontinuity-time", NULL, NULL},
    {28, READ_ONLY, KIND_STRING, "director", NULL, NULL},
    {29, READ_ONLY, KIND_GAUGE, "health/quorum", NULL, NULL},
    {30, READ_ONLY, KIND_GAUGE, "health/hysteresis", NULL, NULL},
    {31, READ_ONLY, KIND_ENUM, "health/status/quorum-state", NULL, NULL},
    {32, READ_ONLY, KIND_DATE_AND_TIME, "health/status/since", NULL, NULL},
    {33, READ_ONLY, KIND_GAUGE, "health/status/servers-up", NULL, NULL},
    {34, READ_ONLY, KIND_GAUGE, "health/status/servers-down", NULL, NULL},
    {35, READ_ONLY, KIND_GAUGE, "health/status/weight-up", NULL, NULL},
    {36, READ_WRITE, KIND_ACTION, "noria-ipvs:zero-statistics", NULL, NULL},
};

const struct snmp_table virtual_server_table = {
    .name = "noriaVirtualServerTable",
    .oid = {1, 2, 1},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-virtual-server:virtual-servers/virtual-server",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
