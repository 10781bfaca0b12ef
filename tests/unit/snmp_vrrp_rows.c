/*
 * SNMP rows of VRRP: indexes that a table makes itself, rows of two lists, and of a leaf-list.
 */
#include "tests/unit/given.h"

#include "agent/snmp/tables.h"

#include <cmocka.h>

#define INSTANCE(name, vrid, more, address)                                                        \
    "<instance><name>" name "</name><interface>eth0</interface><virtual-router-id>" vrid           \
    "</virtual-router-id>" more "<virtual-address><address>" address                               \
    "</address></virtual-address></instance>"

static const char configuration[] = "<vrrp xmlns=\"urn:noria:yang:noria-vrrp\">" INSTANCE(
    "six", "52", "<address-family>ipv6</address-family>", "fe80::1")
    INSTANCE("web", "51",
             "<excluded-address><address>2001:db8::1</address></excluded-address>"
             "<track-interface><interface>eth1</interface></track-interface>",
             "10.0.0.200") INSTANCE("away", "53", "<version>vrrp-v2</version>", "10.0.0.9")
        INSTANCE("old", "50", "<version>vrrp-v2</version>", "10.0.0.7")
            INSTANCE("older", "40", "<version>vrrp-v2</version>",
                     "10.0.0.6") "<sync-group><name>g</name><member>web</member><member>six</"
                                 "member></sync-group></vrrp>";

static struct snapshot *snapshot;
static struct operational read_state;

/* As the backend does: the interface of "away" is missing. */
static void add_interfaces(struct lyd_node *node)
{
    struct lyd_node *child;
    const char *name = leaf_value(node, "name");
    if (strcmp(node->schema->name, "instance") != 0)
        return;
    if (strcmp(name, "away") != 0)
        lyd_new_term(node, NULL, "if-index", "7", 0, NULL);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!strcmp(child->schema->name, "track-interface"))
            lyd_new_term(child, NULL, "if-index", "9", 0, NULL);
    }
}

static int given_routers(void **state)
{
    if (given_schema(state))
        return -1;
    snapshot = given_snapshot(NULL, configuration);
    read_state.count = snapshot->count;
    read_state.entries = calloc(snapshot->count, sizeof(*read_state.entries));
    read_state.nodes = calloc(snapshot->count, sizeof(*read_state.nodes));
    for (size_t i = 0; i < snapshot->count; i++) {
        struct entry *entry = snapshot->entries[i];
        entry->number = (uint32_t)(i + 1);
        read_state.entries[i] = entry;
        assert_int_equal(lyd_dup_single(entry->node, NULL, LYD_DUP_RECURSIVE, &read_state.nodes[i]),
                         0);
        add_interfaces(read_state.nodes[i]);
    }
    return 0;
}

static int forget_routers(void **state)
{
    for (size_t i = 0; i < read_state.count; i++)
        lyd_free_tree(read_state.nodes[i]);
    free(read_state.entries);
    free(read_state.nodes);
    snapshot_unref(snapshot);
    return forget_schema(state);
}

static uint32_t number_of(const char *name)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        const char *other = leaf_value(snapshot->entries[i]->node, "name");
        if (other && !strcmp(other, name))
            return snapshot->entries[i]->number;
    }
    return 0;
}

static struct snmp_rows rows_of(const struct snmp_table *table)
{
    struct error error = {0};
    struct snmp_rows rows;
    assert_int_equal(snmp_rows_init(&rows, table, schema->ctx, &error), DONE);
    assert_int_equal(snmp_rows_fill(&rows, &read_state, &error), DONE);
    return rows;
}

static bool is_there(const struct snmp_rows *rows, const oid *suffix, size_t length)
{
    struct snmp_instance at = {0};
    return snmp_rows_find(rows, suffix, length, &at) == FOUND;
}

static void virtual_routers_are_by_interface_and_in_order(void **state)
{
    struct snmp_rows rows = rows_of(&vrrp_mib_router_table);
    struct snmp_instance at = {0};
    oid next[SNMP_INDEX_LONGEST + 2];
    static const oid first[] = {1, 5, 7, 40}, second[] = {1, 5, 7, 50};
    static const oid column[] = {1, 5};

    assert_int_equal(rows.count, 2);
    assert_true(snmp_rows_next(&rows, column, 2, false, &at));
    assert_int_equal(snmp_rows_suffix(&rows, &at, next), 4);
    assert_memory_equal(next, first, sizeof(first));
    assert_true(snmp_rows_next(&rows, first, 4, false, &at));
    assert_int_equal(snmp_rows_suffix(&rows, &at, next), 4);
    assert_memory_equal(next, second, sizeof(second));
    snmp_rows_free(&rows);
}

static void an_address_is_in_the_index_with_its_length(void **state)
{
    struct snmp_rows rows = rows_of(&vrrpv3_mib_address_table);
    static const oid short_one[] = {1, 2, 7, 51, 1, 4, 10, 0, 0, 200};
    static const oid long_one[] = {1, 2, 7, 52, 2, 16, 0xfe, 0x80, 0, 0, 0,
                                   0, 0, 0, 0,  0, 0,  0,    0,    0, 0, 1};
    static const oid cut[] = {1, 2, 7, 51, 1, 4, 10, 0, 0};

    assert_int_equal(rows.count, 4); /* of both versions; one has no interface */
    assert_true(is_there(&rows, short_one, sizeof(short_one) / sizeof(oid)));
    assert_true(is_there(&rows, long_one, sizeof(long_one) / sizeof(oid)));
    assert_false(is_there(&rows, cut, sizeof(cut) / sizeof(oid)));
    snmp_rows_free(&rows);
}

static void a_tracked_interface_is_by_its_number(void **state)
{
    struct snmp_rows rows = rows_of(&keepalived_vrrp_tracked_interface_table);
    const oid tracked[] = {1, 1, number_of("web"), 9};

    assert_int_equal(rows.count, 1);
    assert_true(is_there(&rows, tracked, 4));
    snmp_rows_free(&rows);
}

static void addresses_of_both_lists_are_rows(void **state)
{
    struct snmp_rows rows = rows_of(&keepalived_vrrp_address_table);

    assert_int_equal(rows.count, 6);
    snmp_rows_free(&rows);
}

static void members_are_counted(void **state)
{
    struct snmp_rows rows = rows_of(&keepalived_vrrp_member_table);
    const oid first[] = {1, 2, number_of("g"), 1}, second[] = {1, 2, number_of("g"), 2};
    struct snmp_instance at = {0};
    struct snmp_value value;

    assert_int_equal(rows.count, 2);
    assert_true(is_there(&rows, second, 4));
    assert_int_equal(snmp_rows_find(&rows, first, 4, &at), FOUND);
    snmp_rows_value(&rows, &at, &value);
    assert_int_equal(value.length, 3);
    assert_memory_equal(value.text, "web", 3);
    snmp_rows_free(&rows);
}

/* A misspelt leaf would be an empty column. */
static void all_leaves_are_there(void **state)
{
    static const struct snmp_table *const tables[] = {
        &keepalived_vrrp_group_table,
        &keepalived_vrrp_instance_table,
        &keepalived_vrrp_route_table,
        &keepalived_vrrp_rule_table,
        &keepalived_vrrp_script_table,
        &keepalived_vrrp_file_table,
        &keepalived_vrrp_bfd_table,
        &keepalived_vrrp_process_table,
        &keepalived_vrrp_group_interface_table,
        &vrrp_mib_scalars,
        &vrrp_mib_statistics_table,
        &vrrpv3_mib_router_table,
        &vrrpv3_mib_statistics_table,
        &vrrp_instance_table,
        &vrrp_group_table,
    };
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++) {
        struct snmp_rows rows = rows_of(tables[i]);
        snmp_rows_free(&rows);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(virtual_routers_are_by_interface_and_in_order),
        cmocka_unit_test(an_address_is_in_the_index_with_its_length),
        cmocka_unit_test(a_tracked_interface_is_by_its_number),
        cmocka_unit_test(addresses_of_both_lists_are_rows),
        cmocka_unit_test(members_are_counted),
        cmocka_unit_test(all_leaves_are_there),
    };
    return cmocka_run_group_tests(tests, given_routers, forget_routers);
}
