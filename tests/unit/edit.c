/*
 * Edits: what each operation of RFC 6241 makes of a configuration, or refuses with which error.
 */
#include "tests/unit/given.h"

#include <cmocka.h>

#define WEB "<name>web</name><address>192.0.2.1</address><port>80</port>"
#define SERVER(inside) "<virtual-server>" inside "</virtual-server>"
#define REAL(inside)                                                                               \
    "<real-server><address>10.0.0.1</address><port>80</port>" inside "</real-server>"
#define REAL2 "<real-server><address>10.0.0.2</address><port>80</port></real-server>"
#define LIST "/noria-virtual-server:virtual-servers/virtual-server"

struct edit_case {
    const char *name;
    const char *base; /* inside of virtual-servers; NULL: nothing */
    const char *edit;
    enum edit_operation operation;
    const char *result; /* NULL: refused */
    enum error_tag tag;
    const char *path;
    const char *element;
};

static const struct edit_case cases[] = {
    {"merge creates", NULL, SERVERS SERVER(WEB) END, EDIT_MERGE, SERVER(WEB)},
    {"merge changes a leaf", SERVER(WEB REAL("<weight>1</weight>")),
     SERVERS SERVER("<name>web</name>" REAL("<weight>7</weight>")) END, EDIT_MERGE,
     SERVER(WEB REAL("<weight>7</weight>"))},
    {"merge adds a row", SERVER(WEB REAL("")), SERVERS SERVER("<name>web</name>" REAL2) END,
     EDIT_MERGE, SERVER(WEB REAL("") REAL2)},
    {"merge of what is there changes nothing", SERVER(WEB), SERVERS SERVER(WEB) END, EDIT_MERGE,
     SERVER(WEB)},
    {"an edit of a case removes the other case", SERVER(WEB),
     SERVERS SERVER("<name>web</name><firewall-mark>5</firewall-mark>") END, EDIT_MERGE,
     SERVER("<name>web</name><firewall-mark>5</firewall-mark>")},
    {"both cases at once", NULL, SERVERS SERVER(WEB "<firewall-mark>5</firewall-mark>") END,
     EDIT_MERGE, NULL, TAG_BAD_ELEMENT, LIST "[name='web']/address", "address"},
    {"create of what is not there", NULL,
     SERVERS "<virtual-server nc:operation=\"create\">" WEB "</virtual-server>" END, EDIT_MERGE,
     SERVER(WEB)},
    {"create of what is there", SERVER(WEB),
     SERVERS "<virtual-server nc:operation=\"create\">" WEB "</virtual-server>" END, EDIT_MERGE,
     NULL, TAG_DATA_EXISTS, LIST "[name='web']", "virtual-server"},
    {"create of a leaf that has its default", SERVER(WEB),
     SERVERS SERVER("<name>web</name><scheduler nc:operation=\"create\">rr</scheduler>") END,
     EDIT_MERGE, SERVER(WEB "<scheduler>rr</scheduler>")},
    {"create of a leaf that is set", SERVER(WEB "<scheduler>rr</scheduler>"),
     SERVERS SERVER("<name>web</name><scheduler nc:operation=\"create\">rr</scheduler>") END,
     EDIT_MERGE, NULL, TAG_DATA_EXISTS, LIST "[name='web']/scheduler", "scheduler"},
    {"delete of an entry", SERVER(WEB),
     SERVERS "<virtual-server nc:operation=\"delete\"><name>web</name></virtual-server>" END,
     EDIT_MERGE, ""},
    {"delete of an entry that is not there", NULL,
     SERVERS "<virtual-server nc:operation=\"delete\"><name>web</name></virtual-server>" END,
     EDIT_MERGE, NULL, TAG_DATA_MISSING, LIST "[name='web']", "virtual-server"},
    {"remove of an entry that is not there", NULL,
     SERVERS "<virtual-server nc:operation=\"remove\"><name>web</name></virtual-server>" END,
     EDIT_MERGE, ""},
    {"delete of a leaf without its value", SERVER(WEB REAL("<weight>7</weight>")),
     SERVERS SERVER("<name>web</name>" REAL("<weight nc:operation=\"delete\"/>")) END, EDIT_MERGE,
     SERVER(WEB REAL(""))},
    {"delete of a leaf that is not set", SERVER(WEB REAL("")),
     SERVERS SERVER("<name>web</name>" REAL("<weight nc:operation=\"delete\"/>")) END, EDIT_MERGE,
     NULL, TAG_DATA_MISSING, LIST "[name='web']/real-server[address='10.0.0.1'][port='80']/weight",
     "weight"},
    {"remove of a leaf that is not set", SERVER(WEB REAL("")),
     SERVERS SERVER("<name>web</name>" REAL("<weight nc:operation=\"remove\"/>")) END, EDIT_MERGE,
     SERVER(WEB REAL(""))},
    {"delete of a row", SERVER(WEB REAL("") REAL2),
     SERVERS SERVER("<name>web</name><real-server nc:operation=\"delete\"><address>10.0.0.1"
                    "</address><port>80</port></real-server>") END,
     EDIT_MERGE, SERVER(WEB REAL2)},
    {"delete of a key", SERVER(WEB),
     SERVERS SERVER("<name>web</name>" REAL("") "<name nc:operation=\"delete\">web</name>") END,
     EDIT_MERGE, NULL, TAG_BAD_ELEMENT, LIST "[name='web'][name='web']/name", "name"},
    {"replace of an entry", SERVER(WEB "<scheduler>rr</scheduler>" REAL("")),
     SERVERS "<virtual-server nc:operation=\"replace\">" WEB "</virtual-server>" END, EDIT_MERGE,
     SERVER(WEB)},
    {"replace of a row", SERVER(WEB REAL("<weight>7</weight>")),
     SERVERS SERVER("<name>web</name><real-server nc:operation=\"replace\"><address>10.0.0.1"
                    "</address><port>80</port></real-server>") END,
     EDIT_MERGE, SERVER(WEB REAL(""))},
    {"replace of the container", SERVER(WEB),
     "<virtual-servers xmlns=\"urn:noria:yang:noria-virtual-server\" "
     "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" nc:operation=\"replace\">" SERVER(
         "<name>b</name><firewall-mark>1</firewall-mark>") END,
     EDIT_MERGE, SERVER("<name>b</name><firewall-mark>1</firewall-mark>")},
    {"delete of the container", SERVER(WEB),
     "<virtual-servers xmlns=\"urn:noria:yang:noria-virtual-server\" "
     "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" nc:operation=\"delete\"/>",
     EDIT_MERGE, ""},
    {"default operation replace replaces all", SERVER(WEB),
     SERVERS SERVER("<name>b</name><firewall-mark>1</firewall-mark>") END, EDIT_REPLACE,
     SERVER("<name>b</name><firewall-mark>1</firewall-mark>")},
    {"default operation none with an explicit one", SERVER(WEB REAL("")),
     SERVERS SERVER("<name>web</name><real-server><address>10.0.0.1</address><port>80</port>"
                    "<weight nc:operation=\"merge\">3</weight></real-server>") END,
     EDIT_NONE, SERVER(WEB REAL("<weight>3</weight>"))},
    {"default operation none alone changes nothing", SERVER(WEB),
     SERVERS SERVER("<name>web</name><scheduler>rr</scheduler>") END, EDIT_NONE, SERVER(WEB)},
    {"default operation none of what is not there", NULL, SERVERS SERVER(WEB) END, EDIT_NONE, NULL,
     TAG_DATA_MISSING, LIST "[name='web']", "virtual-server"},
    {"a presence container", SERVER(WEB), SERVERS SERVER("<name>web</name><persistence/>") END,
     EDIT_MERGE, SERVER(WEB "<persistence/>")},
    {"delete of a presence container",
     SERVER(WEB "<persistence><timeout>9</timeout></persistence>"),
     SERVERS SERVER("<name>web</name><persistence nc:operation=\"delete\"/>") END, EDIT_MERGE,
     SERVER(WEB)},
    {"an unknown element", NULL, SERVERS SERVER(WEB "<colour>red</colour>") END, EDIT_MERGE, NULL,
     TAG_UNKNOWN_ELEMENT, LIST "[name='web']/colour", "colour"},
    {"an unknown name space", NULL, "<x xmlns=\"urn:nobody\"/>", EDIT_MERGE, NULL,
     TAG_UNKNOWN_NAMESPACE, NULL, "x"},
    {"a value out of range", NULL, SERVERS SERVER(WEB REAL("<weight>65536</weight>")) END,
     EDIT_MERGE, NULL, TAG_INVALID_VALUE,
     LIST "[name='web']/real-server[address='10.0.0.1'][port='80']/weight", "weight"},
    {"an unknown scheduler", NULL, SERVERS SERVER(WEB "<scheduler>best</scheduler>") END,
     EDIT_MERGE, NULL, TAG_INVALID_VALUE, LIST "[name='web']/scheduler", "scheduler"},
    {"a missing key", NULL, SERVERS SERVER("<address>192.0.2.1</address>") END, EDIT_MERGE, NULL,
     TAG_MISSING_ELEMENT, "/noria-virtual-server:virtual-servers/virtual-server", "name"},
    {"a bad key", NULL, SERVERS SERVER("<name>a b</name>") END, EDIT_MERGE, NULL, TAG_INVALID_VALUE,
     NULL, "name"},
    {"state", NULL, SERVERS SERVER(WEB "<oper-status>active</oper-status>") END, EDIT_MERGE, NULL,
     TAG_BAD_ELEMENT, LIST "[name='web']/oper-status", "oper-status"},
    {"an entry given twice", NULL, SERVERS SERVER(WEB) SERVER(WEB) END, EDIT_MERGE, NULL,
     TAG_BAD_ELEMENT, LIST "[name='web']", "virtual-server"},
};

static void check_refusal(const struct edit_case *test, const struct error *error)
{
    if (error->tag != test->tag)
        fail_msg("%s: %s, not %s", test->name, error_tag_name(error->tag),
                 error_tag_name(test->tag));
    if (test->path && (!error->path || strcmp(error->path, test->path) != 0))
        fail_msg("%s: path %s, not %s", test->name, error->path, test->path);
    if (test->element && (!error->element || strcmp(error->element, test->element) != 0))
        fail_msg("%s: element %s, not %s", test->name, error->element, test->element);
}

static void each_edit_does_what_its_case_says(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const struct edit_case *test = &cases[i];
        struct error error = {0};
        struct snapshot *edited = NULL;
        char base_xml[4096];
        snprintf(base_xml, sizeof(base_xml), "%s%s%s", SERVERS, test->base ? test->base : "", END);
        struct snapshot *base = given_snapshot(NULL, base_xml);
        char *before = servers_of(base);
        enum outcome outcome = edit_by_xml(base, test->edit, test->operation, &edited, &error);
        if (!test->result && outcome != REFUSED)
            fail_msg("%s: was not refused", test->name);
        if (test->result && outcome != DONE)
            fail_msg("%s: %s %s", test->name, error.path, error_message(&error));
        if (outcome == DONE) {
            char *after = servers_of(edited);
            if (strcmp(after, test->result) != 0)
                fail_msg("%s:\n is %s\nnot %s", test->name, after, test->result);
            free(after);
        } else {
            check_refusal(test, &error);
        }
        char *still = servers_of(base);
        assert_string_equal(before, still);
        free(still);
        free(before);
        error_clear(&error);
        snapshot_unref(edited);
        snapshot_unref(base);
    }
}

static void an_edit_shares_what_it_does_not_touch(void **state)
{
    struct error error = {0};
    struct snapshot *edited;
    struct snapshot *base = given_snapshot(
        NULL, SERVERS SERVER(WEB) SERVER("<name>b</name><firewall-mark>1</firewall-mark>") END);
    assert_int_equal(edit_by_xml(base,
                                 SERVERS SERVER("<name>b</name><scheduler>rr</scheduler>") END,
                                 EDIT_MERGE, &edited, &error),
                     DONE);
    struct change_set changes;
    assert_int_equal(change_set_make(base, edited, &changes, &error), DONE);
    assert_int_equal(changes.count, 1);
    assert_string_equal(changes.changes[0].after->key, "[name='b']");
    change_set_free(&changes);
    snapshot_unref(edited);

    /* What is edited to be as it was is no change. */
    assert_int_equal(edit_by_xml(base,
                                 SERVERS SERVER(WEB "<scheduler nc:operation=\"remove\"/>") END,
                                 EDIT_MERGE, &edited, &error),
                     DONE);
    assert_int_equal(change_set_make(base, edited, &changes, &error), DONE);
    assert_int_equal(changes.count, 0);
    change_set_free(&changes);
    snapshot_unref(edited);
    snapshot_unref(base);
}

static void rows_keep_their_numbers(void **state)
{
    const struct unit *unit = schema_unit_find(schema, LIST);
    struct snapshot *base = given_snapshot(NULL, SERVERS SERVER(WEB REAL("") REAL2) END);
    struct snapshot *without = given_snapshot(
        base, SERVERS SERVER("<name>web</name><real-server nc:operation=\"delete\"><address>"
                             "10.0.0.1</address><port>80</port></real-server>") END);
    struct snapshot *again =
        given_snapshot(without, SERVERS SERVER("<name>web</name>" REAL("")) END);
    const struct entry *first = snapshot_find(base, unit, "[name='web']");
    const struct entry *last = snapshot_find(again, unit, "[name='web']");
    assert_int_equal(first->row_count, 2);
    assert_int_equal(first->rows[0].number, 1);
    assert_int_equal(first->rows[1].number, 2);
    assert_int_equal(last->row_count, 2);
    /* 10.0.0.1 was away: its number is not given again. */
    assert_int_equal(last->rows[0].number, 3);
    assert_int_equal(last->rows[1].number, 2);
    snapshot_unref(again);
    snapshot_unref(without);
    snapshot_unref(base);
}

struct rule_case {
    const char *name, *servers;
    enum error_tag tag;
    const char *path, *app_tag;
};

static const struct rule_case rules[] = {
    {"no service", SERVER("<name>a</name>"), TAG_DATA_MISSING, LIST "[name='a']/service",
     "missing-choice"},
    {"no port", SERVER("<name>a</name><address>192.0.2.1</address>"), TAG_MISSING_ELEMENT,
     LIST "[name='a']/port", NULL},
    {"port 0 without persistence",
     SERVER("<name>a</name><address>192.0.2.1</address><port>0</port>"), TAG_OPERATION_FAILED,
     LIST "[name='a']/port", "port-needs-persistence"},
    {"another port without nat",
     SERVER(WEB "<forwarding-method>dr</forwarding-method><real-server><address>10.0.0.1"
                "</address><port>81</port></real-server>"),
     TAG_OPERATION_FAILED, LIST "[name='web']/real-server[address='10.0.0.1'][port='81']",
     "port-needs-nat"},
    {"thresholds crossed", SERVER(WEB REAL("<lower-threshold>5</lower-threshold>")),
     TAG_OPERATION_FAILED,
     LIST "[name='web']/real-server[address='10.0.0.1'][port='80']/lower-threshold",
     "must-violation"},
    {"one-packet over tcp", SERVER(WEB "<one-packet>true</one-packet>"), TAG_OPERATION_FAILED,
     LIST "[name='web']/one-packet", "must-violation"},
};

static void each_rule_refuses_with_its_error(void **state)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
        struct error error = {0};
        struct snapshot *empty, *edited, *valid;
        char xml[2048];
        snprintf(xml, sizeof(xml), "%s%s%s", SERVERS, rules[i].servers, END);
        assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
        assert_int_equal(edit_by_xml(empty, xml, EDIT_MERGE, &edited, &error), DONE);
        if (transaction_validate(schema, empty, edited, &valid, &error) != REFUSED)
            fail_msg("%s: was not refused", rules[i].name);
        if (error.tag != rules[i].tag || !error.path || strcmp(error.path, rules[i].path) != 0)
            fail_msg("%s: %s at %s: %s", rules[i].name, error_tag_name(error.tag), error.path,
                     error.message);
        if (rules[i].app_tag)
            assert_string_equal(error.app_tag, rules[i].app_tag);
        error_clear(&error);
        snapshot_unref(edited);
        snapshot_unref(empty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_edit_does_what_its_case_says),
        cmocka_unit_test(an_edit_shares_what_it_does_not_touch),
        cmocka_unit_test(rows_keep_their_numbers),
        cmocka_unit_test(each_rule_refuses_with_its_error),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
