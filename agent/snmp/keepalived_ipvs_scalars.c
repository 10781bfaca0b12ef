/*
 * KEEPALIVED-MIB: lvsSyncDaemon and lvsTimeouts, those of the director 'main'.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived.h"

static bool is_main(const struct lyd_node *row)
{
    const char *name = leaf_value(row, "name");

    return name && !strcmp(name, "main");
}

/* The half of the sync daemon that runs, or NULL. */
static const struct lyd_node *daemon_of(const struct lyd_node *row)
{
    const struct lyd_node *daemon = keepalived_child(row, "sync-daemon");
    const struct lyd_node *half = daemon ? keepalived_child(daemon, "master") : NULL;

    if (daemon && (!half || !leaf_value(half, "interface")))
        half = keepalived_child(daemon, "backup");
    return half && leaf_value(half, "interface") ? half : NULL;
}

static bool enabled(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = daemon_of(row) ? 1 : 2;
    return true;
}

static bool interface(const struct lyd_node *row, struct snmp_value *value)
{
    const struct lyd_node *half = daemon_of(row);

    if (!half)
        return false;
    const char *name = leaf_value(half, "interface");
    value->length = strnlen(name, SNMP_TEXT_MAX);
    memcpy(value->text, name, value->length);
    return true;
}

static bool number(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const struct lyd_node *half = daemon_of(row);
    const char *text = half ? leaf_value(half, leaf) : NULL;

    value->number = text ? strtoul(text, NULL, 10) : 0;
    return text != NULL;
}

static bool sync_id(const struct lyd_node *row, struct snmp_value *value)
{
    return number(row, "sync-id", value);
}

static bool max_length(const struct lyd_node *row, struct snmp_value *value)
{
    return number(row, "max-length", value);
}

static bool port(const struct lyd_node *row, struct snmp_value *value)
{
    return number(row, "port", value);
}

static bool ttl(const struct lyd_node *row, struct snmp_value *value)
{
    return number(row, "ttl", value);
}

/* For both columns, the type and the address. */
static bool group(const struct lyd_node *row, struct snmp_value *value)
{
    const struct lyd_node *half = daemon_of(row);
    const char *text = half ? leaf_value(half, "multicast-group") : NULL;

    return text && snmp_address(text, value);
}

static const struct snmp_column sync_daemon[] = {
    {1, READ_ONLY, KIND_INTEGER, NULL, NULL, enabled},
    {2, READ_ONLY, KIND_STRING, NULL, NULL, interface},
    {4, READ_ONLY, KIND_UNSIGNED, NULL, NULL, sync_id},
    {5, READ_ONLY, KIND_UNSIGNED, NULL, NULL, max_length},
    {6, READ_ONLY, KIND_UNSIGNED, NULL, NULL, port},
    {7, READ_ONLY, KIND_UNSIGNED, NULL, NULL, ttl},
    {8, READ_ONLY, KIND_INTEGER, NULL, NULL, group},
    {9, READ_ONLY, KIND_ADDRESS, NULL, NULL, group},
};

const struct snmp_table keepalived_sync_daemon = {
    .name = "lvsSyncDaemon",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 6},
    .oid_length = 2,
    .row = "/noria-director:directors/director",
    .has = is_main,
    .columns = sync_daemon,
    .column_count = sizeof(sync_daemon) / sizeof(*sync_daemon),
};

static const struct snmp_column timeouts[] = {
    {1, READ_ONLY, KIND_INTEGER, "timeouts/tcp", NULL, NULL},
    {2, READ_ONLY, KIND_INTEGER, "timeouts/tcp-fin", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, "timeouts/udp", NULL, NULL},
};

const struct snmp_table keepalived_timeouts = {
    .name = "lvsTimeouts",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 7},
    .oid_length = 2,
    .row = "/noria-director:directors/director",
    .has = is_main,
    .columns = timeouts,
    .column_count = sizeof(timeouts) / sizeof(*timeouts),
};
