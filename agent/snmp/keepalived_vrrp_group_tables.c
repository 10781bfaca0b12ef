/*
 * KEEPALIVED-MIB: vrrpSyncGroupTable and vrrpSyncGroupMemberTable.
 */
#include "agent/snmp/keepalived_vrrp.h"

static const struct snmp_column groups[] = {
    {2, READ_ONLY, KIND_STRING, "name", NULL, NULL},
    {3, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_vrrp_state_of},
    {4, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_two}, /* no mail */
    {5, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_vrrp_notifies},
    {6, READ_ONLY, KIND_COMMAND, "notify-master", NULL, NULL},
    {7, READ_ONLY, KIND_COMMAND, "notify-backup", NULL, NULL},
    {8, READ_ONLY, KIND_COMMAND, "notify-fault", NULL, NULL},
    {9, READ_ONLY, KIND_COMMAND, "notify-any", NULL, NULL},
    {10, READ_ONLY, KIND_TRUTH, "members-weigh", NULL, keepalived_two},
    {11, READ_ONLY, KIND_COMMAND, "notify-stop", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_group_table = {
    .name = "vrrpSyncGroupTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 1},
    .oid_length = 2,
    .index_count = 1,
    .row = "/noria-vrrp:vrrp/sync-group",
    .columns = groups,
    .column_count = sizeof(groups) / sizeof(*groups),
};

/* By its place: the MIB asks for no more. */
static uint32_t place_of(const struct entry *entry, const struct lyd_node *row)
{
    uint32_t place = 0;

    for (const struct lyd_node *child = lyd_child(lyd_parent(row)); child; child = child->next) {
        place += child->schema == row->schema;
        if (child == row)
            break;
    }
    return place;
}

static const struct snmp_column members[] = {
    {2, READ_ONLY, KIND_STRING, ".", NULL, NULL},
};

const struct snmp_table keepalived_vrrp_member_table = {
    .name = "vrrpSyncGroupMemberTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {2, 2},
    .oid_length = 2,
    .index_count = 2,
    .row = "/noria-vrrp:vrrp/sync-group/member",
    .number = place_of,
    .columns = members,
    .column_count = sizeof(members) / sizeof(*members),
};
