/*
 * KEEPALIVED-MIB: the scalars of global.
 *
 * What keepalived's configuration has and ours has not is as keepalived gives it unconfigured.
 */
#include <string.h>
#include <unistd.h>

#include "agent/snmp/keepalived.h"

static bool take_text(struct snmp_value *value, const char *text)
{
    value->length = strnlen(text, SNMP_TEXT_MAX);
    memcpy(value->text, text, value->length);
    return true;
}

static bool version(const struct lyd_node *row, struct snmp_value *value)
{
    return take_text(value, "Noria v" NORIA_VERSION);
}

static bool router_id(const struct lyd_node *row, struct snmp_value *value)
{
    char name[SNMP_TEXT_MAX + 1] = "";

    gethostname(name, sizeof(name) - 1);
    return take_text(value, name);
}

static const struct snmp_column globals[] = {
    {1, READ_ONLY, KIND_STRING, NULL, NULL, version},
    {2, READ_ONLY, KIND_STRING, NULL, NULL, router_id},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one},  /* links by netlink */
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},  /* no flush at the start */
    {7, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one},  /* 64-bit statistics */
    {8, READ_ONLY, KIND_STRING, NULL, NULL, keepalived_zero},  /* network namespace: none */
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two},  /* no D-Bus */
    {10, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* dynamic_interfaces not set */
    {11, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* no flush at the stop */
};

const struct snmp_table keepalived_global = {
    .name = "keepalivedGlobal",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {1},
    .oid_length = 1,
    .row = "/noria-agent:agent",
    .columns = globals,
    .column_count = sizeof(globals) / sizeof(*globals),
};

static const struct snmp_column traps[] = {
    {4, READ_ONLY, KIND_TRUTH, "keepalived-notifications", NULL, keepalived_two},
};

const struct snmp_table keepalived_traps = {
    .name = "keepalivedTrapEnable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {1},
    .oid_length = 1,
    .row = "/noria-agent:snmp-agent",
    .columns = traps,
    .column_count = sizeof(traps) / sizeof(*traps),
};
