/*
 * KEEPALIVED-MIB: vrrpRouteTable and vrrpRuleTable.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

#define MAIN_TABLE 254

/* --- prefixes --- */

static bool octets_of(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    return keepalived_vrrp_octets(leaf_value(row, leaf), value);
}

static bool type_of(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);

    value->number = text && strchr(text, ':') ? 2 : 1;
    return text;
}

static bool length_of(const struct lyd_node *row, const char *leaf, struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);
    const char *slash = text ? strchr(text, '/') : NULL;

    value->number = slash ? strtoul(slash + 1, NULL, 10) : 0;
    return slash;
}

/* --- routes --- */

static bool route_type(const struct lyd_node *row, struct snmp_value *value)
{
    return type_of(row, "destination", value);
}

static bool route_destination(const struct lyd_node *row, struct snmp_value *value)
{
    return octets_of(row, "destination", value);
}

static bool route_length(const struct lyd_node *row, struct snmp_value *value)
{
    return length_of(row, "destination", value);
}

static bool route_scope(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_vrrp_scope("global");
    return true;
}

static bool main_table(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = MAIN_TABLE;
    return true;
}

/* The kernel's number of keepalived and 1, as keepalived gives it. */
static bool own_protocol(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = RTPROT_KEEPALIVED + 1;
    return true;
}

static const struct snmp_column routes[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, route_type},
    {3, READ_ONLY, KIND_ADDRESS, NULL, NULL, route_destination},
    {4, READ_ONLY, KIND_UNSIGNED, NULL, NULL, route_length},
    {5, READ_ONLY, KIND_ADDRESS, "gateway", NULL, NULL},
    {8, READ_ONLY, KIND_UNSIGNED, "metric", NULL, keepalived_zero},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, route_scope},
    {10, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one}, /* unicast */
    {11, READ_ONLY, KIND_INTEGER, "if-index", NULL, NULL},
    {12, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {13, READ_ONLY, KIND_UNSIGNED, "table", NULL, main_table},
    {14, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, NULL},
    {18, READ_ONLY, KIND_INTEGER, NULL, NULL, own_protocol},
    {19, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* no ECN */
    {20, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* no quick ACK */
};

const struct snmp_table keepalived_vrrp_route_table = {
    .name = "vrrpRouteTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 7},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/instance/virtual-route",
    .columns = routes,
    .column_count = sizeof(routes) / sizeof(*routes),
};

/* --- rules --- */

static bool direction(const struct lyd_node *row, struct snmp_value *value)
{
    const char *from = leaf_value(row, "from"), *to = leaf_value(row, "to");

    return keepalived_vrrp_text(from && to ? "both" : to ? "to" : from ? "from" : "", value);
}

/* What the columns that are obsolete are about. */
static const char *one_of(const struct lyd_node *row)
{
    return leaf_value(row, "to") ? "to" : "from";
}

static bool one_type(const struct lyd_node *row, struct snmp_value *value)
{
    return type_of(row, one_of(row), value);
}

static bool one_address(const struct lyd_node *row, struct snmp_value *value)
{
    return octets_of(row, one_of(row), value);
}

static bool one_length(const struct lyd_node *row, struct snmp_value *value)
{
    return length_of(row, one_of(row), value);
}

static bool to_type(const struct lyd_node *row, struct snmp_value *value)
{
    return type_of(row, "to", value);
}

static bool to_address(const struct lyd_node *row, struct snmp_value *value)
{
    return octets_of(row, "to", value);
}

static bool to_length(const struct lyd_node *row, struct snmp_value *value)
{
    return length_of(row, "to", value);
}

static bool from_type(const struct lyd_node *row, struct snmp_value *value)
{
    return type_of(row, "from", value);
}

static bool from_address(const struct lyd_node *row, struct snmp_value *value)
{
    return octets_of(row, "from", value);
}

static bool from_length(const struct lyd_node *row, struct snmp_value *value)
{
    return length_of(row, "from", value);
}

static const struct snmp_column rules[] = {
    {2, READ_ONLY, KIND_STRING, NULL, NULL, direction},
    {3, READ_ONLY, KIND_INTEGER, NULL, NULL, one_type},
    {4, READ_ONLY, KIND_ADDRESS, NULL, NULL, one_address},
    {5, READ_ONLY, KIND_UNSIGNED, NULL, NULL, one_length},
    {6, READ_ONLY, KIND_UNSIGNED, "table", NULL, NULL},
    {7, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, NULL},
    {8, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* not inverted */
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, to_type},
    {10, READ_ONLY, KIND_ADDRESS, NULL, NULL, to_address},
    {11, READ_ONLY, KIND_UNSIGNED, NULL, NULL, to_length},
    {12, READ_ONLY, KIND_INTEGER, NULL, NULL, from_type},
    {13, READ_ONLY, KIND_ADDRESS, NULL, NULL, from_address},
    {14, READ_ONLY, KIND_UNSIGNED, NULL, NULL, from_length},
    {15, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_zero}, /* no type of service */
    {23, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one},   /* look at a table */
    {24, READ_ONLY, KIND_UNSIGNED, "table", NULL, NULL},
    {25, READ_ONLY, KIND_UNSIGNED, "preference", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_rule_table = {
    .name = "vrrpRuleTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 8},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/instance/virtual-rule",
    .columns = rules,
    .column_count = sizeof(rules) / sizeof(*rules),
};
