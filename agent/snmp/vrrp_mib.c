/*
 * VRRP-MIB (RFC 2787), and what it shares with VRRPV3-MIB.
 */
#include "agent/snmp/vrrp_mib.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

const oid vrrp_mib[VRRP_MIB_LENGTH] = {1, 3, 6, 1, 2, 1, 68};

#define INSTANCE "/noria-vrrp:vrrp/instance"

/* --- shared --- */

static const struct lyd_node *instance_of(const struct lyd_node *row)
{
    return !strcmp(row->schema->name, "instance") ? row : lyd_parent(row);
}

bool vrrp_mib_is_v2(const struct lyd_node *row)
{
    const char *version = leaf_value(instance_of(row), "version");

    return version && !strcmp(version, "vrrp-v2");
}

bool vrrp_mib_family(const struct lyd_node *row, struct snmp_value *value)
{
    const char *family = leaf_value(instance_of(row), "address-family");

    value->number = family && !strcmp(family, "ipv6") ? 2 : 1;
    return true;
}

static uint32_t number_of(const struct lyd_node *instance, const char *leaf)
{
    const char *text = leaf_value(instance, leaf);

    return text ? (uint32_t)strtoul(text, NULL, 10) : 0;
}

size_t vrrp_mib_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index)
{
    index[0] = number_of(instance_of(row), "if-index");
    index[1] = number_of(instance_of(row), "virtual-router-id");
    return index[0] ? 2 : 0;
}

bool vrrp_mib_state(const struct lyd_node *row, struct snmp_value *value)
{
    uint64_t state = keepalived_vrrp_state(leaf_value(row, "state"));

    value->number = state < 3 ? state + 1 : 1;
    return true;
}

bool vrrp_mib_address_count(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 0;
    for (const struct lyd_node *child = lyd_child(row); child; child = child->next)
        value->number += child->schema && !strcmp(child->schema->name, "virtual-address");
    return true;
}

static bool is_enabled(const struct lyd_node *row)
{
    const char *enabled = leaf_value(instance_of(row), "enabled");

    return !enabled || !strcmp(enabled, "true");
}

bool vrrp_mib_row_status(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = is_enabled(row) ? 1 : 2;
    return true;
}

bool vrrp_mib_zero(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 0;
    value->length = 0;
    return true;
}

/* --- scalars --- */

static bool version(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 2;
    return true;
}

static const struct snmp_column scalars[] = {
    {1, READ_ONLY, KIND_INTEGER, NULL, NULL, version},
    {2, READ_ONLY, KIND_TRUTH, "vrrp-notifications", NULL, NULL},
};

const struct snmp_table vrrp_mib_scalars = {
    .name = "vrrpOperations",
    .root = vrrp_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1},
    .oid_length = 1,
    .row = "/noria-agent:snmp-agent",
    .columns = scalars,
    .column_count = sizeof(scalars) / sizeof(*scalars),
};

/* --- vrrpOperTable --- */

static bool authentication(const struct lyd_node *row, struct snmp_value *value)
{
    const char *type = leaf_value(row, "authentication/type");

    value->number = child_node(row, "authentication") ? 2 : 1;
    if (type && !strcmp(type, "header"))
        value->number = 3;
    return true;
}

static bool seconds(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = number_of(row, "advertise-interval") / 100;
    return true;
}

static bool ip(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 1;
    return true;
}

/* 0.0.0.0: not known yet. */
static bool no_address(const struct lyd_node *row, struct snmp_value *value)
{
    value->length = 4;
    memset(value->text, 0, value->length);
    return true;
}

static const struct snmp_column routers[] = {
    {2, READ_ONLY, KIND_PHYSICAL, "phys-address", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_state},
    {4, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_row_status}, /* up(1), down(2) */
    {5, READ_ONLY, KIND_INTEGER, "priority", NULL, NULL},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_address_count},
    {7, READ_ONLY, KIND_IP_ADDRESS, "master-address", NULL, no_address},
    {8, READ_ONLY, KIND_IP_ADDRESS, "primary-address", NULL, no_address},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, authentication},
    {10, READ_ONLY, KIND_STRING, NULL, NULL, vrrp_mib_zero}, /* never shown */
    {11, READ_ONLY, KIND_INTEGER, NULL, NULL, seconds},
    {12, READ_ONLY, KIND_TRUTH, "preempt/enabled", NULL, NULL},
    {13, READ_ONLY, KIND_TIME_STAMP, "up-since", NULL, vrrp_mib_zero},
    {14, READ_ONLY, KIND_INTEGER, NULL, NULL, ip},
    {15, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_row_status},
};

const struct snmp_table vrrp_mib_router_table = {
    .name = "vrrpOperTable",
    .root = vrrp_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1, 3},
    .oid_length = 2,
    .index_count = 2,
    .row = INSTANCE,
    .has = vrrp_mib_is_v2,
    .index = vrrp_mib_index,
    .columns = routers,
    .column_count = sizeof(routers) / sizeof(*routers),
};

/* --- vrrpAssoIpAddrTable --- */

static size_t address_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index)
{
    struct snmp_value address;

    if (!vrrp_mib_index(row, numbers, index) ||
        !keepalived_vrrp_octets(leaf_value(row, "address"), &address) || address.length != 4)
        return 0;
    for (size_t i = 0; i < 4; i++)
        index[2 + i] = address.text[i];
    return 6;
}

static const struct snmp_column addresses[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_row_status},
};

const struct snmp_table vrrp_mib_address_table = {
    .name = "vrrpAssoIpAddrTable",
    .root = vrrp_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1, 4},
    .oid_length = 2,
    .index_count = 2,
    .row = INSTANCE "/virtual-address",
    .has = vrrp_mib_is_v2,
    .index = address_index,
    .columns = addresses,
    .column_count = sizeof(addresses) / sizeof(*addresses),
};

/* --- vrrpRouterStatsTable --- */

static const struct snmp_column statistics[] = {
    {1, READ_ONLY, KIND_COUNTER32, "statistics/master-transitions", NULL, NULL},
    {2, READ_ONLY, KIND_COUNTER32, "statistics/advertisements-received", NULL, NULL},
    {3, READ_ONLY, KIND_COUNTER32, "statistics/interval-errors", NULL, NULL},
    {4, READ_ONLY, KIND_COUNTER32, "statistics/authentication-failures", NULL, NULL},
    {5, READ_ONLY, KIND_COUNTER32, "statistics/ttl-errors", NULL, NULL},
    {6, READ_ONLY, KIND_COUNTER32, "statistics/priority-zero-received", NULL, NULL},
    {7, READ_ONLY, KIND_COUNTER32, "statistics/priority-zero-sent", NULL, NULL},
    {8, READ_ONLY, KIND_COUNTER32, "statistics/invalid-types", NULL, NULL},
    {9, READ_ONLY, KIND_COUNTER32, "statistics/address-list-errors", NULL, NULL},
    {10, READ_ONLY, KIND_COUNTER32, "statistics/invalid-authentication-types", NULL, NULL},
    {11, READ_ONLY, KIND_COUNTER32, "statistics/authentication-mismatches", NULL, NULL},
    {12, READ_ONLY, KIND_COUNTER32, "statistics/packet-length-errors", NULL, NULL},
};

const struct snmp_table vrrp_mib_statistics_table = {
    .name = "vrrpRouterStatsTable",
    .root = vrrp_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {2, 4},
    .oid_length = 2,
    .index_count = 2,
    .row = INSTANCE,
    .has = vrrp_mib_is_v2,
    .index = vrrp_mib_index,
    .columns = statistics,
    .column_count = sizeof(statistics) / sizeof(*statistics),
};
