/*
 * SNMP rows: any instance is found, and a walk meets each of them once and in order.
 */
#include "tests/unit/given.h"

#include "agent/snmp/tables.h"

#include <cmocka.h>

#define SERVER_COUNT 70 /* more than one word of presence bits */

static struct snapshot *snapshot;
static struct operational read_state;

/* Servers with numbers that run against the order of their names; every third is of a mark. */
static int given_servers(void **state)
{
    static char xml[SERVER_COUNT * 512];
    size_t length = (size_t)sprintf(xml, SERVERS);
    size_t count;

    if (given_schema(state))
        return -1;
    for (unsigned i = 0; i < SERVER_COUNT; i++) {
        length += (size_t)sprintf(xml + length, "<virtual-server><name>s%02u</name>", i);
        if (i % 3)
            length += (size_t)sprintf(xml + length,
                                      "<address>10.0.0.%u</address><port>80</port>"
                                      "<real-server><address>10.1.0.1</address><port>80</port>"
                                      "<weight>%u</weight></real-server>",
                                      i, i);
        else
            length += (size_t)sprintf(xml + length, "<firewall-mark>%u</firewall-mark>", i + 1);
        length += (size_t)sprintf(xml + length, "</virtual-server>");
    }
    strcpy(xml + length, END);
    snapshot = given_snapshot(NULL, xml);

    size_t first = snapshot_range(
        snapshot, schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server"),
        &count);
    read_state.entries = calloc(count, sizeof(*read_state.entries));
    read_state.nodes = calloc(count, sizeof(*read_state.nodes));
    read_state.count = count;
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = snapshot->entries[first + i];
        entry->number = (uint32_t)(1000 - 10 * i);
        read_state.entries[i] = entry;
        read_state.nodes[i] = entry->node;
    }
    return 0;
}

static int forget_servers(void **state)
{
    free(read_state.entries);
    free(read_state.nodes);
    snapshot_unref(snapshot);
    return forget_schema(state);
}

static struct snmp_rows rows_of(const struct snmp_table *table)
{
    struct error error = {0};
    struct snmp_rows rows;

    assert_int_equal(snmp_rows_init(&rows, table, schema->ctx, &error), DONE);
    assert_int_equal(snmp_rows_fill(&rows, &read_state, &error), DONE);
    return rows;
}

static void walk(const struct snmp_table *table, size_t expected)
{
    struct snmp_rows rows = rows_of(table);
    struct snmp_instance at = {0}, found = {0};
    oid last[8], next[8];
    size_t last_length = 0, count = 0;

    while (snmp_rows_next(&rows, last, last_length, false, &at)) {
        size_t length = snmp_rows_suffix(&rows, &at, next);
        if (last_length)
            assert_true(snmp_oid_compare(next, length, last, last_length) > 0);
        assert_int_equal(snmp_rows_find(&rows, next, length, &found), FOUND);
        assert_int_equal(found.row, at.row);
        assert_int_equal(found.column, at.column);
        assert_true(snmp_rows_next(&rows, next, length, true, &found));
        assert_int_equal(found.row, at.row);
        assert_int_equal(found.column, at.column);
        /* A guess that is wrong, and one that is beyond the table, change nothing. */
        found = (struct snmp_instance){count % 3 ? count % table->column_count : SIZE_MAX,
                                       count % 5 ? count % (rows.count + 2) : SIZE_MAX};
        assert_int_equal(snmp_rows_find(&rows, next, length, &found), FOUND);
        assert_int_equal(found.row, at.row);
        assert_int_equal(found.column, at.column);
        memcpy(last, next, sizeof(last));
        last_length = length;
        count++;
    }
    assert_int_equal(count, expected);
    snmp_rows_free(&rows);
}

static void every_table_fits_the_models(void **state)
{
    for (const struct snmp_table *const *table = snmp_all_tables; *table; table++) {
        struct snmp_rows rows;
        struct error error = {0};
        enum outcome outcome = snmp_rows_init(&rows, *table, schema->ctx, &error);
        if (outcome != DONE)
            fail_msg("%s", error.message);
        for (size_t i = 1; i < (*table)->column_count; i++)
            assert_true((*table)->columns[i].id > (*table)->columns[i - 1].id);
        assert_true((*table)->index_count <= SNMP_INDEX_MAX);
        snmp_rows_free(&rows);
    }
}

static void a_walk_meets_every_value_in_order(void **state)
{
    unsigned marks = (SERVER_COUNT + 2) / 3;
    unsigned addresses = SERVER_COUNT - marks;

    /* Index, name, description, enabled, scheduler, method, two counts, director, action; then by
     * kind. */
    walk(&virtual_server_table, 10 * SERVER_COUNT + 4 * addresses + 2 * marks);
    /* Two indexes, name, address and its type, port, enabled, weight, method, two thresholds, and
     * maintenance. */
    walk(&real_server_table, 12 * addresses);
}

static void what_is_not_there_is_not_found(void **state)
{
    struct snmp_rows rows = rows_of(&virtual_server_table);
    struct snmp_instance at = {0};
    static const struct {
        oid suffix[5];
        size_t length;
        enum snmp_found found;
    } cases[] = {
        {{1, 2, 1000}, 3, FOUND},
        {{1, 2, 999}, 3, NO_SUCH_INSTANCE},
        {{1, 2, 1000, 0}, 4, NO_SUCH_INSTANCE},
        {{1, 2}, 2, NO_SUCH_INSTANCE},
        {{1, 5, 1000}, 3, NO_SUCH_INSTANCE}, /* a firewall mark has no address */
        {{1, 9, 1000}, 3, FOUND},
        {{1, 2, (UINT64_C(1) << 32) + 1000}, 3, NO_SUCH_INSTANCE},
        {{1, 99, 1000}, 3, NO_SUCH_OBJECT},
        {{1, 0, 1000}, 3, NO_SUCH_OBJECT},
        {{2, 2, 1000}, 3, NO_SUCH_OBJECT},
        {{1}, 1, NO_SUCH_OBJECT},
        {{0}, 0, NO_SUCH_OBJECT},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(snmp_rows_find(&rows, cases[i].suffix, cases[i].length, &at),
                         cases[i].found);
    snmp_rows_free(&rows);
}

static void the_next_of_any_oid_is_found(void **state)
{
    struct snmp_rows rows = rows_of(&real_server_table);
    struct snmp_instance at = {0};
    /* The servers with real servers have the numbers 990, 980, 960, … 320; each real server is 1.
     */
    static const struct {
        oid suffix[6];
        size_t length;
        oid next[6]; /* of length 4, or 0: there is none */
    } cases[] = {
        {{0}, 0, {1, 1, 320, 1}},
        {{0, 9}, 2, {1, 1, 320, 1}},
        {{1}, 1, {1, 1, 320, 1}},
        {{1, 0, 99}, 3, {1, 1, 320, 1}},
        {{1, 8, 320}, 3, {1, 8, 320, 1}},
        {{1, 8, 320, 1}, 4, {1, 8, 330, 1}},
        {{1, 8, 320, 1, 5}, 5, {1, 8, 330, 1}},
        {{1, 8, 320, UINT64_C(1) << 32}, 4, {1, 8, 330, 1}},
        {{1, 8, 990, 1}, 4, {1, 10, 320, 1}}, /* effective weights are absent */
        {{1, 9}, 2, {1, 10, 320, 1}},
        {{1, 13, 990, 1}, 4, {1, 29, 320, 1}}, /* statistics are absent */
        {{1, 29, 990, 1}, 4, {0}},
        {{1, 99}, 2, {0}},
        {{2}, 1, {0}},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        oid next[6];
        bool found = snmp_rows_next(&rows, cases[i].suffix, cases[i].length, false, &at);
        assert_int_equal(found, cases[i].next[0] != 0);
        if (found) {
            assert_int_equal(snmp_rows_suffix(&rows, &at, next), 4);
            assert_memory_equal(next, cases[i].next, 4 * sizeof(oid));
        }
    }
    snmp_rows_free(&rows);
}

static uint64_t number_at(const struct snmp_table *table, const oid *suffix, size_t length)
{
    struct snmp_rows rows = rows_of(table);
    struct snmp_instance at = {0};
    struct snmp_value value;

    assert_int_equal(snmp_rows_find(&rows, suffix, length, &at), FOUND);
    snmp_rows_value(&rows, &at, &value);
    snmp_rows_free(&rows);
    return value.number;
}

static void values_are_those_of_their_row(void **state)
{
    static const oid index[] = {1, 1, 980, 1};
    static const oid weight[] = {1, 8, 980, 1};
    static const oid own_index[] = {1, 1, 970};
    static const oid mark[] = {1, 9, 970};
    static const oid none[] = {1, 15, 970};
    static const oid one[] = {1, 15, 980};

    assert_int_equal(number_at(&real_server_table, index, 4), 980);
    assert_int_equal(number_at(&real_server_table, weight, 4), 2);
    assert_int_equal(number_at(&virtual_server_table, own_index, 3), 970);
    assert_int_equal(number_at(&virtual_server_table, mark, 3), 4);
    assert_int_equal(number_at(&virtual_server_table, none, 3), 0);
    assert_int_equal(number_at(&virtual_server_table, one, 3), 1);
}

/* NoriaForwardingMethod is one enumeration for what is configured and what the kernel holds. */
static void forwarding_methods_have_the_numbers_of_the_mib(void **state)
{
    static const oid configured[] = {1, 12, 1000};
    static const oid inherited[] = {1, 10, 980, 1};

    assert_int_equal(number_at(&virtual_server_table, configured, 3), 1);
    assert_int_equal(number_at(&real_server_table, inherited, 4), 1);
}

static void a_scalar_ends_with_zero(void **state)
{
    struct error error = {0};
    struct snmp_rows rows;
    struct snmp_instance at = {0};
    struct lyd_node *agent;
    struct lyd_node *nodes[1];
    struct operational state_of_agent = {.count = 1, .nodes = nodes};
    static const oid version[] = {1, 0};
    oid next[4];

    lyd_new_path(NULL, schema->ctx, "/noria-agent:agent", NULL, 0, &agent);
    lyd_new_path(agent, NULL, "revision", "5", 0, NULL);
    lyd_new_path(agent, NULL, "version", "1.2", 0, NULL);
    nodes[0] = agent;
    assert_int_equal(snmp_rows_init(&rows, &agent_scalars, schema->ctx, &error), DONE);
    assert_int_equal(snmp_rows_fill(&rows, &state_of_agent, &error), DONE);
    assert_int_equal(snmp_rows_find(&rows, version, 2, &at), FOUND);
    assert_int_equal(snmp_rows_find(&rows, version, 1, &at), NO_SUCH_INSTANCE);
    assert_true(snmp_rows_next(&rows, version, 2, false, &at));
    assert_int_equal(snmp_rows_suffix(&rows, &at, next), 2);
    assert_int_equal(next[0], 4);
    assert_int_equal(next[1], 0);
    assert_false(snmp_rows_next(&rows, next, 2, false, &at));
    snmp_rows_free(&rows);
    lyd_free_all(agent);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_table_fits_the_models),
        cmocka_unit_test(a_walk_meets_every_value_in_order),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(the_next_of_any_oid_is_found),
        cmocka_unit_test(values_are_those_of_their_row),
        cmocka_unit_test(a_scalar_ends_with_zero),
        cmocka_unit_test(forwarding_methods_have_the_numbers_of_the_mib),
    };
    return cmocka_run_group_tests(tests, given_servers, forget_servers);
}
