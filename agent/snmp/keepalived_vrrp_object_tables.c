/*
 * KEEPALIVED-MIB: what can be tracked: vrrpScriptTable, vrrpFileTable, vrrpBfdTable and
 * vrrpProcessTable.
 *
 * A weight of the object itself is what counts where who tracks it says none; ours always say.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

#define COLUMNS(list) .columns = list, .column_count = sizeof(list) / sizeof(*(list))
#define OBJECTS(table_name, number, list)                                                          \
    .name = table_name, .root = keepalived_mib, .root_length = KEEPALIVED_MIB_LENGTH,              \
    .oid = {2, number}, .oid_length = 2, .index_count = 1, .row = "/noria-vrrp:vrrp/" list

static const struct snmp_column scripts[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_COMMAND, "command", NULL, NULL},
    {4, READ_ONLY, KIND_INTEGER, "interval", NULL, NULL},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_zero},
    {6, READ_ONLY, KIND_ENUM, "result", NULL, keepalived_one},
    {7, READ_ONLY, KIND_UNSIGNED, "rise", NULL, NULL},
    {8, READ_ONLY, KIND_UNSIGNED, "fall", NULL, NULL},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},
};

const struct snmp_table keepalived_vrrp_script_table = {
    OBJECTS("vrrpScriptTable", 9, "script"),
    COLUMNS(scripts),
};

static const struct snmp_column files[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_STRING, "file", NULL, NULL},
    {4, READ_ONLY, KIND_INTEGER, "value", NULL, keepalived_zero},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},
};

const struct snmp_table keepalived_vrrp_file_table = {
    OBJECTS("vrrpFileTable", 13, "file"),
    COLUMNS(files),
};

static bool is_up(const struct lyd_node *row, struct snmp_value *value)
{
    const char *up = leaf_value(row, "up");

    value->number = up && !strcmp(up, "true");
    return true;
}

static const struct snmp_column sessions[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, NULL, NULL, is_up},
    {4, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_zero},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},
};

const struct snmp_table keepalived_vrrp_bfd_table = {
    OBJECTS("vrrpBfdTable", 18, "bfd-session"),
    COLUMNS(sessions),
};

/* The program is the first word of the command. */
static bool program(const struct lyd_node *row, struct snmp_value *value)
{
    const char *command = leaf_value(row, "command");

    if (!keepalived_vrrp_text(command, value))
        return false;
    value->length = strcspn(command, " ");
    return true;
}

static bool parameters(const struct lyd_node *row, struct snmp_value *value)
{
    const char *command = leaf_value(row, "command");
    const char *blank = command ? strchr(command, ' ') : NULL;

    return keepalived_vrrp_text(blank ? blank + 1 : "", value);
}

/* none(0), exact(1), partial(2), initial(3): of no parameters, none. */
static bool match(const struct lyd_node *row, struct snmp_value *value)
{
    const char *how = leaf_value(row, "match");
    const char *command = leaf_value(row, "command");

    value->number = 0;
    if (command && strchr(command, ' '))
        value->number = !how || !strcmp(how, "exact") ? 1 : !strcmp(how, "partial") ? 2 : 3;
    return true;
}

/* In microseconds. */
static bool delay(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);

    value->number = text ? (uint64_t)(strtod(text, NULL) * 1e6 + 0.5) : 0;
    return true;
}

static bool start_delay(const struct lyd_node *row, struct snmp_value *value)
{
    return delay(row, "start-delay", value);
}

static bool end_delay(const struct lyd_node *row, struct snmp_value *value)
{
    return delay(row, "end-delay", value);
}

/* Without one it is the highest number, which is -1. */
static bool unlimited(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = UINT64_MAX;
    return true;
}

static const struct snmp_column processes[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_STRING, NULL, NULL, program},
    {4, READ_ONLY, KIND_STRING, NULL, NULL, parameters},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, match},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_zero},
    {7, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},
    {8, READ_ONLY, KIND_UNSIGNED, "quorum", NULL, NULL},
    {9, READ_ONLY, KIND_INTEGER, "maximum", NULL, unlimited},
    {10, READ_ONLY, KIND_UNSIGNED, NULL, NULL, start_delay},
    {11, READ_ONLY, KIND_UNSIGNED, NULL, NULL, end_delay},
    {12, READ_ONLY, KIND_TRUTH, "whole-command", NULL, keepalived_two},
    {13, READ_ONLY, KIND_INTEGER, "running", NULL, keepalived_zero},
    {14, READ_ONLY, KIND_TRUTH, "quorum-met", NULL, keepalived_two},
};

const struct snmp_table keepalived_vrrp_process_table = {
    OBJECTS("vrrpProcessTable", 21, "process"),
    COLUMNS(processes),
};
