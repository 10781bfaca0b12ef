/*
 * VRRPV3-MIB (RFC 6527).
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"
#include "agent/snmp/vrrp_mib.h"

const oid vrrpv3_mib[VRRP_MIB_LENGTH] = {1, 3, 6, 1, 2, 1, 207};

#define INSTANCE "/noria-vrrp:vrrp/instance"

/* Counters are of an account of keepalived's that is no older than this. */
#define REFRESH_MS 5000

static size_t router_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index)
{
    struct snmp_value family;

    vrrp_mib_family(row, &family);
    index[2] = (uint32_t)family.number;
    return vrrp_mib_index(row, numbers, index) ? 3 : 0;
}

/* An address has no fixed length: it is before the octets (RFC 2578, 7.7). */
static size_t address_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index)
{
    struct snmp_value address;

    if (!router_index(row, numbers, index) ||
        !keepalived_vrrp_octets(leaf_value(row, "address"), &address))
        return 0;
    index[3] = (uint32_t)address.length;
    for (size_t i = 0; i < address.length; i++)
        index[4 + i] = address.text[i];
    return 4 + address.length;
}

/* Of the right length, and nothing else: not known yet. */
static bool no_address(const struct lyd_node *row, struct snmp_value *value)
{
    vrrp_mib_family(row, value);
    value->length = value->number == 2 ? 16 : 4;
    memset(value->text, 0, value->length);
    return true;
}

/* A time of which nothing has passed. */
static bool not_yet(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = INT64_MAX;
    return true;
}

static const struct snmp_column routers[] = {
    {3, READ_ONLY, KIND_ADDRESS, "master-address", NULL, no_address},
    {4, READ_ONLY, KIND_ADDRESS, "primary-address", NULL, no_address},
    {5, READ_ONLY, KIND_PHYSICAL, "phys-address", NULL, NULL},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_state},
    {7, READ_ONLY, KIND_UNSIGNED, "priority", NULL, NULL},
    {8, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_address_count},
    {9, READ_ONLY, KIND_INTEGER, "advertise-interval", NULL, NULL},
    {10, READ_ONLY, KIND_TRUTH, "preempt/enabled", NULL, NULL},
    {11, READ_ONLY, KIND_TRUTH, "accept-mode", NULL, NULL},
    {12, READ_ONLY, KIND_TIME_SINCE, "up-since", NULL, not_yet},
    {13, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_row_status},
};

const struct snmp_table vrrpv3_mib_router_table = {
    .name = "vrrpv3OperationsTable",
    .root = vrrpv3_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1, 1, 1},
    .oid_length = 3,
    .index_count = 2,
    .row = INSTANCE,
    .index = router_index,
    .columns = routers,
    .column_count = sizeof(routers) / sizeof(*routers),
};

static const struct snmp_column addresses[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, vrrp_mib_row_status},
};

const struct snmp_table vrrpv3_mib_address_table = {
    .name = "vrrpv3AssociatedIpAddrTable",
    .root = vrrpv3_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1, 1, 2},
    .oid_length = 3,
    .index_count = 2,
    .row = INSTANCE "/virtual-address",
    .index = address_index,
    .columns = addresses,
    .column_count = sizeof(addresses) / sizeof(*addresses),
};

/* noError(0), or ipTtlError(1); other errors keepalived does not tell. */
static bool protocol_error(const struct lyd_node *row, struct snmp_value *value)
{
    const char *count = leaf_value(row, "statistics/ttl-errors");

    value->number = count && strcmp(count, "0") != 0;
    return count;
}

static bool refresh_rate(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = REFRESH_MS;
    return true;
}

static const struct snmp_column statistics[] = {
    {1, READ_ONLY, KIND_COUNTER32, "statistics/master-transitions", NULL, NULL},
    {2, READ_ONLY, KIND_ENUM, "new-master-reason", NULL, vrrp_mib_zero},
    {3, READ_ONLY, KIND_COUNTER64, "statistics/advertisements-received", NULL, NULL},
    {4, READ_ONLY, KIND_COUNTER64, "statistics/interval-errors", NULL, NULL},
    {5, READ_ONLY, KIND_COUNTER64, "statistics/ttl-errors", NULL, NULL},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, protocol_error},
    {7, READ_ONLY, KIND_COUNTER64, "statistics/priority-zero-received", NULL, NULL},
    {8, READ_ONLY, KIND_COUNTER64, "statistics/priority-zero-sent", NULL, NULL},
    {9, READ_ONLY, KIND_COUNTER64, "statistics/invalid-types", NULL, NULL},
    {10, READ_ONLY, KIND_COUNTER64, "statistics/address-list-errors", NULL, NULL},
    {11, READ_ONLY, KIND_COUNTER64, "statistics/packet-length-errors", NULL, NULL},
    {12, READ_ONLY, KIND_TIME_STAMP, "statistics/discontinuity-time", NULL, vrrp_mib_zero},
    {13, READ_ONLY, KIND_UNSIGNED, NULL, NULL, refresh_rate},
};

const struct snmp_table vrrpv3_mib_statistics_table = {
    .name = "vrrpv3StatisticsTable",
    .root = vrrpv3_mib,
    .root_length = VRRP_MIB_LENGTH,
    .oid = {1, 2, 5},
    .oid_length = 3,
    .index_count = 2,
    .row = INSTANCE,
    .index = router_index,
    .columns = statistics,
    .column_count = sizeof(statistics) / sizeof(*statistics),
};
