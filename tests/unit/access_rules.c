/*
 * Access control: rules, their validity, their life and their order.
 */
#include "tests/unit/access_given.h"

/* Bad rules. */

static void rules_that_make_no_sense_are_refused(void **state)
{
    static const char *const paths[] = {
        "",
        "nvs:virtual-servers",
        "/nvs:nothing",
        "/virtual-servers",
        "/nvs:virtual-servers/",
        "/nvs:virtual-servers/nvs:virtual-server[nvs:port='80']",
        "/nvs:virtual-servers/nvs:virtual-server[nvs:name='web'",
        "/nvs:virtual-servers/nvs:virtual-server[nvs:name=web]",
        "/nvs:virtual-servers/nvs:virtual-server/nvs:real-server[nvs:port='eighty']",
        "/nvs:virtual-servers/nvs:virtual-server[1]",
        "//nvs:virtual-server",
        "/nvs:virtual-servers | /na:netconf-server",
    };
    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        char *xml;
        struct error error = {0};
        struct snapshot *empty, *edited = NULL, *valid = NULL;
        struct access_rules *rules = NULL;
        assert_int_equal(snapshot_new_empty(schema, &empty, NULL), DONE);
        assert_true(asprintf(&xml, OLGA(PERMIT(PATH("%s"))), paths[i]) > 0);
        enum outcome outcome = edit_by_xml(empty, xml, EDIT_MERGE, &edited, &error);
        if (outcome == DONE)
            outcome = transaction_validate(schema, empty, edited, &valid, &error);
        if (outcome == DONE)
            outcome = compile(valid, &rules, &error);
        if (outcome != REFUSED || error.tag != TAG_INVALID_VALUE || !error.path ||
            strcmp(error.path, NACM_PATH "/rule-list[name='one']/rule[name='p']/path") != 0)
            fail_msg("%s: %d %s %s", paths[i], outcome, error.path, error_message(&error));
        access_rules_unref(rules);
        error_clear(&error);
        snapshot_unref(valid);
        snapshot_unref(edited);
        snapshot_unref(empty);
        free(xml);
    }
}

/* Rules stay as long as a request holds them. */
static void rules_outlive_their_replacement(void **state)
{
    struct snapshot *snapshot = snapshot_of(OLGA(PERMIT("")));
    struct access access;
    begin(snapshot, "olga", false, &access); /* the access has the only reference now */
    assert_int_equal(atomic_load(&access.rules->refs), 1);
    assert_true(access_allows(&access, node_at(snapshot, WEB), ACCESS_UPDATE));
    access_end(&access);
    snapshot_unref(snapshot);
}

/* The order of rules is their user's, also after an edit. */
static void the_order_of_rules_is_kept(void **state)
{
    struct snapshot *first = snapshot_of(OLGA(DENY("") PERMIT(""))), *second;
    struct access access;
    assert_null(schema_unit_find(schema, NACM_PATH "/rule-list"));
    begin(first, "olga", false, &access);
    assert_false(access_allows(&access, node_at(first, WEB), ACCESS_READ));
    access_end(&access);
    second = given_snapshot(
        first, NACM("<rule-list><name>one</name><rule xmlns:yang=\"urn:ietf:params:xml:ns:yang:1\" "
                    "yang:insert=\"first\"><name>p</name></rule></rule-list>"));
    begin(second, "olga", false, &access);
    assert_true(access_allows(&access, node_at(second, WEB), ACCESS_READ));
    access_end(&access);
    snapshot_unref(second);
    snapshot_unref(first);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_that_make_no_sense_are_refused),
        cmocka_unit_test(rules_outlive_their_replacement),
        cmocka_unit_test(the_order_of_rules_is_kept),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
