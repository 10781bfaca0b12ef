/*
 * NORIA-MIB: noriaHealthCheckTable.
 */
#include "agent/snmp/tables.h"

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_INDEX_SECOND, NULL, NULL, NULL},
    {3, READ_ONLY, KIND_INDEX_LAST, NULL, NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "../../../../name", NULL, NULL},
    {5, READ_ONLY, KIND_ADDRESS_TYPE, "../../../address", NULL, NULL},
    {6, READ_ONLY, KIND_ADDRESS, "../../../address", NULL, NULL},
    {7, READ_ONLY, KIND_UNSIGNED, "../../../port", NULL, NULL},
    {8, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {9, READ_ONLY, KIND_ENUM, "state", NULL, NULL},
    {10, READ_ONLY, KIND_GAUGE, "latency", NULL, NULL},
    {11, READ_ONLY, KIND_GAUGE, "average-latency", NULL, NULL},
    {12, READ_ONLY, KIND_STRING, "last-error", NULL, NULL},
    {13, READ_ONLY, KIND_DATE_AND_TIME, "last-run", NULL, NULL},
    {14, READ_ONLY, KIND_DATE_AND_TIME, "since", NULL, NULL},
    {15, READ_ONLY, KIND_COUNTER64, "runs", NULL, NULL},
    {16, READ_ONLY, KIND_COUNTER64, "failures", NULL, NULL},
    {17, READ_ONLY, KIND_TIME_STAMP, "discontinuity-time", NULL, NULL},
};

const struct snmp_table health_check_table = {
    .name = "noriaHealthCheckTable",
    .oid = {1, 3, 1},
    .oid_length = 3,
    .index_count = 3,
    .row = "/noria-virtual-server:virtual-servers/virtual-server/real-server/"
           "noria-health:health/status/check",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
