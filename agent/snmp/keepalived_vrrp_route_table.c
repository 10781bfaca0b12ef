/*
 * KEEPALIVED-MIB: vrrpRouteTable and vrrpRouteNextHopTable.
 *
 * A column about a property is there where it is configured; one about its lock beside it.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

#define COLUMNS(list) .columns = list, .column_count = sizeof(list) / sizeof(*(list))

static bool scope(const struct lyd_node *row, struct snmp_value *value)
{
    const char *name = leaf_value(row, "scope");

    value->number = keepalived_vrrp_scope(name ? name : "global");
    return true;
}

/* RouteType; several next hops are ecmp(2). */
static bool kind(const struct lyd_node *row, struct snmp_value *value)
{
    static const struct {
        const char *name;
        uint64_t number;
    } kinds[] = {{"blackhole", 3}, {"unreachable", 7}, {"prohibit", 8}, {"throw", 9}};
    const char *name = leaf_value(row, "type");

    value->number = 1;
    if (keepalived_child(row, "next-hop") || keepalived_child(row, "alternative-gateway"))
        value->number = 2;
    for (size_t i = 0; name && i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (!strcmp(name, kinds[i].name))
            value->number = kinds[i].number;
    }
    return true;
}

static bool table(const struct lyd_node *row, struct snmp_value *value)
{
    const char *name = leaf_value(row, "table");

    return keepalived_vrrp_table(name ? name : "main", value);
}

static bool protocol(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_protocol(leaf_value(row, "protocol"), value);
}

static bool mtu_lock(const struct lyd_node *row, struct snmp_value *value)
{
    const char *locked = leaf_value(row, "mtu-lock");

    value->number = locked && !strcmp(locked, "true") ? 1 : 2;
    return leaf_value(row, "mtu");
}

#define UNLOCKED(function, leaf)                                                                   \
    static bool function(const struct lyd_node *row, struct snmp_value *value)                     \
    {                                                                                              \
        value->number = 2;                                                                         \
        return leaf_value(row, leaf);                                                              \
    }

UNLOCKED(mss_lock, "advertised-mss")
UNLOCKED(rtt_lock, "round-trip-time")
UNLOCKED(variance_lock, "round-trip-variance")
UNLOCKED(reordering_lock, "reordering")
UNLOCKED(window_lock, "congestion-window")
UNLOCKED(threshold_lock, "slow-start-threshold")
UNLOCKED(timeout_lock, "minimum-retransmission-time")

static const struct snmp_column routes[] = {
    {2, READ_ONLY, KIND_PREFIX_TYPE, "destination", NULL, NULL},
    {3, READ_ONLY, KIND_PREFIX, "destination", NULL, NULL},
    {4, READ_ONLY, KIND_PREFIX_LENGTH, "destination", NULL, NULL},
    {5, READ_ONLY, KIND_ADDRESS, "gateway", NULL, NULL},
    {6, READ_ONLY, KIND_ADDRESS, "alternative-gateway", NULL, NULL},
    {7, READ_ONLY, KIND_ADDRESS, "preferred-source", NULL, NULL},
    {8, READ_ONLY, KIND_UNSIGNED, "metric", NULL, keepalived_zero},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, scope},
    {10, READ_ONLY, KIND_INTEGER, NULL, NULL, kind},
    {11, READ_ONLY, KIND_INTEGER, "if-index", NULL, NULL},
    {12, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {13, READ_ONLY, KIND_UNSIGNED, NULL, NULL, table},
    {14, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, keepalived_one},
    {17, READ_ONLY, KIND_UNSIGNED, "type-of-service", NULL, NULL},
    {18, READ_ONLY, KIND_INTEGER, NULL, NULL, protocol},
    {19, READ_ONLY, KIND_TRUTH, "explicit-congestion", NULL, keepalived_two},
    {20, READ_ONLY, KIND_TRUTH, "quick-acknowledgements", NULL, keepalived_two},
    {22, READ_ONLY, KIND_UNSIGNED, "mtu", NULL, NULL},
    {23, READ_ONLY, KIND_INTEGER, NULL, NULL, mtu_lock},
    {24, READ_ONLY, KIND_UNSIGNED, "hop-limit", NULL, NULL},
    {25, READ_ONLY, KIND_UNSIGNED, "advertised-mss", NULL, NULL},
    {26, READ_ONLY, KIND_INTEGER, NULL, NULL, mss_lock},
    {27, READ_ONLY, KIND_UNSIGNED, "round-trip-time", NULL, NULL},
    {28, READ_ONLY, KIND_INTEGER, NULL, NULL, rtt_lock},
    {29, READ_ONLY, KIND_UNSIGNED, "round-trip-variance", NULL, NULL},
    {30, READ_ONLY, KIND_INTEGER, NULL, NULL, variance_lock},
    {31, READ_ONLY, KIND_UNSIGNED, "reordering", NULL, NULL},
    {32, READ_ONLY, KIND_INTEGER, NULL, NULL, reordering_lock},
    {33, READ_ONLY, KIND_UNSIGNED, "window", NULL, NULL},
    {34, READ_ONLY, KIND_UNSIGNED, "congestion-window", NULL, NULL},
    {35, READ_ONLY, KIND_INTEGER, NULL, NULL, window_lock},
    {36, READ_ONLY, KIND_UNSIGNED, "slow-start-threshold", NULL, NULL},
    {37, READ_ONLY, KIND_INTEGER, NULL, NULL, threshold_lock},
    {38, READ_ONLY, KIND_UNSIGNED, "minimum-retransmission-time", NULL, NULL},
    {39, READ_ONLY, KIND_INTEGER, NULL, NULL, timeout_lock},
    {40, READ_ONLY, KIND_UNSIGNED, "initial-congestion-window", NULL, NULL},
    {41, READ_ONLY, KIND_UNSIGNED, "initial-receive-window", NULL, NULL},
    {42, READ_ONLY, KIND_STRING, "congestion-control", NULL, NULL},
    {44, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_vrrp_realm_to},
    {45, READ_ONLY, KIND_UNSIGNED, NULL, NULL, keepalived_vrrp_realm_from},
    {55, READ_ONLY, KIND_TRUTH, "fast-open-without-cookie", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_route_table = {
    .name = "vrrpRouteTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 7},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/instance/virtual-route",
    .other_row = "/noria-vrrp:vrrp/static-route",
    COLUMNS(routes),
};

/* --- next hops --- */

/* By their numbers, of which one may be 0; an index may not. */
static uint32_t hop_number(const struct entry *entry, const struct lyd_node *row)
{
    const char *text = leaf_value(row, "number");
    unsigned long number = text ? strtoul(text, NULL, 10) : 0;

    return number ? (uint32_t)number : UINT8_MAX + 1;
}

static const struct snmp_column hops[] = {
    {2, READ_ONLY, KIND_ADDRESS_TYPE, "gateway", NULL, NULL},
    {3, READ_ONLY, KIND_ADDRESS, "gateway", NULL, NULL},
    {4, READ_ONLY, KIND_INTEGER, "if-index", NULL, NULL},
    {5, READ_ONLY, KIND_STRING, "interface", NULL, NULL},
    {6, READ_ONLY, KIND_UNSIGNED, "weight", NULL, NULL},
    {7, READ_ONLY, KIND_TRUTH, "on-link", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_hop_table = {
    .name = "vrrpRouteNextHopTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 11},
    .oid_length = 2,
    .index_count = 3,
    .row = "/noria-vrrp:vrrp/instance/virtual-route/next-hop",
    .other_row = "/noria-vrrp:vrrp/static-route/next-hop",
    .number = hop_number,
    COLUMNS(hops),
};
