/*
 * What the tests of access control start from: rules as short texts, and data to hold against them.
 * Include it last, as it includes cmocka.h.
 */
#ifndef NORIA_TESTS_ACCESS_GIVEN_H
#define NORIA_TESTS_ACCESS_GIVEN_H

#include "agent/access/access.h"
#include "tests/unit/given.h"

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

static inline char *with_data(const char *nacm)
{
    char *xml;
    if (asprintf(&xml, "%s%s", data, nacm) < 0)
        abort();
    return xml;
}

static inline struct snapshot *snapshot_of(const char *nacm)
{
    char *xml = with_data(nacm);
    struct snapshot *snapshot = given_snapshot(NULL, xml);
    free(xml);
    return snapshot;
}

static inline enum outcome compile(const struct snapshot *snapshot, struct access_rules **rules,
                                   struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, NACM_PATH);
    return access_rules_new(snapshot_find(snapshot, unit, "")->node, rules, err);
}

static inline void begin(const struct snapshot *snapshot, const char *user, bool recovery,
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

static inline const struct lyd_node *node_at(const struct snapshot *snapshot, const char *path)
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

#endif
