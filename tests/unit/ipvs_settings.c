/*
 * What a director's kernel is to have: what it has, what is configured, what was configured.
 */
#include "tests/unit/given.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/schema.h"
#include "backends/ipvs/settings.h"

#include <cmocka.h> /* its macro fail() hides agent/outcome.h's function */

/* A director with these children and its defaults, or NULL; to be freed with lyd_free_all(). */
static struct lyd_node *director_of(const char *children)
{
    char *xml = NULL;
    struct lyd_node *tree = NULL;
    if (!children)
        return NULL;
    assert_true(asprintf(&xml,
                         "<directors xmlns='urn:noria:yang:noria-director'><director>"
                         "<name>main</name>%s</director></directors>",
                         children) > 0);
    if (lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_STRICT, 0,
                           &tree) ||
        lyd_new_implicit_tree(tree, 0, NULL))
        fail_msg("%s: %s", xml, ly_errmsg(schema->ctx));
    free(xml);
    return lyd_child(tree);
}

static size_t parameter(const char *name)
{
    size_t at = 0;
    while (strcmp(ipvs_parameters[at].name, name) != 0)
        assert_true(++at < IPVS_PARAMETERS);
    return at;
}

#define CONNTRACK(value) "<parameters><conntrack>" value "</conntrack></parameters>"
#define TCP(value) "<timeouts><tcp>" value "</tcp></timeouts>"
#define MASTER "<sync-daemon><master><interface>eth1</interface></master></sync-daemon>"

/* The kernel has conntrack 7, tcp 7 seconds, and a master on eth7. */
static const struct {
    const char *before, *after;
    const char *conntrack;
    uint32_t tcp;
    const char *interface; /* of the master; NULL: none runs */
} cases[] = {
    {NULL, NULL, "7", 7, "eth7"},
    {NULL, "", "7", 7, "eth7"},
    {"", NULL, "7", 7, "eth7"},
    {NULL, CONNTRACK("true"), "1", 7, "eth7"},
    {CONNTRACK("true"), CONNTRACK("false"), "0", 7, "eth7"},
    {CONNTRACK("true"), "", "0", 7, "eth7"},
    {CONNTRACK("true"), NULL, "0", 7, "eth7"},
    {NULL, TCP("99"), "7", 99, "eth7"},
    {TCP("99"), "", "7", 900, "eth7"},
    {NULL, MASTER, "7", 7, "eth1"},
    {MASTER, "", "7", 7, NULL},
    {MASTER TCP("5"), TCP("5"), "7", 5, NULL},
};

static void the_target_is_laid_over_what_is_held(void **state)
{
    size_t conntrack = parameter("conntrack");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct lyd_node *before = director_of(cases[i].before);
        struct lyd_node *after = director_of(cases[i].after);
        struct ipvs_settings target, held = {.timeouts = {7, 7, 7}};
        held.parameters[conntrack] = (char[]){"7"};
        held.daemons[IPVS_MASTER] = (struct ipvs_daemon){.on = true, .interface = "eth7"};
        assert_int_equal(
            ipvs_settings_target(&held, before, after, IPVS_FOLLOW_NONE, &target, NULL), DONE);
        assert_string_equal(target.parameters[conntrack], cases[i].conntrack);
        assert_int_equal(target.timeouts[IPVS_TIMEOUT_TCP], cases[i].tcp);
        assert_int_equal(target.timeouts[IPVS_TIMEOUT_UDP], 7);
        assert_int_equal(target.daemons[IPVS_MASTER].on, cases[i].interface != NULL);
        if (cases[i].interface)
            assert_string_equal(target.daemons[IPVS_MASTER].interface, cases[i].interface);
        ipvs_settings_clear(&target);
        lyd_free_all(before);
        lyd_free_all(after);
    }
}

static void the_daemons_follow_a_role(void **state)
{
    struct lyd_node *after =
        director_of("<sync-daemon><master><interface>eth1</interface></master><backup><interface>"
                    "eth1</interface></backup></sync-daemon>");
    static const struct {
        enum ipvs_follow follow;
        bool held_master, held_backup; /* run before */
        bool master, backup;           /* are to run */
    } roles[] = {
        {IPVS_FOLLOW_NONE, false, false, true, true},
        {IPVS_FOLLOW_MASTER, false, true, true, false},
        {IPVS_FOLLOW_BACKUP, true, false, false, true},
        {IPVS_FOLLOW_HELD, true, false, true, false},
        {IPVS_FOLLOW_HELD, false, true, false, true},
        {IPVS_FOLLOW_HELD, true, true, false, true},
        {IPVS_FOLLOW_HELD, false, false, false, true},
    };
    for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
        struct ipvs_settings target, held = {0};
        held.daemons[IPVS_MASTER].on = roles[i].held_master;
        held.daemons[IPVS_BACKUP].on = roles[i].held_backup;
        assert_int_equal(ipvs_settings_target(&held, NULL, after, roles[i].follow, &target, NULL),
                         DONE);
        assert_int_equal(target.daemons[IPVS_MASTER].on, roles[i].master);
        assert_int_equal(target.daemons[IPVS_BACKUP].on, roles[i].backup);
        ipvs_settings_clear(&target);
    }
    lyd_free_all(after);
}

static void what_the_kernel_lacks_is_refused(void **state)
{
    struct lyd_node *after = director_of("<timeouts><udp>30</udp></timeouts>"
                                         "<parameters><est-nice>3</est-nice></parameters>");
    struct ipvs_settings target, held = {0};
    struct error err = {0};
    assert_int_equal(ipvs_settings_target(&held, NULL, after, IPVS_FOLLOW_NONE, &target, &err),
                     REFUSED);
    assert_non_null(strstr(err.path, "/director[name='main']/parameters/est-nice"));
    assert_int_equal(target.timeouts[IPVS_TIMEOUT_UDP], 30);
    ipvs_settings_clear(&target);
    /* To stop wanting it is no fault. */
    assert_int_equal(ipvs_settings_target(&held, after, NULL, IPVS_FOLLOW_NONE, &target, NULL),
                     DONE);
    assert_null(target.parameters[parameter("est-nice")]);
    ipvs_settings_clear(&target);
    error_clear(&err);
    lyd_free_all(after);
}

static void the_automatic_modes_are_one(void **state)
{
    size_t drop_entry = parameter("drop-entry"), retries = parameter("sync-retries");
    assert_true(ipvs_parameter_same(drop_entry, "1", "2"));
    assert_false(ipvs_parameter_same(drop_entry, "1", "3"));
    assert_false(ipvs_parameter_same(drop_entry, "0", "2"));
    assert_false(ipvs_parameter_same(retries, "1", "2"));
}

static void every_parameter_has_a_leaf(void **state)
{
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        char path[160];
        for (int effective = 0; effective <= 1; effective++) {
            snprintf(path, sizeof path, "/noria-director:directors/director/%sparameters/%s",
                     effective ? "effective-" : "", ipvs_parameters[i].name);
            assert_non_null(lys_find_path(schema->ctx, NULL, path, 0));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_laid_over_what_is_held),
        cmocka_unit_test(the_daemons_follow_a_role),
        cmocka_unit_test(what_the_kernel_lacks_is_refused),
        cmocka_unit_test(the_automatic_modes_are_one),
        cmocka_unit_test(every_parameter_has_a_leaf),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
