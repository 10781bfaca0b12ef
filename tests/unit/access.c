/*
 * Access control: what may be read, run and received by rules.
 */
#include "tests/unit/access_given.h"

/* What is said of a whole unit must hold for each of its nodes. */
static void check_covers(struct access *access, const struct snapshot *snapshot)
{
    static const enum access_right rights[] = {ACCESS_CREATE, ACCESS_READ, ACCESS_UPDATE,
                                               ACCESS_DELETE};
    for (size_t i = 0; i < snapshot->count; i++) {
        for (size_t r = 0; r < 4; r++) {
            const struct lyd_node *node;
            if (!access_covers(access, snapshot->entries[i]->unit, rights[r]))
                continue;
            LYD_TREE_DFS_BEGIN(snapshot->entries[i]->tree, node)
            {
                assert_true(access_allows(access, node, rights[r]));
                LYD_TREE_DFS_END(snapshot->entries[i]->tree, node);
            }
        }
    }
}

/* Nodes. */

static const struct {
    const char *name, *nacm, *user;
    enum access_right right;
    const char *path;
    bool allowed;
} node_cases[] = {
    /* Defaults. */
    {"all may read by default", NACM(""), "olga", ACCESS_READ, WEB, true},
    {"nobody may create by default", NACM(""), "olga", ACCESS_CREATE, WEB, false},
    {"nobody may update by default", NACM(""), "olga", ACCESS_UPDATE, WEB, false},
    {"nobody may delete by default", NACM(""), "olga", ACCESS_DELETE, WEB, false},
    {"read-default deny", NACM("<read-default>deny</read-default>"), "olga", ACCESS_READ, WEB,
     false},
    {"write-default permit", NACM("<write-default>permit</write-default>"), "olga", ACCESS_UPDATE,
     WEB, true},
    {"off", NACM("<enable-nacm>false</enable-nacm>"), "olga", ACCESS_UPDATE, WEB, true},
    {"off, secrets too", NACM("<enable-nacm>false</enable-nacm>"), "olga", ACCESS_READ,
     USER "/password", true},
    /* What is marked in the models. */
    {"a password is a secret", NACM(""), "olga", ACCESS_READ, USER "/password", false},
    {"a user's name is none", NACM(""), "olga", ACCESS_READ, USER "/name", true},
    {"a community is a secret", NACM(""), "olga", ACCESS_READ,
     "/noria-agent:snmp-agent/community[name='sesame']", false},
    {"what is in a secret is one", NACM(""), "olga", ACCESS_READ,
     "/noria-agent:snmp-agent/community[name='sesame']/name", false},
    {"the rules are a secret", NACM(GROUPS), "olga", ACCESS_READ, NACM_PATH "/groups", false},
    {"users are guarded", NACM("<write-default>permit</write-default>"), "olga", ACCESS_CREATE,
     USER, false},
    {"and what is in them", NACM("<write-default>permit</write-default>"), "olga", ACCESS_CREATE,
     USER "/name", false},
    {"secrets are guarded", NACM("<write-default>permit</write-default>"), "olga", ACCESS_UPDATE,
     NACM_PATH "/enable-nacm", false},
    {"a rule gives secrets", OLGA(PERMIT("")), "olga", ACCESS_READ, USER "/password", true},
    /* Groups. */
    {"a group's member", OLGA(PERMIT("")), "olga", ACCESS_CREATE, WEB, true},
    {"another user", OLGA(PERMIT("")), "otto", ACCESS_CREATE, WEB, false},
    {"names are compared whole", OLGA(PERMIT("")), "olg", ACCESS_CREATE, WEB, false},
    {"all groups", NACM(GROUPS LIST("l", "*", PERMIT(""))), "ada", ACCESS_CREATE, WEB, true},
    {"all groups need one", NACM(GROUPS LIST("l", "*", PERMIT(""))), "otto", ACCESS_CREATE, WEB,
     false},
    {"a list for two groups", NACM(GROUPS LIST("l", "admins</group><group>operators", PERMIT(""))),
     "olga", ACCESS_CREATE, WEB, true},
    {"a list without groups", NACM(GROUPS "<rule-list><name>l</name>" PERMIT("") "</rule-list>"),
     "olga", ACCESS_CREATE, WEB, false},
    {"a group that is not there", NACM(GROUPS LIST("l", "guests", PERMIT(""))), "olga",
     ACCESS_CREATE, WEB, false},
    /* Order. */
    {"the first rule counts", OLGA(DENY("") PERMIT("")), "olga", ACCESS_READ, WEB, false},
    {"the first rule counts, the other way", OLGA(PERMIT("") DENY("")), "olga", ACCESS_READ, WEB,
     true},
    {"the first list counts",
     NACM(GROUPS LIST("b", "operators", DENY("")) LIST("a", "admins", PERMIT(""))), "ada",
     ACCESS_READ, WEB, false},
    {"lists of other groups are passed over",
     NACM(GROUPS LIST("b", "admins", DENY("")) LIST("a", "operators", PERMIT(""))), "olga",
     ACCESS_CREATE, WEB, true},
    {"rules of other rights are passed over",
     OLGA(DENY(OPERATIONS("create delete exec")) PERMIT("")), "olga", ACCESS_UPDATE, WEB, true},
    /* Rights. */
    {"read alone: read", OLGA(PERMIT(OPERATIONS("read")) DENY("")), "olga", ACCESS_READ, WEB, true},
    {"read alone: create", OLGA(PERMIT(OPERATIONS("read")) DENY("")), "olga", ACCESS_CREATE, WEB,
     false},
    {"create alone", OLGA(PERMIT(OPERATIONS("create")) DENY("")), "olga", ACCESS_CREATE, WEB, true},
    {"update alone", OLGA(PERMIT(OPERATIONS("update")) DENY("")), "olga", ACCESS_UPDATE, WEB, true},
    {"delete alone", OLGA(PERMIT(OPERATIONS("delete")) DENY("")), "olga", ACCESS_DELETE, WEB, true},
    {"two of them", OLGA(PERMIT(OPERATIONS("update create"))), "olga", ACCESS_UPDATE, WEB, true},
    {"two of them, a third", OLGA(PERMIT(OPERATIONS("update create"))), "olga", ACCESS_DELETE, WEB,
     false},
    {"star", OLGA(PERMIT(OPERATIONS("*"))), "olga", ACCESS_DELETE, WEB, true},
    {"exec says nothing of data", OLGA(PERMIT(OPERATIONS("exec"))), "olga", ACCESS_UPDATE, WEB,
     false},
    /* Modules. */
    {"a module", OLGA(PERMIT(MODULE("noria-virtual-server"))), "olga", ACCESS_UPDATE, WEB, true},
    {"another module", OLGA(PERMIT(MODULE("noria-virtual-server"))), "olga", ACCESS_UPDATE, USER,
     false},
    {"a module that nobody has", OLGA(PERMIT(MODULE("acme"))), "olga", ACCESS_UPDATE, WEB, false},
    {"all modules", OLGA(PERMIT(MODULE("*"))), "olga", ACCESS_UPDATE, USER, true},
    {"module and path must both match",
     OLGA(PERMIT(MODULE("noria-agent") PATH("/nvs:virtual-servers"))), "olga", ACCESS_UPDATE, WEB,
     false},
    /* Types. */
    {"an operation's rule says nothing of data", OLGA(PERMIT("<rpc-name>*</rpc-name>")), "olga",
     ACCESS_UPDATE, WEB, false},
    {"a notification's rule neither", OLGA(DENY("<notification-name>*</notification-name>")),
     "olga", ACCESS_READ, WEB, true},
    /* Paths. */
    {"everything", OLGA(PERMIT(PATH("/"))), "olga", ACCESS_UPDATE, REAL "/weight", true},
    {"the node itself", OLGA(PERMIT(PATH("/nvs:virtual-servers"))), "olga", ACCESS_UPDATE,
     "/noria-virtual-server:virtual-servers", true},
    {"what is below", OLGA(PERMIT(PATH("/nvs:virtual-servers"))), "olga", ACCESS_UPDATE,
     REAL "/weight", true},
    {"not what is above", OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server"))), "olga",
     ACCESS_UPDATE, "/noria-virtual-server:virtual-servers", false},
    {"not what is beside", OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:port"))),
     "olga", ACCESS_UPDATE, WEB "/scheduler", false},
    {"without keys: any instance",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:scheduler"))), "olga",
     ACCESS_UPDATE, MAIL "/scheduler", true},
    {"with a key: that one",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server[nvs:name='web']"))), "olga",
     ACCESS_UPDATE, WEB "/scheduler", true},
    {"with a key: no other",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server[nvs:name='web']"))), "olga",
     ACCESS_UPDATE, MAIL "/scheduler", false},
    {"one of two keys",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server[nvs:port='80']"))),
     "olga", ACCESS_UPDATE, REAL "/weight", true},
    {"one of two keys, another value",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server[nvs:port='81']"))),
     "olga", ACCESS_UPDATE, REAL "/weight", false},
    {"a key in another form",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server"
                      "[nvs:address='2001:DB8:0::B']"))),
     "olga", ACCESS_UPDATE, REAL "/weight", true},
    {"keys on two levels",
     OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server[nvs:name='mail']/nvs:real-server"
                      "[nvs:port='80']"))),
     "olga", ACCESS_UPDATE, REAL "/weight", false},
    {"the user's own", OLGA(PERMIT(PATH("/na:netconf-server/na:user[na:name=$USER]"))), "ada",
     ACCESS_UPDATE, USER "/password", true},
    {"another one's", OLGA(PERMIT(PATH("/na:netconf-server/na:user[na:name=$USER]"))), "olga",
     ACCESS_UPDATE, USER "/password", false},
};

static void nodes_are_held_against_rules(void **state)
{
    for (size_t i = 0; i < sizeof(node_cases) / sizeof(*node_cases); i++) {
        struct snapshot *snapshot = snapshot_of(node_cases[i].nacm);
        struct access access;
        begin(snapshot, node_cases[i].user, false, &access);
        bool allowed =
            access_allows(&access, node_at(snapshot, node_cases[i].path), node_cases[i].right);
        if (allowed != node_cases[i].allowed)
            fail_msg("%s: %d", node_cases[i].name, allowed);
        check_covers(&access, snapshot);
        access_end(&access);
        /* Nothing concerns the recovery session. */
        begin(snapshot, node_cases[i].user, true, &access);
        assert_true(access_allows(&access, node_at(snapshot, node_cases[i].path), ACCESS_UPDATE));
        check_covers(&access, snapshot);
        access_end(&access);
        snapshot_unref(snapshot);
    }
}

/* Operations and notifications. */

#define EXEC ACCESS_EXEC
#define NOTIFY ACCESS_READ
#define RPC(name) "<rpc-name>" name "</rpc-name>"
#define EVENT(name) "<notification-name>" name "</notification-name>"
#define CHANGE "/ietf-yang-library:yang-library-update"

static const struct {
    const char *name, *nacm, *user;
    enum access_right kind;
    const char *path;
    bool allowed;
} message_cases[] = {
    {"by default", NACM(""), "olga", EXEC, "/ietf-netconf:edit-config", true},
    {"not kill-session", NACM(""), "olga", EXEC, "/ietf-netconf:kill-session", false},
    {"not delete-config", NACM(""), "olga", EXEC, "/ietf-netconf:delete-config", false},
    {"exec-default deny", NACM("<exec-default>deny</exec-default>"), "olga", EXEC,
     "/ietf-netconf:get", false},
    {"close-session always", NACM("<exec-default>deny</exec-default>"), "olga", EXEC,
     "/ietf-netconf:close-session", true},
    {"close-session in spite of a rule", OLGA(DENY("")), "olga", EXEC,
     "/ietf-netconf:close-session", true},
    {"off", NACM("<enable-nacm>false</enable-nacm>"), "olga", EXEC, "/ietf-netconf:kill-session",
     true},
    {"a rule permits", OLGA(PERMIT(RPC("kill-session"))), "olga", EXEC,
     "/ietf-netconf:kill-session", true},
    {"a rule denies", OLGA(DENY(RPC("edit-config"))), "olga", EXEC, "/ietf-netconf:edit-config",
     false},
    {"another operation", OLGA(DENY(RPC("edit-config"))), "olga", EXEC, "/ietf-netconf:copy-config",
     true},
    {"any operation", OLGA(DENY(RPC("*"))), "olga", EXEC, "/ietf-netconf:copy-config", false},
    {"of its module", OLGA(DENY(MODULE("ietf-netconf") RPC("*"))), "olga", EXEC,
     "/ietf-netconf-monitoring:get-schema", true},
    {"of its module, the other", OLGA(DENY(MODULE("ietf-netconf") RPC("*"))), "olga", EXEC,
     "/ietf-netconf:get", false},
    {"without a type", OLGA(PERMIT("")), "olga", EXEC, "/ietf-netconf:kill-session", true},
    {"without exec", OLGA(DENY(OPERATIONS("read create update delete"))), "olga", EXEC,
     "/ietf-netconf:get", true},
    {"a path is for data", OLGA(DENY(PATH("/"))), "olga", EXEC, "/ietf-netconf:get", true},
    {"a notification is none", OLGA(DENY(EVENT("*"))), "olga", EXEC, "/ietf-netconf:get", true},
    {"notification by default", NACM(""), "olga", NOTIFY, CHANGE, true},
    {"notification, read-default deny", NACM("<read-default>deny</read-default>"), "olga", NOTIFY,
     CHANGE, false},
    {"notification by name", OLGA(DENY(EVENT("yang-library-update"))), "olga", NOTIFY, CHANGE,
     false},
    {"another notification", OLGA(DENY(EVENT("yang-library-change"))), "olga", NOTIFY, CHANGE,
     true},
    {"any notification", OLGA(DENY(EVENT("*"))), "olga", NOTIFY, CHANGE, false},
    {"notification of its module", OLGA(DENY(MODULE("noria-agent") EVENT("*"))), "olga", NOTIFY,
     CHANGE, true},
    {"notification without read", OLGA(DENY(OPERATIONS("exec") EVENT("*"))), "olga", NOTIFY, CHANGE,
     true},
    {"notification, an operation's rule", OLGA(DENY(RPC("*"))), "olga", NOTIFY, CHANGE, true},
    {"notification, off", NACM("<enable-nacm>false</enable-nacm><read-default>deny</read-default>"),
     "olga", NOTIFY, CHANGE, true},
};

static void operations_and_notifications_are_held_against_rules(void **state)
{
    for (size_t i = 0; i < sizeof(message_cases) / sizeof(*message_cases); i++) {
        struct snapshot *snapshot = snapshot_of(message_cases[i].nacm);
        struct lyd_node *node = NULL;
        struct access access;
        assert_int_equal(lyd_new_path(NULL, schema->ctx, message_cases[i].path, NULL, 0, &node), 0);
        begin(snapshot, message_cases[i].user, false, &access);
        bool allowed = message_cases[i].kind == EXEC ? access_executes(&access, node)
                                                     : access_receives(&access, node);
        if (allowed != message_cases[i].allowed)
            fail_msg("%s: %d", message_cases[i].name, allowed);
        access_end(&access);
        lyd_free_all(node);
        snapshot_unref(snapshot);
    }
}

/* Reading. */

static char *visible_text(const char *nacm, const char *user)
{
    struct snapshot *snapshot = snapshot_of(nacm), *visible = NULL;
    struct access access;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    begin(snapshot, user, false, &access);
    assert_int_equal(access_visible(&access, snapshot, &visible, NULL), DONE);
    for (size_t i = 0; i < visible->count; i++)
        fputs(entry_text(visible->entries[i]), stream);
    fclose(stream);
    access_end(&access);
    snapshot_unref(visible);
    snapshot_unref(snapshot);
    return text;
}

static void what_cannot_be_read_is_left_out(void **state)
{
    static const struct {
        const char *name, *nacm, *there[4], *gone[4];
    } cases[] = {
        {"secrets", NACM(GROUPS), {">web<", ">ada<"}, {"secret", "sesame", "community", "<nacm"}},
        {"everything for some", OLGA(PERMIT("")), {"secret", "sesame", ">web<", "<nacm"}},
        {"nothing", NACM("<read-default>deny</read-default>"), {""}, {"name", "port"}},
        {"a module", OLGA(DENY(MODULE("noria-virtual-server"))), {">ada<"}, {">web<", "<virtual"}},
        {"an instance",
         OLGA(DENY(PATH("/nvs:virtual-servers/nvs:virtual-server[nvs:name='web']"))),
         {">mail<"},
         {">web</name><address", "192.0.2.80"}},
        {"a leaf",
         OLGA(DENY(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:port"))),
         {"<name>web</name><address>192.0.2.80</address><forw"}},
        {"an entry whose key is hidden goes whole",
         OLGA(DENY(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:real-server/nvs:port"))),
         {">web<"},
         {"<real-server"}},
        {"what is below something hidden is hidden",
         OLGA(PERMIT(PATH("/nvs:virtual-servers/nvs:virtual-server/nvs:name"))
                  DENY(PATH("/nvs:virtual-servers"))),
         {">ada<"},
         {">mail<"}},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char *text = visible_text(cases[i].nacm, "olga");
        for (size_t t = 0; t < 4; t++) {
            if (cases[i].there[t] && !strstr(text, cases[i].there[t]))
                fail_msg("%s: %s is not in %s", cases[i].name, cases[i].there[t], text);
            if (cases[i].gone[t] && strstr(text, cases[i].gone[t]))
                fail_msg("%s: %s is in %s", cases[i].name, cases[i].gone[t], text);
        }
        free(text);
    }
}

#define DIRECTOR "/noria-director:directors/director"

static void who_reads_everything_reads_it_as_it_is_kept(void **state)
{
    struct snapshot *snapshot = snapshot_of(OLGA(PERMIT(""))), *visible = NULL;
    struct access access;
    begin(snapshot, "olga", false, &access);
    for (size_t i = 0; i < schema->unit_count; i++)
        assert_true(access_covers(&access, &schema->units[i], ACCESS_READ));
    assert_int_equal(access_visible(&access, snapshot, &visible, NULL), DONE);
    assert_ptr_equal(visible, snapshot);
    snapshot_unref(visible);
    access_end(&access);
    /* And those who read by default, where there are no secrets. */
    begin(snapshot, "otto", false, &access);
    assert_true(access_covers(&access, schema_unit_find(schema, DIRECTOR), ACCESS_READ));
    assert_false(access_covers(&access, schema_unit_find(schema, DIRECTOR), ACCESS_UPDATE));
    assert_false(access_covers(&access, schema_unit_find(schema, SERVER), ACCESS_READ));
    assert_false(access_covers(&access, schema_unit_find(schema, NACM_PATH), ACCESS_READ));
    access_end(&access);
    snapshot_unref(snapshot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_are_held_against_rules),
        cmocka_unit_test(operations_and_notifications_are_held_against_rules),
        cmocka_unit_test(what_cannot_be_read_is_left_out),
        cmocka_unit_test(who_reads_everything_reads_it_as_it_is_kept),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
