/*
 * Documents: what is written is read back, and what is no document is refused.
 */
#include "tests/unit/given.h"

#include "agent/datastore/document.h"

#include <cmocka.h>

#define BASE "xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\""

static struct snapshot *read_back(const char *xml)
{
    struct error error = {0};
    struct lyd_node *owner;
    struct lyd_node *config;
    struct snapshot *empty, *edited;
    assert_int_equal(document_read(schema, xml, &owner, &config, &error), DONE);
    assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
    assert_int_equal(edit_snapshot(schema, empty, config, EDIT_REPLACE, &edited, &error), DONE);
    lyd_free_all(owner);
    snapshot_unref(empty);
    return edited;
}

static void assert_round_trip(const char *xml)
{
    struct error error = {0};
    struct snapshot *given = given_snapshot(NULL, xml), *back;
    char *first, *second;
    size_t size;
    assert_int_equal(document_write(schema, given, &first, &size, &error), DONE);
    assert_int_equal(strlen(first), size);
    back = read_back(first);
    assert_int_equal(document_write(schema, back, &second, &size, &error), DONE);
    assert_string_equal(first, second);
    free(first);
    free(second);
    snapshot_unref(given);
    snapshot_unref(back);
}

static void what_is_written_is_read_back(void **state)
{
    assert_round_trip(SERVERS END);
    assert_round_trip(SERVERS "<virtual-server><name>a</name><firewall-mark>1</firewall-mark>"
                              "</virtual-server><virtual-server><name>c</name><firewall-mark>2"
                              "</firewall-mark></virtual-server>" END);
    assert_round_trip("<null xmlns=\"urn:noria:yang:noria-null\"><item><name>a</name>"
                      "<value>&amp; &lt;/null&gt; \" /&gt;</value></item></null>");
    assert_round_trip("<netconf-server xmlns=\"urn:noria:yang:noria-agent\"><idle-timeout>7"
                      "</idle-timeout><user><name>u</name></user></netconf-server>" SERVERS END);
}

static void beginnings_that_documents_have(void **state)
{
    static const char *const texts[] = {
        "<config " BASE "/>",
        "<?xml version=\"1.0\"?><config " BASE "></config>",
        "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<!-- x -->\n<config " BASE "/>\n",
        "\n  <nc:config xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\"/>",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        snapshot_unref(read_back(texts[i]));
}

static void what_is_no_document(void **state)
{
    static const char *const texts[] = {
        "",
        "<?xml",
        "x",
        "<config",
        "<data " BASE "/>",
        "<config " BASE ">x</config>",
        "<config xmlns=\"urn:other\"/>",
        "<config " BASE "/><config " BASE "/>",
        "<config " BASE "/></edit-config><edit-config " BASE ">",
        "<target " BASE "><running/></target>",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct error error = {0};
        struct lyd_node *owner;
        struct lyd_node *config;
        assert_int_equal(document_read(schema, texts[i], &owner, &config, &error), REFUSED);
        assert_null(owner);
        error_clear(&error);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(beginnings_that_documents_have),
        cmocka_unit_test(what_is_no_document),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
