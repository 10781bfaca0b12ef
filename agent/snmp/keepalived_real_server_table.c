/*
 * KEEPALIVED-MIB: realServerTable.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived.h"
#include "agent/snmp/keepalived_mail.h"

/* Of sorry servers keepalived says no more than what they are: status to failed checks, and
 * its name. */
static const unsigned sorry_lacks[] = {6, 7, 8, 9, 10, 11, 12, 13, 55, 0};

static bool type(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = !strcmp(row->schema->name, "sorry-server") ? 2 : 1;
    return true;
}

static bool notify_up(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_command(row, "notify-up", value);
}

static bool notify_down(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_command(row, "notify-down", value);
}

static bool status(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_is_alive(row) ? 1 : 2;
    return true;
}

/* keepalived has no instance where there is no limit. */
static bool limit(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);

    value->number = text ? strtoul(text, NULL, 10) : 0;
    return value->number != 0;
}

static bool upper_limit(const struct lyd_node *row, struct snmp_value *value)
{
    return limit(row, "upper-threshold", value);
}

static bool lower_limit(const struct lyd_node *row, struct snmp_value *value)
{
    return limit(row, "lower-threshold", value);
}

static bool failed_checks(const struct lyd_node *row, struct snmp_value *value)
{
    const struct lyd_node *health = keepalived_child(row, "health");
    const struct lyd_node *state = health ? keepalived_child(health, "status") : NULL;

    for (const struct lyd_node *check = state ? lyd_child(state) : NULL; check;
         check = check->next) {
        const char *verdict = leaf_value(check, "state");
        if (!strcmp(check->schema->name, "check"))
            value->number += verdict && !strcmp(verdict, "down");
    }
    return true;
}

static const struct snmp_column columns[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, type},
    {3, READ_ONLY, KIND_ADDRESS_TYPE, "address", NULL, NULL},
    {4, READ_ONLY, KIND_ADDRESS, "address", NULL, NULL},
    {5, READ_ONLY, KIND_UNSIGNED, "port", NULL, NULL},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, status},
    {7, READ_WRITE, KIND_INTEGER, "weight", NULL, NULL},
    {8, READ_ONLY, KIND_UNSIGNED, NULL, NULL, upper_limit},
    {9, READ_ONLY, KIND_UNSIGNED, NULL, NULL, lower_limit},
    {10, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_action},
    {11, READ_ONLY, KIND_STRING, NULL, NULL, notify_up},
    {12, READ_ONLY, KIND_STRING, NULL, NULL, notify_down},
    {13, READ_ONLY, KIND_UNSIGNED, NULL, NULL, failed_checks},
    {14, READ_ONLY, KIND_UNSIGNED, "statistics/connections", NULL, keepalived_zero},
    {15, READ_ONLY, KIND_GAUGE, "statistics/active-connections", NULL, keepalived_zero},
    {16, READ_ONLY, KIND_GAUGE, "statistics/inactive-connections", NULL, keepalived_zero},
    {17, READ_ONLY, KIND_GAUGE, "statistics/persistent-connections", NULL, keepalived_zero},
    {18, READ_ONLY, KIND_COUNTER32, "statistics/in-packets", NULL, keepalived_zero},
    {19, READ_ONLY, KIND_COUNTER32, "statistics/out-packets", NULL, keepalived_zero},
    {20, READ_ONLY, KIND_COUNTER64, "statistics/in-bytes", NULL, keepalived_zero},
    {21, READ_ONLY, KIND_COUNTER64, "statistics/out-bytes", NULL, keepalived_zero},
    {22, READ_ONLY, KIND_GAUGE, "statistics/connection-rate", NULL, keepalived_zero},
    {23, READ_ONLY, KIND_GAUGE, "statistics/in-packet-rate", NULL, keepalived_zero},
    {24, READ_ONLY, KIND_GAUGE, "statistics/out-packet-rate", NULL, keepalived_zero},
    {25, READ_ONLY, KIND_GAUGE, "statistics/in-byte-rate", NULL, keepalived_zero},
    {26, READ_ONLY, KIND_GAUGE, "statistics/out-byte-rate", NULL, keepalived_zero},
    {27, READ_ONLY, KIND_COUNTER64, "statistics/connections", NULL, keepalived_zero},
    {28, READ_ONLY, KIND_COUNTER64, "statistics/in-packets", NULL, keepalived_zero},
    {29, READ_ONLY, KIND_COUNTER64, "statistics/out-packets", NULL, keepalived_zero},
    {30, READ_ONLY, KIND_UNSIGNED, "statistics/connection-rate", NULL, keepalived_zero},
    {31, READ_ONLY, KIND_HIGH, "statistics/connection-rate", NULL, keepalived_zero},
    {32, READ_ONLY, KIND_UNSIGNED, "statistics/in-packet-rate", NULL, keepalived_zero},
    {33, READ_ONLY, KIND_HIGH, "statistics/in-packet-rate", NULL, keepalived_zero},
    {34, READ_ONLY, KIND_UNSIGNED, "statistics/out-packet-rate", NULL, keepalived_zero},
    {35, READ_ONLY, KIND_HIGH, "statistics/out-packet-rate", NULL, keepalived_zero},
    {36, READ_ONLY, KIND_UNSIGNED, "statistics/in-byte-rate", NULL, keepalived_zero},
    {37, READ_ONLY, KIND_HIGH, "statistics/in-byte-rate", NULL, keepalived_zero},
    {38, READ_ONLY, KIND_UNSIGNED, "statistics/out-byte-rate", NULL, keepalived_zero},
    {39, READ_ONLY, KIND_HIGH, "statistics/out-byte-rate", NULL, keepalived_zero},
    {40, READ_ONLY, KIND_ENUM, "forwarding-method", "../forwarding-method", NULL},
    {41, READ_ONLY, KIND_STRING, NULL, NULL, keepalived_virtual_host},
    {42, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_alpha},
    {43, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry},
    {44, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry_delay},
    {45, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_warmup},
    {46, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_delay_loop},
    {47, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_mail_of_server},
    {48, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_retry_delay_usec},
    {49, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_warmup_usec},
    {50, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_delay_loop_usec},
    {51, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_timeout_usec},
    {52, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_tunnel_type},
    {53, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_tunnel_port},
    {54, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_tunnel_checksum},
    {55, READ_ONLY, KIND_STRING, "description", NULL, NULL},
};

const struct snmp_table keepalived_real_server_table = {
    .name = "realServerTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 4},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-virtual-server:virtual-servers/virtual-server/real-server",
    .other_row = "/noria-virtual-server:virtual-servers/virtual-server/sorry-server",
    .other_lacks = sorry_lacks,
    .look = keepalived_mail_look,
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
