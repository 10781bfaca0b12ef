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

/* A number, or one of the names that Linux has everywhere. */
static bool transport(const struct lyd_node *row, struct snmp_value *value)
{
    static const struct {
        const char *name;
        uint64_t number;
    } names[] = {{"icmp", 1}, {"tcp", 6}, {"udp", 17}, {"ipv6-icmp", 58}, {"sctp", 132}};
    const char *text = leaf_value(row, "transport");

    if (keepalived_vrrp_number(text, value))
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
    /* These three are obsolete. */
    {3, READ_ONLY, KIND_PREFIX_TYPE, "to", "from", NULL},
    {4, READ_ONLY, KIND_PREFIX, "to", "from", NULL},
    {5, READ_ONLY, KIND_PREFIX_LENGTH, "to", "from", NULL},
    {6, READ_ONLY, KIND_UNSIGNED, NULL, NULL, table},
    {7, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, keepalived_one},
    {8, READ_ONLY, KIND_TRUTH, "not", NULL, keepalived_two},
    {9, READ_ONLY, KIND_PREFIX_TYPE, "to", NULL, NULL},
    {10, READ_ONLY, KIND_PREFIX, "to", NULL, NULL},
    {11, READ_ONLY, KIND_PREFIX_LENGTH, "to", NULL, NULL},
    {12, READ_ONLY, KIND_PREFIX_TYPE, "from", NULL, NULL},
    {13, READ_ONLY, KIND_PREFIX, "from", NULL, NULL},
    {14, READ_ONLY, KIND_PREFIX_LENGTH, "from", NULL, NULL},
    {15, READ_ONLY, KIND_UNSIGNED, "type-of-service", NULL, keepalived_zero},
    {16, READ_ONLY, KIND_UNSIGNED, "mark", NULL, NULL},
    {17, READ_ONLY, KIND_UNSIGNED, "mark-mask", NULL, NULL},
    {18, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_vrrp_realm_to},
    {19, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_vrrp_realm_from},
    {20, READ_ONLY, KIND_STRING, "input-interface", NULL, NULL},
    {21, READ_ONLY, KIND_STRING, "output-interface", NULL, NULL},
    {22, READ_ONLY, KIND_UNSIGNED, "goto", NULL, NULL},
    {23, READ_ONLY, KIND_INTEGER, NULL, NULL, action},
    {24, READ_ONLY, KIND_UNSIGNED, NULL, NULL, table},
    {25, READ_ONLY, KIND_UNSIGNED, "preference", NULL, NULL},
    {26, READ_ONLY, KIND_UNSIGNED, "suppress-prefix-length", NULL, NULL},
    {27, READ_ONLY, KIND_STRING, "suppress-group", NULL, NULL},
    {30, READ_ONLY, KIND_FIRST, "user-range", NULL, NULL},
    {31, READ_ONLY, KIND_LAST, "user-range", NULL, NULL},
    {32, READ_ONLY, KIND_INTEGER, NULL, NULL, master_device},
    {33, READ_ONLY, KIND_INTEGER, NULL, NULL, protocol},
    {34, READ_ONLY, KIND_UNSIGNED, NULL, NULL, transport},
    {35, READ_ONLY, KIND_FIRST, "source-port", NULL, NULL},
    {36, READ_ONLY, KIND_LAST, "source-port", NULL, NULL},
    {37, READ_ONLY, KIND_FIRST, "destination-port", NULL, NULL},
    {38, READ_ONLY, KIND_LAST, "destination-port", NULL, NULL},
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
