/*
 * Access control: rules held against nodes, operations, notifications and changes.
 */
#include "tests/unit/given.h"

#include "agent/access/access.h"

#include <cmocka.h>

#define NACM(content)                                                                              \
    "<nacm xmlns=\"urn:ietf:params:xml:ns:yang:ietf-netconf-acm\" "                                \
    "xmlns:nvs=\"urn:noria:yang:noria-virtual-server\" xmlns:na=\"urn:noria:yang:noria-agent\" "   \
    "xmlns:acm=\"urn:ietf:params:xml:ns:yang:ietf-netconf-acm\">" content "</nacm>"
#define GROUPS                                                                                     \
    "<groups><group><name>admins</name><user-name>ada</user-name></group>"                         \
    "<group><name>operators</name><user-name>ada</user-name><user-name>olga</user-name>"           \
    "<user-name>web</user-name></group></groups>"
#define LIST(name, group, rules)                                                                   \
    "<rule-list><name>" name "</name><group>" group "</group>" rules "</rule-list>"
#define RULE(name, content, action)                                                                \
    "<rule><name>" name "</name>" content "<action>" action "</action></rule>"
#define PATH(path) "<path>" path "</path>"
#define OPERATIONS(operations) "<access-operations>" operations "</access-operations>"
#define MODULE(module) "<module-name>" module "</module-name>"

/* One list for the operators. */
#define OLGA(rules) NACM(GROUPS LIST("one", "operators", rules))
#define PERMIT(content) RULE("p", content, "permit")
#define DENY(content) RULE("d", content, "deny")

#define SERVER "/noria-virtual-server:virtual-servers/virtual-server"
#define WEB SERVER "[name='web']"
#define MAIL SERVER "[name='mail']"
#define REAL WEB "/real-server[address='2001:db8::b'][port='80']"
#define USER "/noria-agent:netconf-server/user[name='ada']"
#define NACM_PATH "/ietf-netconf-acm:nacm"

static const char data[] = SERVERS
    "<virtual-server><name>web</name><address>192.0.2.80</address><port>80</port>"
    "<forwarding-method>nat</forwarding-method>"
    "<real-server><address>2001:db8::b</address><port>80</port><weight>7</weight></real-server>"
    "</virtual-server>"
    "<virtual-server><name>mail</name><firewall-mark>1</firewall-mark></virtual-server>" END
    "<netconf-server xmlns=\"urn:noria:yang:noria-agent\"><user><name>ada</name>"
    "<password>$6$secret</password></user></netconf-server>"
    "<snmp-agent xmlns=\"urn:noria:yang:noria-agent\"><community><name>sesame</name>"
    "</community></snmp-agent>";

static char *with_data(const char *nacm)
{
    char *xml;
    if (asprintf(&xml, "%s%s", data, nacm) < 0)
        abort();
    return xml;
}

static struct snapshot *snapshot_of(const char *nacm)
{
    char *xml = with_data(nacm);
    struct snapshot *snapshot = given_snapshot(NULL, xml);
    free(xml);
    return snapshot;
}

static enum outcome compile(const struct snapshot *snapshot, struct access_rules **rules,
                            struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, NACM_PATH);
    return access_rules_new(snapshot_find(snapshot, unit, "")->node, rules, err);
}

static void begin(const struct snapshot *snapshot, const char *user, bool recovery,
                  struct access *access)
{
    struct error error = {0};
    struct access_rules *rules = NULL;
    if (compile(snapshot, &rules, &error) != DONE)
        fail_msg("%s: %s", error.path, error_message(&error));
    assert_int_equal(access_begin_with(rules, schema->unit_count, user, recovery, access, NULL),
                     DONE);
    access_rules_unref(rules);
}

static const struct lyd_node *node_at(const struct snapshot *snapshot, const char *path)
{
    for (size_t i = 0; i < snapshot->count; i++) {
        struct lyd_node *node = NULL;
        if (!strncmp(path, snapshot->entries[i]->unit->path,
                     strcspn(snapshot->entries[i]->unit->path + 1, "/") + 1) &&
            !lyd_find_path(snapshot->entries[i]->tree, path, 0, &node))
            return node;
    }
    fail_msg("there is no %s", path);
    return NULL;
}

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
    assert_true(access_covers(&access, schema_unit_find(schema, SERVER), ACCESS_READ));
    assert_false(access_covers(&access, schema_unit_find(schema, SERVER), ACCESS_UPDATE));
    assert_false(access_covers(&access, schema_unit_find(schema, NACM_PATH), ACCESS_READ));
    access_end(&access);
    snapshot_unref(snapshot);
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
        cmocka_unit_test(nodes_are_held_against_rules),
        cmocka_unit_test(operations_and_notifications_are_held_against_rules),
        cmocka_unit_test(changes_are_held_against_rules),
        cmocka_unit_test(what_cannot_be_read_is_left_out),
        cmocka_unit_test(who_reads_everything_reads_it_as_it_is_kept),
        cmocka_unit_test(errors_do_not_tell_what_exists),
        cmocka_unit_test(rules_that_make_no_sense_are_refused),
        cmocka_unit_test(rules_outlive_their_replacement),
        cmocka_unit_test(the_order_of_rules_is_kept),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
