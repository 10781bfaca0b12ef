/*
 * KEEPALIVED-MIB: vrrpAddressTable.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived_vrrp.h"

static bool is_ipv6(const struct lyd_node *row)
{
    const char *address = leaf_value(row, "address");

    return address && strchr(address, ':');
}

static bool prefix_length(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "prefix-length");

    value->number = text ? strtoul(text, NULL, 10) : is_ipv6(row) ? 128 : 32;
    return true;
}

/* An address, or the network's; keepalived has four octets of nothing where none is configured. */
static bool broadcast(const struct lyd_node *row, struct snmp_value *value)
{
    const char *text = leaf_value(row, "broadcast");
    struct snmp_value length;

    if (is_ipv6(row))
        return false;
    value->length = 4;
    memset(value->text, 0, value->length);
    if (!text || keepalived_vrrp_octets(text, value))
        return true;
    if (!keepalived_vrrp_octets(leaf_value(row, "address"), value))
        return false;
    prefix_length(row, &length);
    for (uint64_t bit = length.number; bit < 32; bit++) {
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        if (!strcmp(text, "set"))
            value->text[bit / 8] |= mask;
        else
            value->text[bit / 8] &= (unsigned char)~mask;
    }
    return true;
}

static bool scope(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_vrrp_scope(is_ipv6(row) ? "global" : leaf_value(row, "scope"));
    return true;
}

static bool advertised(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = !strcmp(row->schema->name, "virtual-address") ? 1 : 2;
    return true;
}

static const struct snmp_column columns[] = {
    {2, READ_ONLY, KIND_ADDRESS_TYPE, "address", NULL, NULL},
    {3, READ_ONLY, KIND_ADDRESS, "address", NULL, NULL},
    {4, READ_ONLY, KIND_ADDRESS, NULL, NULL, broadcast},
    {5, READ_ONLY, KIND_UNSIGNED, NULL, NULL, prefix_length},
    {6, READ_ONLY, KIND_INTEGER, NULL, NULL, scope},
    {7, READ_ONLY, KIND_INTEGER, "if-index", NULL, NULL},
    {8, READ_ONLY, KIND_STRING, "interface", "../interface", NULL},
    {9, READ_ONLY, KIND_STRING, "label", NULL, NULL},
    {10, READ_ONLY, KIND_TRUTH, "../addresses-placed", NULL, keepalived_one},
    {11, READ_ONLY, KIND_INTEGER, NULL, NULL, advertised},
    {12, READ_ONLY, KIND_ADDRESS, "peer", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_address_table = {
    .name = "vrrpAddressTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 6},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/instance/virtual-address",
    .other_row = "/noria-vrrp:vrrp/instance/excluded-address",
    .third_row = "/noria-vrrp:vrrp/static-address",
    .columns = columns,
    .column_count = sizeof(columns) / sizeof(*columns),
};
