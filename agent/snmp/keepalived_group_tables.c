/*
 * KEEPALIVED-MIB: virtualServerGroupTable and virtualServerGroupMemberTable.
 *
 * A group is a virtual server with members: its index and its name are the virtual server's.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/keepalived.h"

static const struct snmp_column groups[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
};

const struct snmp_table keepalived_group_table = {
    .name = "virtualServerGroupTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 1},
    .oid_length = 2,
    .index_count = 1,
    .row = "/noria-virtual-server:virtual-servers/virtual-server",
    .has = keepalived_is_group,
    .columns = groups,
    .column_count = sizeof(groups) / sizeof(*groups),
};

enum member_type { MEMBER_MARK = 1, MEMBER_ADDRESS, MEMBER_RANGE };

static enum member_type type_of(const struct lyd_node *row)
{
    if (leaf_value(row, "firewall-mark"))
        return MEMBER_MARK;
    return leaf_value(row, "last-address") || leaf_value(row, "prefix-length") ? MEMBER_RANGE
                                                                               : MEMBER_ADDRESS;
}

static bool member_type(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = type_of(row);
    return true;
}

static bool single_address(const struct lyd_node *row, struct snmp_value *value)
{
    const char *address = leaf_value(row, "address");

    return type_of(row) == MEMBER_ADDRESS && address && snmp_address(address, value);
}

/* The first or the last address of the network that an address is of. */
static void to_end_of_network(struct snmp_value *value, unsigned long prefix, bool last)
{
    for (size_t bit = prefix; bit < 8 * value->length; bit++) {
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        if (last)
            value->text[bit / 8] |= mask;
        else
            value->text[bit / 8] &= (unsigned char)~mask;
    }
}

static bool range_end(const struct lyd_node *row, struct snmp_value *value, bool last)
{
    const char *prefix = leaf_value(row, "prefix-length");
    const char *address = leaf_value(row, last && !prefix ? "last-address" : "address");

    if (type_of(row) != MEMBER_RANGE || !address || !snmp_address(address, value))
        return false;
    if (prefix)
        to_end_of_network(value, strtoul(prefix, NULL, 10), last);
    return true;
}

static bool first_address(const struct lyd_node *row, struct snmp_value *value)
{
    return range_end(row, value, false);
}

static bool last_address(const struct lyd_node *row, struct snmp_value *value)
{
    return range_end(row, value, true);
}

static const struct snmp_column members[] = {
    {2, READ_ONLY, KIND_INTEGER, NULL, NULL, member_type},
    {3, READ_ONLY, KIND_UNSIGNED, "firewall-mark", NULL, NULL},
    {4, READ_ONLY, KIND_ADDRESS_TYPE, "address", NULL, NULL},
    {5, READ_ONLY, KIND_ADDRESS, NULL, NULL, single_address},
    {6, READ_ONLY, KIND_ADDRESS, NULL, NULL, first_address},
    {7, READ_ONLY, KIND_ADDRESS, NULL, NULL, last_address},
    {8, READ_ONLY, KIND_UNSIGNED, "port", NULL, NULL},
};

const struct snmp_table keepalived_member_table = {
    .name = "virtualServerGroupMemberTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {3, 2},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-virtual-server:virtual-servers/virtual-server/member",
    .columns = members,
    .column_count = sizeof(members) / sizeof(*members),
};
