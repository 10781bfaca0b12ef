/*
 * NORIA-MIB: the scalars of noriaAgent.
 */
#include "agent/snmp/tables.h"

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_STRING, "version", NULL, NULL},
    {2, READ_ONLY, KIND_DATE_AND_TIME, "start-time", NULL, NULL},
    {3, READ_ONLY, KIND_TIME_SINCE, "start-time", NULL, NULL},
    {4, READ_ONLY, KIND_UNSIGNED, "revision", NULL, NULL},
    {5, READ_ONLY, KIND_DATE_AND_TIME, "last-commit-time", NULL, NULL},
};

const struct snmp_table agent_scalars = {
    .name = "noriaAgent",
    .oid = {1, 1},
    .oid_length = 2,
    .index_count = 0,
    .row = "/noria-agent:agent",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
