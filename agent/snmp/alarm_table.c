/*
 * NORIA-MIB: noriaAlarmTable and noriaAlarmHistoryTable.
 */
#include "agent/snmp/tables.h"

static const struct snmp_column columns[] = {
    {1, READ_ONLY, KIND_INDEX_FIRST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_STRING, "resource", NULL, NULL},
    {3, READ_ONLY, KIND_IDENTITY, "alarm-type-id", NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "alarm-type-qualifier", NULL, NULL},
    {5, READ_ONLY, KIND_TRUTH, "is-cleared", NULL, NULL},
    {6, READ_ONLY, KIND_ENUM, "perceived-severity", NULL, NULL},
    {7, READ_ONLY, KIND_STRING, "alarm-text", NULL, NULL},
    {8, READ_ONLY, KIND_DATE_AND_TIME, "time-created", NULL, NULL},
    {9, READ_ONLY, KIND_DATE_AND_TIME, "last-raised", NULL, NULL},
    {10, READ_ONLY, KIND_DATE_AND_TIME, "last-changed", NULL, NULL},
};

const struct snmp_table alarm_table = {
    .name = "noriaAlarmTable",
    .oid = {1, 7, 1},
    .oid_length = 3,
    .index_count = 1,
    .row = "/ietf-alarms:alarms/alarm-list/alarm",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};

static const struct snmp_column history_columns[] = {
    {1, READ_ONLY, KIND_INDEX_LAST, NULL, NULL, NULL},
    {2, READ_ONLY, KIND_DATE_AND_TIME, "time", NULL, NULL},
    {3, READ_ONLY, KIND_ENUM, "perceived-severity", NULL, NULL},
    {4, READ_ONLY, KIND_STRING, "alarm-text", NULL, NULL},
};

const struct snmp_table alarm_history_table = {
    .name = "noriaAlarmHistoryTable",
    .oid = {1, 7, 2},
    .oid_length = 3,
    .index_count = 2,
    .row = "/ietf-alarms:alarms/alarm-list/alarm/status-change",
    .columns = history_columns,
    .column_count = sizeof(history_columns) / sizeof(*history_columns),
};
