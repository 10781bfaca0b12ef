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
    {7, READ_ONLY, KIND_STRING, "configuration-hash", NULL, NULL},
    {8, READ_ONLY, KIND_GAUGE, "journal/size", NULL, NULL},
    {9, READ_ONLY, KIND_GAUGE, "journal/running-size", NULL, NULL},
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

/* What is in another container. */
static const struct snmp_column session_columns[] = {
    {10, READ_ONLY, KIND_GAUGE, "state/usage/connections", NULL, NULL},
};

const struct snmp_table session_scalars = {
    .name = "noriaAgentSessions",
    .oid = {1, 1},
    .oid_length = 2,
    .index_count = 0,
    .row = "/noria-agent:netconf-server",
    .columns = session_columns,
    .column_count = sizeof(session_columns) / sizeof(*session_columns),
};
