/*
 * Values of unions: whatever is given, it is what libyang alone makes of it.
 */
#include "given.h"

#include "agent/datastore/sample.h"

#include <cmocka.h>

/* A virtual server's kind of address, and one with a rule of its own. */
static const char model[] = "module alone {"
                            "  yang-version 1.1; namespace \"urn:alone\"; prefix a;"
                            "  import ietf-inet-types { prefix inet; }"
                            "  container top {"
                            "    leaf-list address { type inet:ip-address-no-zone; }"
                            "    leaf-list narrow {"
                            "      type union {"
                            "        type inet:ipv4-address-no-zone { pattern '10.*'; }"
                            "        type uint8; type string { pattern 'x.*'; }"
                            "      }"
                            "    }"
                            "  }"
                            "}";

static const char *const addresses[] = {"192.0.2.1",
                                        "0.0.0.0",
                                        "255.255.255.255",
                                        "256.0.0.1",
                                        "192.0.2.01",
                                        "192.0.2.",
                                        "192.0.2",
                                        "192.0.2.1.",
                                        "192.0.2.1.1",
                                        " 192.0.2.1",
                                        "192.0.2.1 ",
                                        "+1.2.3.4",
                                        "1..2.3",
                                        "1000.2.3.4",
                                        "192.0.2.1%eth0",
                                        "2001:DB8::1",
                                        "2001:db8:0:0:0:0:0:1",
                                        "::ffff:192.0.2.1",
                                        "10.1.2.3",
                                        "17",
                                        "0x11",
                                        "x",
                                        "x.",
                                        "",
                                        "a"};

static struct ly_ctx *context_with_model(bool quick)
{
    struct ly_ctx *ctx;
    const char *folders[8] = {NULL};
    struct error error = {0};
    char dirs[] = NORIA_TEST_YANG_DIRS;
    size_t count = 0;
    assert_int_equal(ly_ctx_new(NULL, LY_CTX_DISABLE_SEARCHDIR_CWD, &ctx), 0);
    for (char *folder = strtok(dirs, ":"); folder; folder = strtok(NULL, ":")) {
        folders[count++] = folder;
        ly_ctx_set_searchdir(ctx, folder);
    }
    assert_int_equal(lys_parse_mem(ctx, model, LYS_IN_YANG, NULL), 0);
    if (quick) {
        struct sample sample = {0};
        assert_int_equal(sample_make(folders, NULL, &sample, &error), DONE);
        schema_quicken_values(ctx, &sample);
        sample_free(&sample);
    }
    return ctx;
}

/* What becomes of a value: its canonical text, or the error. */
static char *outcome_of(struct ly_ctx *ctx, const char *list, const char *text)
{
    char *xml, *outcome = NULL;
    struct lyd_node *tree = NULL;
    assert_true(asprintf(&xml, "<top xmlns=\"urn:alone\"><%s>%s</%s></top>", list, text, list) > 0);
    if (lyd_parse_data_mem(ctx, xml, LYD_XML, LYD_PARSE_STRICT, LYD_VALIDATE_PRESENT, &tree))
        assert_true(asprintf(&outcome, "error: %s", ly_errmsg(ctx)) > 0);
    else
        outcome = strdup(lyd_get_value(lyd_child(tree)));
    ly_err_clean(ctx, NULL);
    lyd_free_all(tree);
    free(xml);
    return outcome;
}

static void a_value_is_what_libyang_alone_makes_of_it(void **state)
{
    static const char *const lists[] = {"address", "narrow"};
    struct ly_ctx *quick = context_with_model(true), *alone = context_with_model(false);
    size_t accepted = 0;
    for (size_t l = 0; l < 2; l++)
        for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
            char *got = outcome_of(quick, lists[l], addresses[i]);
            char *wanted = outcome_of(alone, lists[l], addresses[i]);
            assert_string_equal(got, wanted);
            accepted += strncmp(got, "error", 5) != 0;
            free(got);
            free(wanted);
        }
    assert_int_equal(accepted, 7 + 4);
    ly_ctx_destroy(quick);
    ly_ctx_destroy(alone);
}

/* However a value was given, and whether its node was copied: it is found by its text. */
static void a_value_is_found_again(void **state)
{
    static const char *const given[] = {"192.0.2.1", "192.0.2.2", "2001:DB8::1", "10.0.0.1",
                                        "10.0.0.2"};
    static const char *const sought[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "10.0.0.1",
                                         "10.0.0.2"};
    struct ly_ctx *ctx = context_with_model(true);
    struct lyd_node *tree = NULL, *copy = NULL, *found;
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(
            lyd_new_path(tree, ctx, "/alone:top/address", given[i], 0, tree ? NULL : &tree), 0);
    assert_int_equal(lyd_dup_single(tree, NULL, LYD_DUP_RECURSIVE, &copy), 0);
    for (size_t i = 0; i < 5; i++) {
        const struct lysc_node *list = lyd_child(tree)->schema;
        assert_int_equal(
            lyd_find_sibling_val(lyd_child(copy), list, sought[i], strlen(sought[i]), &found), 0);
        assert_string_equal(lyd_get_value(found), sought[i]);
        assert_int_equal(lyd_find_sibling_first(lyd_child(tree), found, &found), 0);
        assert_string_equal(lyd_get_value(found), sought[i]);
    }
    assert_int_equal(lyd_compare_single(tree, copy, LYD_COMPARE_FULL_RECURSION), 0);
    lyd_free_all(tree);
    lyd_free_all(copy);
    ly_ctx_destroy(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_what_libyang_alone_makes_of_it),
        cmocka_unit_test(a_value_is_found_again),
    };
    ly_log_options(LY_LOSTORE);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
