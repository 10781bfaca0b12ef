/*
 * KEEPALIVED-MIB: vrrpRuleTable.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

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
    return keepalived_vrrp_prefix_type(row, one_of(row), value);
}

static bool one_address(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_address(row, one_of(row), value);
}

static bool one_length(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_length(row, one_of(row), value);
}

static bool to_type(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_type(row, "to", value);
}

static bool to_address(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_address(row, "to", value);
}

static bool to_length(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_length(row, "to", value);
}

static bool from_type(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_type(row, "from", value);
}

static bool from_address(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_address(row, "from", value);
}

static bool from_length(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_prefix_length(row, "from", value);
}

static bool table(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_table(leaf_value(row, "table"), value);
}

/* RuleAction: table(1), goto(2), or that it drops. */
static bool action(const struct lyd_node *row, struct snmp_value *value)
{
    static const char *const drops[] = {"blackhole", "unreachable", "prohibit"};
    const char *drop = leaf_value(row, "drop");

    value->number = leaf_value(row, "goto") ? 2 : 1;
    for (size_t i = 0; drop && i < sizeof(drops) / sizeof(*drops); i++) {
        if (!strcmp(drop, drops[i]))
            value->number = 6 + i;
    }
    return true;
}

static bool realm_to(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "realms"), '/', true, value);
}

static bool realm_from(const struct lyd_node *row, struct snmp_value *value)
{
    const char *realms = leaf_value(row, "realms");

    return realms && strchr(realms, '/') && keepalived_vrrp_part(realms, '/', false, value);
}

static bool first_user(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "user-range"), '-', false, value);
}

static bool last_user(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "user-range"), '-', true, value);
}

static bool first_source(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "source-port"), '-', false, value);
}

static bool last_source(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "source-port"), '-', true, value);
}

static bool first_destination(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "destination-port"), '-', false, value);
}

static bool last_destination(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_part(leaf_value(row, "destination-port"), '-', true, value);
}

/* A number, or one of the names that Linux has everywhere. */
static bool transport(const struct lyd_node *row, struct snmp_value *value)
{
    static const struct {
        const char *name;
        uint64_t number;
    } names[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"ipv6-icmp", 58}, {"sctp", 132}};
    const char *text = leaf_value(row, "transport");

    if (keepalived_vrrp_part(text, '/', false, value))
        return true;
    for (size_t i = 0; text && i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(text, names[i].name)) {
            value->number = names[i].number;
            return true;
        }
    }
    return false;
}

static bool master_device(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 1;
    return leaf_value(row, "layer-3-master");
}

static bool protocol(const struct lyd_node *row, struct snmp_value *value)
{
    return leaf_value(row, "protocol") &&
           keepalived_vrrp_protocol(leaf_value(row, "protocol"), value);
}

static const struct snmp_column rules[] = {
    {2, READ_ONLY, KIND_STRING, NULL, NULL, direction},
    {3, READ_ONLY, KIND_INTEGER, NULL, NULL, one_type},
    {4, READ_ONLY, KIND_ADDRESS, NULL, NULL, one_address},
    {5, READ_ONLY, KIND_UNSIGNED, NULL, NULL, one_length},
    {6, READ_ONLY, KIND_UNSIGNED, NULL, NULL, table},
    {7, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, keepalived_one},
    {8, READ_ONLY, KIND_TRUTH, "not", NULL, keepalived_two},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, to_type},
    {10, READ_ONLY, KIND_ADDRESS, NULL, NULL, to_address},
    {11, READ_ONLY, KIND_UNSIGNED, NULL, NULL, to_length},
    {12, READ_ONLY, KIND_INTEGER, NULL, NULL, from_type},
    {13, READ_ONLY, KIND_ADDRESS, NULL, NULL, from_address},
    {14, READ_ONLY, KIND_UNSIGNED, NULL, NULL, from_length},
    {15, READ_ONLY, KIND_UNSIGNED, "type-of-service", NULL, keepalived_zero},
    {16, READ_ONLY, KIND_UNSIGNED, "mark", NULL, NULL},
    {17, READ_ONLY, KIND_UNSIGNED, "mark-mask", NULL, NULL},
    {18, READ_ONLY, KIND_UNSIGNED, NULL, NULL, realm_to},
    {19, READ_ONLY, KIND_UNSIGNED, NULL, NULL, realm_from},
    {20, READ_ONLY, KIND_STRING, "input-interface", NULL, NULL},
    {21, READ_ONLY, KIND_STRING, "output-interface", NULL, NULL},
    {22, READ_ONLY, KIND_UNSIGNED, "goto", NULL, NULL},
    {23, READ_ONLY, KIND_INTEGER, NULL, NULL, action},
    {24, READ_ONLY, KIND_UNSIGNED, NULL, NULL, table},
    {25, READ_ONLY, KIND_UNSIGNED, "preference", NULL, NULL},
    {26, READ_ONLY, KIND_UNSIGNED, "suppress-prefix-length", NULL, NULL},
    {27, READ_ONLY, KIND_STRING, "suppress-group", NULL, NULL},
    {30, READ_ONLY, KIND_UNSIGNED, NULL, NULL, first_user},
    {31, READ_ONLY, KIND_UNSIGNED, NULL, NULL, last_user},
    {32, READ_ONLY, KIND_INTEGER, NULL, NULL, master_device},
    {33, READ_ONLY, KIND_INTEGER, NULL, NULL, protocol},
    {34, READ_ONLY, KIND_UNSIGNED, NULL, NULL, transport},
    {35, READ_ONLY, KIND_UNSIGNED, NULL, NULL, first_source},
    {36, READ_ONLY, KIND_UNSIGNED, NULL, NULL, last_source},
    {37, READ_ONLY, KIND_UNSIGNED, NULL, NULL, first_destination},
    {38, READ_ONLY, KIND_UNSIGNED, NULL, NULL, last_destination},
};

const struct snmp_table keepalived_vrrp_rule_table = {
    .name = "vrrpRuleTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 8},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/instance/virtual-rule",
    .other_row = "/noria-vrrp:vrrp/static-rule",
    .columns = rules,
    .column_count = sizeof(rules) / sizeof(*rules),
};
