/*
 * NORIA-MIB: noriaBackendTable.
 */
#include "agent/snmp/tables.h"

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_ENUM, "oper-status", NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "reason", NULL, NULL},
    {5, READ_ONLY, KIND_DATE_AND_TIME, "last-change", NULL, NULL},
};

const struct snmp_table backend_table = {
    .name = "noriaBackendTable",
    .oid = {1, 1, 6},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-agent:agent/backend",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
