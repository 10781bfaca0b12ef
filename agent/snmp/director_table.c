/*
 * NORIA-MIB: noriaDirectorTable.
 */
#include <string.h>

#include "agent/snmp/tables.h"

/* The director 'main' is there with and without configuration; the others come after it. */
static uint32_t number(const struct entry *entry, const struct lyd_node *row)
{
    const char *name = leaf_value(row, "name");

    if (name && !strcmp(name, "main"))
        return 1;
    return entry && entry->number ? entry->number + 1 : 0;
}

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_STRING, "description", NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "network-namespace", NULL, NULL},
    {5, READ_ONLY, KIND_ENUM, "oper-status", NULL, NULL},
    {6, READ_ONLY, KIND_STRING, "reason", NULL, NULL},
    {7, READ_ONLY, KIND_DATE_AND_TIME, "last-change", NULL, NULL},
    {8, READ_ONLY, KIND_STRING, "kernel-version", NULL, NULL},
    {9, READ_ONLY, KIND_UNSIGNED, "connection-table-size", NULL, NULL},
    {10, READ_ONLY, KIND_UNSIGNED, "effective-timeouts/tcp", NULL, NULL},
    {11, READ_ONLY, KIND_UNSIGNED, "effective-timeouts/tcp-fin", NULL, NULL},
    {12, READ_ONLY, KIND_UNSIGNED, "effective-timeouts/udp", NULL, NULL},
    {13, READ_ONLY, KIND_DATE_AND_TIME, "reconciliation/last-comparison", NULL, NULL},
    {14, READ_ONLY, KIND_COUNTER64, "reconciliation/comparisons", NULL, NULL},
    {15, READ_ONLY, KIND_COUNTER64, "reconciliation/differences", NULL, NULL},
    {16, READ_ONLY, KIND_COUNTER64, "reconciliation/drifts", NULL, NULL},
    {17, READ_ONLY, KIND_COUNTER64, "reconciliation/repairs", NULL, NULL},
    {18, READ_ONLY, KIND_TRUTH, "sync-daemon/master/running", NULL, NULL},
    {19, READ_ONLY, KIND_STRING, "sync-daemon/master/interface", NULL, NULL},
    {20, READ_ONLY, KIND_UNSIGNED, "sync-daemon/master/sync-id", NULL, NULL},
    {21, READ_ONLY, KIND_ADDRESS_TYPE, "sync-daemon/master/multicast-group", NULL, NULL},
    {22, READ_ONLY, KIND_ADDRESS, "sync-daemon/master/multicast-group", NULL, NULL},
    {23, READ_ONLY, KIND_UNSIGNED, "sync-daemon/master/port", NULL, NULL},
    {24, READ_ONLY, KIND_UNSIGNED, "sync-daemon/master/ttl", NULL, NULL},
    {25, READ_ONLY, KIND_UNSIGNED, "sync-daemon/master/effective-max-length", NULL, NULL},
    {26, READ_ONLY, KIND_TRUTH, "sync-daemon/backup/running", NULL, NULL},
    {27, READ_ONLY, KIND_STRING, "sync-daemon/backup/interface", NULL, NULL},
    {28, READ_ONLY, KIND_UNSIGNED, "sync-daemon/backup/sync-id", NULL, NULL},
    {29, READ_ONLY, KIND_ADDRESS_TYPE, "sync-daemon/backup/multicast-group", NULL, NULL},
    {30, READ_ONLY, KIND_ADDRESS, "sync-daemon/backup/multicast-group", NULL, NULL},
    {31, READ_ONLY, KIND_UNSIGNED, "sync-daemon/backup/port", NULL, NULL},
    {32, READ_ONLY, KIND_UNSIGNED, "sync-daemon/backup/ttl", NULL, NULL},
    {33, READ_ONLY, KIND_UNSIGNED, "sync-daemon/backup/effective-max-length", NULL, NULL},
    {34, READ_ONLY, KIND_UNSIGNED, "effective-parameters/am-droprate", NULL, NULL},
    {35, READ_ONLY, KIND_UNSIGNED, "effective-parameters/amemthresh", NULL, NULL},
    {36, READ_ONLY, KIND_TRUTH, "effective-parameters/backup-only", NULL, NULL},
    {37, READ_ONLY, KIND_TRUTH, "effective-parameters/cache-bypass", NULL, NULL},
    {38, READ_ONLY, KIND_UNSIGNED, "effective-parameters/conn-reuse-mode", NULL, NULL},
    {39, READ_ONLY, KIND_TRUTH, "effective-parameters/conntrack", NULL, NULL},
    {40, READ_ONLY, KIND_UNSIGNED, "effective-parameters/drop-entry", NULL, NULL},
    {41, READ_ONLY, KIND_UNSIGNED, "effective-parameters/drop-packet", NULL, NULL},
    {42, READ_ONLY, KIND_STRING, "effective-parameters/est-cpulist", NULL, NULL},
    {43, READ_ONLY, KIND_INTEGER, "effective-parameters/est-nice", NULL, NULL},
    {44, READ_ONLY, KIND_TRUTH, "effective-parameters/expire-nodest-conn", NULL, NULL},
    {45, READ_ONLY, KIND_TRUTH, "effective-parameters/expire-quiescent-template", NULL, NULL},
    {46, READ_ONLY, KIND_TRUTH, "effective-parameters/ignore-tunneled", NULL, NULL},
    {47, READ_ONLY, KIND_TRUTH, "effective-parameters/nat-icmp-send", NULL, NULL},
    {48, READ_ONLY, KIND_TRUTH, "effective-parameters/pmtu-disc", NULL, NULL},
    {49, READ_ONLY, KIND_TRUTH, "effective-parameters/run-estimation", NULL, NULL},
    {50, READ_ONLY, KIND_TRUTH, "effective-parameters/schedule-icmp", NULL, NULL},
    {51, READ_ONLY, KIND_UNSIGNED, "effective-parameters/secure-tcp", NULL, NULL},
    {52, READ_ONLY, KIND_TRUTH, "effective-parameters/sloppy-sctp", NULL, NULL},
    {53, READ_ONLY, KIND_TRUTH, "effective-parameters/sloppy-tcp", NULL, NULL},
    {54, READ_ONLY, KIND_TRUTH, "effective-parameters/snat-reroute", NULL, NULL},
    {55, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-persist-mode", NULL, NULL},
    {56, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-ports", NULL, NULL},
    {57, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-qlen-max", NULL, NULL},
    {58, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-refresh-period", NULL, NULL},
    {59, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-retries", NULL, NULL},
    {60, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-sock-size", NULL, NULL},
    {61, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-threshold", NULL, NULL},
    {62, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-period", NULL, NULL},
    {63, READ_ONLY, KIND_UNSIGNED, "effective-parameters/sync-version", NULL, NULL},
    {64, READ_ONLY, KIND_UNSIGNED, "effective-parameters/lblc-expiration", NULL, NULL},
    {65, READ_ONLY, KIND_UNSIGNED, "effective-parameters/lblcr-expiration", NULL, NULL},
    {66, READ_WRITE, KIND_ACTION, "/noria-ipvs:zero-statistics/director", "name", NULL},
};

const struct snmp_table director_table = {
    .name = "noriaDirectorTable",
    .oid = {1, 9, 1},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-director:directors/director",
    .number = number,
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
