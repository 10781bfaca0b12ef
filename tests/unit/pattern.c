/*
 * Patterns: what is made after one is what parsing makes of its text; what is not like it is left
 * to the parser.
 */
#include "tests/unit/given.h"

#include "agent/datastore/pattern.h"

#include <cmocka.h>

#define SERVER(name, number, content)                                                              \
    "<virtual-server><name>" name "</name><address>192.0.2." number                                \
    "</address><port>80</port>" content "</virtual-server>"
#define REAL(number, content)                                                                      \
    "<real-server><address>10.0.0." number "</address><port>80</port>" content "</real-server>"

/* Two virtual servers, and whether the second is like the first. */
static const struct {
    const char *first, *second;
    bool like;
} cases[] = {
    {SERVER("a", "1", ""), SERVER("b", "2", ""), true},
    {SERVER("a", "1", REAL("1", "") REAL("2", "<weight>1</weight>")),
     SERVER("a-longer-name", "202", REAL("3", "") REAL("4", "<weight>65535</weight>")), true},
    {SERVER("a", "1", REAL("1", "") REAL("2", "")), SERVER("b", "2", REAL("1", "")), false},
    {SERVER("a", "1", REAL("1", "")), SERVER("b", "2", REAL("1", "") REAL("2", "")), false},
    {SERVER("a", "1", REAL("1", "<weight>1</weight>") REAL("2", "")),
     SERVER("b", "2", REAL("1", "") REAL("2", "<weight>1</weight>")), false},
    {SERVER("a", "1", "<enabled>true</enabled>"), SERVER("b", "2", "<enabled>false</enabled>"),
     true},
    {SERVER("a", "1", ""), SERVER("b", "2", "<enabled>true</enabled>"), false},
    {SERVER("a", "1", "<scheduler>rr</scheduler>"), SERVER("b", "2", "<scheduler>sh</scheduler>"),
     false},
    {SERVER("a", "1", "<scheduler>rr</scheduler>"), SERVER("b", "2", "<scheduler>rr</scheduler>"),
     true},
    {SERVER("a", "1", "<description>one</description>"),
     SERVER("b", "2", "<description>&gt; one</description>"), false},
    {SERVER("a", "1", "<description>one</description>"), SERVER("b", "2", "<description/>"), false},
    {SERVER("a", "1", "<description/>"), SERVER("b", "2", "<description/>"), true},
    {SERVER("a", "1", "<description> </description>"), SERVER("b", "2", "<description/>"), false},
    {SERVER("a", "1", "<persistence><timeout>60</timeout></persistence>"),
     SERVER("b", "2", "<persistence><timeout>90</timeout></persistence>"), true},
};

static char *text_of(const struct entry *entry)
{
    char *xml = NULL;
    assert_int_equal(lyd_print_mem(&xml, entry->tree, LYD_XML, LYD_PRINT_SHRINK), 0);
    return xml;
}

/* The same nodes with the same marks, each to be found by its value or its keys. */
static void assert_twins(const struct lyd_node *node, const struct lyd_node *twin)
{
    for (; node && twin; node = node->next, twin = twin->next) {
        struct lyd_node *found = NULL;
        assert_ptr_equal(node->schema, twin->schema);
        assert_int_equal(node->flags, twin->flags);
        assert_int_equal(lyd_find_sibling_first(lyd_first_sibling(twin), node, &found), 0);
        assert_ptr_equal(found, twin);
        assert_twins(lyd_child(node), lyd_child(twin));
    }
    assert_true(!node && !twin);
}

static void check_case(const char *first, const char *second, bool like)
{
    char *both;
    struct patterns patterns = {0};
    assert_true(asprintf(&both, SERVERS "%s%s" END, first, second) > 0);
    struct snapshot *snapshot = given_snapshot(NULL, both);
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    size_t count, at = snapshot_range(snapshot, unit, &count);
    assert_int_equal(count, 2);
    const struct entry *pattern = snapshot->entries[at], *entry = snapshot->entries[at + 1];
    char *old = text_of(pattern), *xml = text_of(entry);

    assert_null(patterns_match(&patterns, unit, xml));
    for (size_t i = 0; i < PATTERNS_MAX + 1; i++)
        patterns_add(&patterns, pattern, old);
    struct lyd_node *tree = patterns_match(&patterns, unit, xml);
    if (like != (tree != NULL))
        fail_msg("%s\nis%s like\n%s", xml, like ? " not" : "", old);
    if (tree) {
        assert_int_equal(lyd_compare_single(tree, entry->tree,
                                            LYD_COMPARE_FULL_RECURSION | LYD_COMPARE_DEFAULTS),
                         0);
        assert_twins(entry->tree, tree);
    }
    xml[strlen(xml) - 1] = '\0'; /* no whole text is like one that is */
    assert_null(patterns_match(&patterns, unit, xml));
    lyd_free_all(tree);
    patterns_clear(&patterns);
    free(old);
    free(xml);
    free(both);
    snapshot_unref(snapshot);
}

static void test_each_case(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check_case(cases[i].first, cases[i].second, cases[i].like);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_case)};
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
