/*
 * Events: what the agent's own ones say, and what subscribers get of them.
 */
#include "tests/unit/given.h"

#include <dirent.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/event/notices.h"

#include <cmocka.h>

static char folder[64];
static struct agent agent;
static struct event_subscriber *subscriber;
static int wake;

static int start(void **state)
{
    struct error error = {0};
    strcpy(folder, "/tmp/noria-event-XXXXXX");
    if (given_schema(state) || !mkdtemp(folder))
        return -1;
    agent = (struct agent){.schema = schema, .options.state_dir = folder};
    wake = eventfd(0, EFD_NONBLOCK);
    if (events_start(&agent, &error) != DONE)
        return -1;
    subscriber = event_subscribe(&agent, "the test", wake);
    return subscriber ? 0 : -1;
}

static int stop(void **state)
{
    char path[128];
    event_unsubscribe(subscriber);
    events_stop(&agent);
    close(wake);
    snprintf(path, sizeof(path), "%s/events", folder);
    DIR *dir = opendir(path);
    struct dirent *file;
    while ((file = readdir(dir)))
        unlinkat(dirfd(dir), file->d_name, 0);
    closedir(dir);
    return rmdir(path) || rmdir(folder);
}

/* Many subscribers look at it at once (plain.h). */
static void assert_sharable(const struct lyd_node *tree)
{
    const struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        if (node->schema->nodetype & LYD_NODE_INNER)
            assert_null(((const struct lyd_node_inner *)node)->children_ht);
        LYD_TREE_DFS_END(tree, node);
    }
}

/* The next event must be this one. */
static struct event *expect_event(const char *xml)
{
    struct event *event = NULL;
    uint64_t lost;
    assert_true(event_take(subscriber, &event, &lost));
    assert_non_null(event);
    assert_string_equal(event->xml, xml);
    assert_sharable(event->tree);
    return event;
}

static void expect_valid(const char *xml)
{
    struct event *event = expect_event(xml);
    assert_int_equal(lyd_validate_op(event->tree, NULL, LYD_TYPE_NOTIF_YANG, NULL), 0);
    event_unref(event);
}

#define NOTICE(name, content)                                                                      \
    "<" name " xmlns=\"urn:ietf:params:xml:ns:yang:ietf-netconf-notifications\">" content          \
    "</" name ">"
#define OWN(name, content) "<" name " xmlns=\"urn:noria:yang:noria-agent\">" content "</" name ">"
#define WHO "<username>ann</username><session-id>7</session-id>"

static const struct origin ann = {.user = "ann", .protocol = "netconf", .session = 7};

static void sessions(void **state)
{
    struct origin far = ann;
    event_session_start(&agent, &ann);
    expect_valid(NOTICE("netconf-session-start", WHO));
    far.host = "2001:db8::1";
    event_session_start(&agent, &far);
    expect_valid(NOTICE("netconf-session-start", WHO "<source-host>2001:db8::1</source-host>"));
    far.host = "no address";
    event_session_end(&agent, &far, "closed", 0);
    expect_valid(
        NOTICE("netconf-session-end", WHO "<termination-reason>closed</termination-reason>"));
    event_session_end(&agent, &ann, "killed", 9);
    expect_valid(NOTICE("netconf-session-end",
                        WHO "<killed-by>9</killed-by>"
                            "<termination-reason>killed</termination-reason>"));
}

/* RFC 6470's when expression is wrong (its errata say so), so these are not validated. */
static void confirmed_commits(void **state)
{
    event_confirmed_commit(&agent, CONFIRMED_COMMIT_START, &ann, 600);
    event_unref(expect_event(NOTICE("netconf-confirmed-commit", WHO
                                    "<confirm-event>start</confirm-event><timeout>600</timeout>")));
    event_confirmed_commit(&agent, CONFIRMED_COMMIT_EXTEND, &ann, 5);
    event_unref(expect_event(NOTICE("netconf-confirmed-commit", WHO
                                    "<confirm-event>extend</confirm-event><timeout>5</timeout>")));
    event_confirmed_commit(&agent, CONFIRMED_COMMIT_CANCEL, &ann, 0);
    event_unref(expect_event(
        NOTICE("netconf-confirmed-commit", WHO "<confirm-event>cancel</confirm-event>")));
    event_confirmed_commit(&agent, CONFIRMED_COMMIT_COMPLETE, &ann, 0);
    event_unref(expect_event(
        NOTICE("netconf-confirmed-commit", WHO "<confirm-event>complete</confirm-event>")));
    event_confirmed_commit(&agent, CONFIRMED_COMMIT_TIMEOUT, NULL, 0);
    event_unref(
        expect_event(NOTICE("netconf-confirmed-commit", "<confirm-event>timeout</confirm-event>")));
}

static void own_events(void **state)
{
    event_backend_status(&agent, "ipvs", true, NULL);
    expect_valid(OWN("backend-status-change", "<name>ipvs</name><oper-status>up</oper-status>"));
    event_backend_status(&agent, "ipvs", false, "a & b");
    expect_valid(OWN("backend-status-change", "<name>ipvs</name><oper-status>down</oper-status>"
                                              "<reason>a &amp; b</reason>"));
    event_self_test(&agent, "hello");
    expect_valid(OWN("self-test", "<message>hello</message>"));
}

/* Edits as "operation target", one a line; for a commit from one configuration to another. */
static void expect_edits(const struct snapshot *before, const char *xml, const char *expected)
{
    struct error error = {0};
    struct change_set changes = {0};
    struct snapshot *after = given_snapshot(before, xml);
    struct event *event = NULL;
    uint64_t lost;
    char text[4096] = "";
    const struct lyd_node *node;
    assert_int_equal(change_set_make(before, after, &changes, &error), DONE);
    event_config_change(&agent, NULL, &changes);
    assert_true(event_take(subscriber, &event, &lost));
    assert_non_null(strstr(event->xml, "<changed-by><server/></changed-by>"));
    assert_sharable(event->tree);
    LY_LIST_FOR(lyd_child(event->tree), node)
    {
        if (strcmp(LYD_NAME(node), "edit") != 0)
            continue;
        strcat(text, leaf_value(node, "operation"));
        strcat(text, " ");
        strcat(text, leaf_value(node, "target"));
        strcat(text, "\n");
    }
    assert_string_equal(text, expected);
    event_unref(event);
    change_set_free(&changes);
    snapshot_unref(after);
}

#define WEB "/noria-virtual-server:virtual-servers/virtual-server[name='web']"

static void edits(void **state)
{
    struct error error = {0};
    struct snapshot *empty = NULL;
    assert_int_equal(snapshot_new_empty(schema, &empty, &error), DONE);
    struct snapshot *web = given_snapshot(
        empty, SERVERS "<virtual-server><name>web</name><firewall-mark>1</firewall-mark>"
                       "<scheduler>rr</scheduler></virtual-server>" END);
    expect_edits(empty,
                 SERVERS "<virtual-server><name>web</name><firewall-mark>1</firewall-mark>"
                         "</virtual-server>" END,
                 "create " WEB "\n");
    expect_edits(web,
                 SERVERS "<virtual-server nc:operation=\"delete\"><name>web</name>"
                         "</virtual-server>" END,
                 "delete " WEB "\n");
    expect_edits(web,
                 SERVERS "<virtual-server><name>web</name><firewall-mark>2</firewall-mark>"
                         "</virtual-server>" END,
                 "replace " WEB "/firewall-mark\n");
    expect_edits(web,
                 SERVERS "<virtual-server><name>web</name><real-server>"
                         "<address>10.0.0.1</address><port>80</port></real-server>"
                         "<scheduler nc:operation=\"delete\"/></virtual-server>" END,
                 "delete " WEB "/scheduler\n"
                 "create " WEB "/real-server[address='10.0.0.1'][port='80']\n");
    snapshot_unref(web);
    snapshot_unref(empty);
}

/* Who does not take them loses those that are too many, and is told where and how many. */
static void a_slow_subscriber(void **state)
{
    struct event *event;
    uint64_t lost, heard = 0, missing = 0, total = EVENT_QUEUE_MAX + 500, count;
    log_set_level(LOG_LEVEL_ERROR);
    for (uint64_t i = 0; i < total; i++)
        event_self_test(&agent, "x");
    assert_int_equal(read(wake, &count, sizeof(count)), 8);
    while (event_take(subscriber, &event, &lost)) {
        heard += event != NULL;
        missing += lost;
        if (event && missing)
            assert_int_equal(event->number, heard + missing);
        event_unref(event);
    }
    assert_int_equal(heard, EVENT_QUEUE_MAX - 1);
    assert_int_equal(heard + missing, total);
    event_self_test(&agent, "y");
    expect_valid(OWN("self-test", "<message>y</message>"));
}

static void large_events(void **state)
{
    struct event *event;
    uint64_t lost, heard = 0, missing = 0;
    static char message[100001];
    memset(message, 'm', sizeof(message) - 1);
    for (int i = 0; i < 40; i++)
        event_self_test(&agent, message);
    while (event_take(subscriber, &event, &lost)) {
        heard += event != NULL;
        missing += lost;
        event_unref(event);
    }
    assert_true(heard * 100000 <= EVENT_QUEUE_BYTES);
    assert_int_equal(heard + missing, 40);
}

/* Past events are those before the subscription, live ones those after. */
static void past_and_live(void **state)
{
    struct event *event;
    uint64_t lost, number = 0;
    for (int i = 0; i < 300; i++)
        event_self_test(&agent, "past");
    struct event_subscriber *late = event_subscribe(&agent, "late", wake);
    event_self_test(&agent, "live");
    struct event_replay *past = event_replay_new(late);
    assert_non_null(past);
    while ((event = event_replay_next(past))) {
        assert_int_equal(event->number, ++number);
        assert_non_null(strstr(event->xml, "past"));
        event_unref(event);
    }
    assert_null(event_replay_next(past));
    assert_int_equal(number, 300);
    assert_true(event_take(late, &event, &lost));
    assert_int_equal(event->number, 301);
    event_unref(event);
    assert_false(event_take(late, &event, &lost));
    event_replay_free(past);
    event_unsubscribe(late);
}

static void without_the_service(void **state)
{
    struct agent none = {.schema = schema};
    event_self_test(&none, "x");
    event_backend_status(NULL, "ipvs", true, NULL);
    event_emit(&agent, NULL);
    event_unref(NULL);
    event_unsubscribe(NULL);
    event_replay_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sessions, start, stop),
        cmocka_unit_test_setup_teardown(confirmed_commits, start, stop),
        cmocka_unit_test_setup_teardown(own_events, start, stop),
        cmocka_unit_test_setup_teardown(edits, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_subscriber, start, stop),
        cmocka_unit_test_setup_teardown(large_events, start, stop),
        cmocka_unit_test_setup_teardown(past_and_live, start, stop),
        cmocka_unit_test_setup_teardown(without_the_service, start, stop),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
