/*
 * Access control: what may be changed by rules.
 */
#include "tests/unit/access_given.h"

/* Changes. */

#define SET(content) SERVERS "<virtual-server><name>web</name>" content "</virtual-server>" END
#define MAY(rights) OLGA(PERMIT(OPERATIONS(rights) PATH("/nvs:virtual-servers")))
#define WEIGHT_ONLY                                                                                \
    OLGA(PERMIT(OPERATIONS("create update delete")                                                 \
                    PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server/nvs:weight")))

static const struct {
    const char *name, *nacm, *edit;
    const char *denied; /* Where, or NULL: it is allowed. */
} change_cases[] = {
    {"nothing", NACM(""), SET(""), NULL},
    {"a value that is there already", NACM(""), SET("<port>80</port>"), NULL},
    {"a new server", MAY("create"),
     SERVERS "<virtual-server><name>new</name><firewall-mark>2"
             "</firewall-mark></virtual-server>" END,
     NULL},
    {"a new server, with update alone", MAY("update delete"),
     SERVERS
     "<virtual-server><name>new</name><firewall-mark>2</firewall-mark></virtual-server>" END,
     SERVER "[name='new']"},
    {"a new leaf creates", MAY("create"), SET("<scheduler>rr</scheduler>"), NULL},
    {"a new leaf does not update", MAY("update delete"), SET("<scheduler>rr</scheduler>"),
     WEB "/scheduler"},
    {"another value updates", MAY("update"), SET("<port>81</port>"), NULL},
    {"another value does not create", MAY("create delete"), SET("<port>81</port>"), WEB "/port"},
    {"deletion", MAY("delete"), SET("<forwarding-method nc:operation=\"delete\"/>"), NULL},
    {"deletion, not allowed", MAY("create update"),
     SET("<forwarding-method nc:operation=\"delete\"/>"), WEB "/forwarding-method"},
    {"a server is deleted", MAY("delete"),
     SERVERS "<virtual-server nc:operation=\"delete\"><name>web</name></virtual-server>" END, NULL},
    {"a server is deleted, not allowed", MAY("create update"),
     SERVERS "<virtual-server nc:operation=\"delete\"><name>web</name></virtual-server>" END, WEB},
    {"one leaf alone: that one", WEIGHT_ONLY,
     SET("<real-server><address>2001:db8::b</address><port>80</port><weight>1</weight>"
         "</real-server>"),
     NULL},
    {"one leaf alone: another one beside it", WEIGHT_ONLY,
     SET("<real-server><address>2001:db8::b</address><port>80</port><weight>1</weight>"
         "<enabled>false</enabled></real-server>"),
     REAL "/enabled"},
    {"another case of a choice ousts the one before", MAY("create"),
     SET("<firewall-mark>3</firewall-mark>"), NULL},
    {"all is deleted, and some of it must not be",
     OLGA(DENY(OPERATIONS("delete")
                   PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server/nvs:weight"))
              RULE("q", "", "permit")),
     SERVERS "<virtual-server nc:operation=\"remove\"><name>web</name></virtual-server>" END,
     REAL "/weight"},
    {"a hidden one is denied without its keys", NACM("<write-default>permit</write-default>"),
     "<snmp-agent xmlns=\"urn:noria:yang:noria-agent\" "
     "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\">"
     "<community nc:operation=\"delete\"><name>sesame</name></community></snmp-agent>",
     "/noria-agent:snmp-agent/community"},
    {"a group cannot be joined", NACM(GROUPS "<write-default>permit</write-default>"),
     NACM("<groups><group><name>admins</name><user-name>olga</user-name></group></groups>"),
     NACM_PATH "/groups/group/user-name"},
    {"a move updates",
     OLGA(PERMIT(OPERATIONS("update read")) RULE("q", OPERATIONS("create delete"), "deny")),
     NACM("<rule-list><name>one</name><rule xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" "
          "xmlns:yang=\"urn:ietf:params:xml:ns:yang:1\" yang:insert=\"first\"><name>q</name></rule>"
          "</rule-list>"),
     NULL},
    {"a move needs update",
     OLGA(RULE("p", OPERATIONS("create delete read"), "permit") RULE("q", "", "deny")),
     NACM("<rule-list><name>one</name><rule xmlns:yang=\"urn:ietf:params:xml:ns:yang:1\" "
          "yang:insert=\"first\"><name>q</name></rule></rule-list>"),
     NACM_PATH "/rule-list[name='one']/rule[name='q']"},
};

static void changes_are_held_against_rules(void **state)
{
    for (size_t i = 0; i < sizeof(change_cases) / sizeof(*change_cases); i++) {
        struct snapshot *before = snapshot_of(change_cases[i].nacm), *after = NULL;
        struct error error = {0};
        struct access access;
        if (edit_by_xml(before, change_cases[i].edit, EDIT_MERGE, &after, &error) != DONE)
            fail_msg("%s: %s: %s", change_cases[i].name, error.path, error_message(&error));
        begin(before, "olga", false, &access);
        enum outcome outcome = access_check_changes(&access, before, after, &error);
        const char *denied = change_cases[i].denied;
        if (outcome != (denied ? REFUSED : DONE) ||
            (denied && (error.tag != TAG_ACCESS_DENIED || strcmp(error.path, denied) != 0)))
            fail_msg("%s: %d %s", change_cases[i].name, outcome, error.path);
        access_end(&access);
        error_clear(&error);
        begin(before, "root", true, &access);
        assert_int_equal(access_check_changes(&access, before, after, NULL), DONE);
        access_end(&access);
        snapshot_unref(after);
        snapshot_unref(before);
    }
}

/* Presence is not told to those who may neither see it nor change it. */
static void errors_do_not_tell_what_exists(void **state)
{
    static const char edit[] = "<snmp-agent xmlns=\"urn:noria:yang:noria-agent\" "
                               "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\"><community "
                               "nc:operation=\"%s\"><name>%s</name></community></snmp-agent>";
    struct snapshot *snapshot = snapshot_of(NACM(""));
    static const struct {
        const char *operation, *name;
    } cases[] = {{"create", "sesame"}, {"delete", "open"}};
    for (size_t i = 0; i < 2; i++) {
        struct error error = {0};
        struct snapshot *after = NULL;
        struct lyd_node *tree = NULL;
        struct access access;
        char xml[512];
        snprintf(xml, sizeof(xml), edit, cases[i].operation, cases[i].name);
        assert_int_equal(lyd_parse_data_mem(schema->ctx, xml, LYD_XML,
                                            LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &tree),
                         0);
        assert_int_equal(edit_snapshot(schema, snapshot, tree, EDIT_MERGE, &after, &error),
                         REFUSED);
        begin(snapshot, "olga", false, &access);
        access_hide_presence(&access, tree, &error);
        assert_int_equal(error.tag, TAG_ACCESS_DENIED);
        assert_string_equal(error.path, "/noria-agent:snmp-agent/community");
        access_end(&access);
        error_clear(&error);
        lyd_free_all(tree);
    }
    snapshot_unref(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_held_against_rules),
        cmocka_unit_test(errors_do_not_tell_what_exists),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
