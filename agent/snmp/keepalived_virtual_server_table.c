/*
 * KEEPALIVED-MIB: virtualServerTable.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived.h"
#include "agent/snmp/keepalived_mail.h"

/* What has the addresses or the mark: a group's first member, or the virtual server itself. */
static const struct lyd_node *service_of(const struct lyd_node *row)
{
    const struct lyd_node *member = keepalived_child(row, "member");

    return member ? member : row;
}

static bool is_ipv6(const struct lyd_node *row)
{
    const char *address = leaf_value(service_of(row), "address");
    const char *family = leaf_value(service_of(row), "address-family");

    return address ? strchr(address, ':') != NULL : family && !strcmp(family, "ipv6");
}

static bool type(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_is_group(row) ? 3 : leaf_value(row, "firewall-mark") ? 1 : 2;
    return true;
}

static bool group_name(const struct lyd_node *row, struct snmp_value *value)
{
    const char *name = leaf_value(row, "name");

    if (!name || !keepalived_is_group(row))
        return false;
    value->length = strlen(name);
    memcpy(value->text, name, value->length); /* at most 64, says the model */
    return true;
}

static bool address_type(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_ipv6(row) ? 2 : 1;
    return true;
}

static bool protocol(const struct lyd_node *row, struct snmp_value *value)
{
    static const char *const names[] = {"tcp", "udp", "sctp"};
    const char *name = leaf_value(service_of(row), "protocol");

    value->number = 4; /* none: a mark */
    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(name, names[i]))
            value->number = i + 1;
    }
    return true;
}

static bool scheduler(const struct lyd_node *row, struct snmp_value *value)
{
    static const char *const names[] = {"rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh",
                                        "sh", "sed", "nq", "fo",  "ovf",  "mh",    "twos"};
    const char *name = leaf_value(row, "scheduler");
    const char *colon = name ? strchr(name, ':') : NULL;

    name = colon ? colon + 1 : name;
    value->number = name ? 99 : 4;
    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(name, names[i]))
            value->number = i + 1;
    }
    return true;
}

/* Alive is what the kernel serves, with or without real servers. */
static bool status(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "oper-status");

    value->number = !text || !strcmp(text, "active") || !strcmp(text, "no-real-server") ? 1 : 2;
    return true;
}

static bool persistence(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_child(row, "persistence") ? 1 : 2;
    return true;
}

static unsigned long persistence_prefix(const struct lyd_node *row, unsigned long whole)
{
    const char *text = leaf_value(row, "persistence/prefix-length");

    return text ? strtoul(text, NULL, 10) : whole;
}

static bool granularity_ipv4(const struct lyd_node *row, struct snmp_value *value)
{
    unsigned long prefix = persistence_prefix(row, 32);

    if (is_ipv6(row))
        return false;
    uint32_t mask = htonl(prefix ? UINT32_MAX << (32 - prefix) : 0);
    memcpy(value->text, &mask, sizeof(mask));
    value->length = sizeof(mask);
    return true;
}

static bool granularity_ipv6(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = persistence_prefix(row, 128);
    return is_ipv6(row);
}

static uint64_t count_real_servers(const struct lyd_node *row, bool alive)
{
    uint64_t count = 0;

    for (const struct lyd_node *child = lyd_child(row); child; child = child->next) {
        if (child->schema && !strcmp(child->schema->name, "real-server"))
            count += !alive || keepalived_is_alive(child);
    }
    return count;
}

static bool real_servers(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = count_real_servers(row, false);
    return true;
}

static bool real_servers_up(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = count_real_servers(row, true);
    return true;
}

static bool quorum(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "health/quorum");

    value->number = text ? strtoul(text, NULL, 10) : 1;
    return true;
}

static bool quorum_status(const struct lyd_node *row, struct snmp_value *value)
{
    const char *state = leaf_value(row, "health/status/quorum-state");
    const char *serves = leaf_value(row, "oper-status");

    if (state)
        value->number = !strcmp(state, "met") ? 1 : 2;
    else
        value->number = !serves || !strcmp(serves, "active") ? 1 : 2;
    return true;
}

static bool hysteresis(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "health/hysteresis");

    value->number = text ? strtoul(text, NULL, 10) : 0;
    return true;
}

static bool quorum_up(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_command(row, "quorum-up", value);
}

static bool quorum_down(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_command(row, "quorum-down", value);
}

/* A word among the flags. */
static bool flag(const struct lyd_node *row, const char *name, struct snmp_value *value)
{
    const char *flags = leaf_value(row, "scheduler-flags");

    value->number = flags && strstr(flags, name) ? 1 : 2;
    return true;
}

static bool fallback(const struct lyd_node *row, struct snmp_value *value)
{
    return flag(row, "fallback", value);
}

static bool port(const struct lyd_node *row, struct snmp_value *value)
{
    return flag(row, "port", value);
}

static bool third_flag(const struct lyd_node *row, struct snmp_value *value)
{
    return flag(row, "flag-3", value);
}

static const struct snmp_column columns[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, type},
    {3, READ_ONLY, KIND_STRING, NULL, NULL, group_name},
    {4, READ_ONLY, KIND_UNSIGNED, "firewall-mark", NULL, NULL},
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, address_type},
    {6, READ_ONLY, KIND_ADDRESS, "address", NULL, NULL},
    {7, READ_ONLY, KIND_UNSIGNED, "port", NULL, NULL},
    {8, READ_ONLY, KIND_INTEGER, NULL, NULL, protocol},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, scheduler},
    {10, READ_ONLY, KIND_ENUM, "forwarding-method", NULL, NULL},
    {11, READ_ONLY, KIND_INTEGER, NULL, NULL, status},
    {12, READ_ONLY, KIND_STRING, NULL, NULL, keepalived_virtual_host},
    {13, READ_ONLY, KIND_INTEGER, NULL, NULL, persistence},
    {14, READ_ONLY, KIND_UNSIGNED, "persistence/timeout", NULL, NULL},
    {15, READ_ONLY, KIND_ADDRESS, NULL, NULL, granularity_ipv4},
    {16, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_delay_loop},
    {17, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_ha_suspend},
    {18, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_alpha},
    {19, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_omega},
    {20, READ_ONLY, KIND_UNSIGNED, NULL, NULL, real_servers},
    {21, READ_ONLY, KIND_UNSIGNED, NULL, NULL, real_servers_up},
    {22, READ_ONLY, KIND_UNSIGNED, NULL, NULL, quorum},
    {23, READ_ONLY, KIND_INTEGER, NULL, NULL, quorum_status},
    {24, READ_ONLY, KIND_STRING, NULL, NULL, quorum_up},
    {25, READ_ONLY, KIND_STRING, NULL, NULL, quorum_down},
    {26, READ_ONLY, KIND_UNSIGNED, NULL, NULL, hysteresis},
    {27, READ_ONLY, KIND_UNSIGNED, "statistics/connections", NULL, keepalived_zero},
    {28, READ_ONLY, KIND_COUNTER32, "statistics/in-packets", NULL, keepalived_zero},
    {29, READ_ONLY, KIND_COUNTER32, "statistics/out-packets", NULL, keepalived_zero},
    {30, READ_ONLY, KIND_COUNTER64, "statistics/in-bytes", NULL, keepalived_zero},
    {31, READ_ONLY, KIND_COUNTER64, "statistics/out-bytes", NULL, keepalived_zero},
    {32, READ_ONLY, KIND_GAUGE, "statistics/connection-rate", NULL, keepalived_zero},
    {33, READ_ONLY, KIND_GAUGE, "statistics/in-packet-rate", NULL, keepalived_zero},
    {34, READ_ONLY, KIND_GAUGE, "statistics/out-packet-rate", NULL, keepalived_zero},
    {35, READ_ONLY, KIND_GAUGE, "statistics/in-byte-rate", NULL, keepalived_zero},
    {36, READ_ONLY, KIND_GAUGE, "statistics/out-byte-rate", NULL, keepalived_zero},
    {37, READ_ONLY, KIND_TRUTH, "one-packet", NULL, NULL},
    {38, READ_ONLY, KIND_COUNTER64, "statistics/connections", NULL, keepalived_zero},
    {39, READ_ONLY, KIND_COUNTER64, "statistics/in-packets", NULL, keepalived_zero},
    {40, READ_ONLY, KIND_COUNTER64, "statistics/out-packets", NULL, keepalived_zero},
    {41, READ_ONLY, KIND_UNSIGNED, "statistics/connection-rate", NULL, keepalived_zero},
    {42, READ_ONLY, KIND_HIGH, "statistics/connection-rate", NULL, keepalived_zero},
    {43, READ_ONLY, KIND_UNSIGNED, "statistics/in-packet-rate", NULL, keepalived_zero},
    {44, READ_ONLY, KIND_HIGH, "statistics/in-packet-rate", NULL, keepalived_zero},
    {45, READ_ONLY, KIND_UNSIGNED, "statistics/out-packet-rate", NULL, keepalived_zero},
    {46, READ_ONLY, KIND_HIGH, "statistics/out-packet-rate", NULL, keepalived_zero},
    {47, READ_ONLY, KIND_UNSIGNED, "statistics/in-byte-rate", NULL, keepalived_zero},
    {48, READ_ONLY, KIND_HIGH, "statistics/in-byte-rate", NULL, keepalived_zero},
    {49, READ_ONLY, KIND_UNSIGNED, "statistics/out-byte-rate", NULL, keepalived_zero},
    {50, READ_ONLY, KIND_HIGH, "statistics/out-byte-rate", NULL, keepalived_zero},
    {51, READ_ONLY, KIND_UNSIGNED, NULL, NULL, granularity_ipv6},
    {52, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* "hashed" is not asked for */
    {53, READ_ONLY, KIND_INTEGER, NULL, NULL, fallback},
    {54, READ_ONLY, KIND_INTEGER, NULL, NULL, port},
    {55, READ_ONLY, KIND_INTEGER, NULL, NULL, third_flag},
    {56, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_action},
    {57, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry},
    {58, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry_delay},
    {59, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_warmup},
    {60, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one}, /* default of a weight */
    {61, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_mail_of_quorum},
    {62, READ_ONLY, KIND_INTEGER, NULL, NULL, fallback},
    {63, READ_ONLY, KIND_INTEGER, NULL, NULL, port},
    {64, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_delay_loop_usec},
    {65, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry_delay_usec},
    {66, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_warmup_usec},
    {67, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_timeout_usec},
    {68, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_tunnel_type},
    {69, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_tunnel_port},
    {70, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_tunnel_checksum},
    {71, READ_ONLY, KIND_STRING, "name", NULL, NULL},
};

const struct snmp_table keepalived_virtual_server_table = {
    .name = "virtualServerTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 3},
    .oid_length = 2,
    .index_count = 1,
    .row = "/noria-virtual-server:virtual-servers/virtual-server",
    .look = keepalived_mail_look,
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
