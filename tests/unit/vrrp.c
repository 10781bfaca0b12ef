/*
 * VRRP: what keepalived is told, and what it says, as text.
 */
#include "tests/unit/given.h"

#include "backends/vrrp/dump.h"
#include "backends/vrrp/generate.h"
#include "backends/vrrp/notice.h"
#include "backends/vrrp/record.h"
#include "backends/vrrp/states.h"
#include "backends/vrrp/version.h"

#include <cmocka.h>

#define VRRP(content) "<vrrp xmlns=\"urn:noria:yang:noria-vrrp\">" content "</vrrp>"
#define INSTANCE(name, vrid, more)                                                                 \
    "<instance><name>" name "</name><interface>eth0</interface><virtual-router-id>" vrid           \
    "</virtual-router-id>" more "<virtual-address><address>10.0.0." vrid                           \
    "</address></virtual-address></instance>"

/* The generated text of a configuration; to be freed. */
static char *generated(const char *xml, enum outcome expected, struct error *err)
{
    struct snapshot *snapshot = given_snapshot(NULL, xml);
    struct vrrp_text text;
    assert_int_equal(vrrp_generate(schema, snapshot, "/run/x", NULL, &text, err), expected);
    snapshot_unref(snapshot);
    return text.text;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("there is no '%s' in:\n%s", part, text);
}

static void an_instance_is_written_with_its_defaults(void **state)
{
    struct error error = {0};
    char *text = generated(VRRP(INSTANCE("web", "51", "")), DONE, &error);
    assert_has(text, "vrrp_instance \"web\" {\n    interface eth0\n    version 3\n"
                     "    virtual_router_id 51\n    accept\n");
    assert_has(text, "virtual_ipaddress {\n        10.0.0.51/32\n    }\n");
    assert_has(text, "vrrp_notify_fifo \"/run/x/notify\"");
    assert_has(text, "        \"noria.order.web\"\n");
    assert_null(strstr(text, "nopreempt"));
    free(text);
}

/* keepalived has 255 as the default priority of one that begins as master. */
static void who_begins_as_master_has_its_priority(void **state)
{
    struct error error = {0};
    char *text = generated(VRRP(INSTANCE("web", "51", "<initial-state>master</initial-state>")),
                           DONE, &error);
    assert_has(text, "    state MASTER\n");
    assert_has(text, "    priority 100\n");
    free(text);
}

/* Whatever is remembered, the text is as if nothing were. */
static void what_is_remembered_changes_no_text(void **state)
{
    static const char *const steps[] = {
        VRRP(INSTANCE("b", "52", "") INSTANCE("d", "54", "")),
        VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "") INSTANCE("d", "54", "")),
        VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "<priority>7</priority>")
                 INSTANCE("d", "54", "")),
        VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "<priority>7</priority>") INSTANCE(
            "d", "54", "") "<sync-group><name>g</name><member>a</member></sync-group>"),
        VRRP(INSTANCE("a", "51", "<enabled>false</enabled>") INSTANCE("d", "54", "")),
    };
    struct vrrp_memo memo = {0};
    struct snapshot *snapshot = NULL;
    struct error error = {0};
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        struct vrrp_text fresh, text;
        struct snapshot *next = given_snapshot(snapshot, steps[i]);
        snapshot_unref(snapshot);
        snapshot = next;
        assert_int_equal(vrrp_generate(schema, snapshot, "/run/x", NULL, &fresh, &error), DONE);
        assert_int_equal(vrrp_generate(schema, snapshot, "/run/x", &memo, &text, &error), DONE);
        assert_string_equal(text.text, fresh.text);
        assert_int_equal(text.length, fresh.length);
        assert_int_equal(memo.count, text.instances);
        vrrp_text_clear(&fresh);
        vrrp_text_clear(&text);
    }
    vrrp_memo_clear(&memo);
    snapshot_unref(snapshot);
}

static void what_is_not_enabled_is_left_out(void **state)
{
    struct error error = {0};
    char *text = generated(VRRP(INSTANCE("web", "51", "<enabled>false</enabled>")
                                    INSTANCE("in", "52", "") "<sync-group><name>g</name>"
                                                             "<member>web</member><member>in"
                                                             "</member></sync-group>"),
                           DONE, &error);
    assert_null(strstr(text, "\"web\""));
    assert_has(text, "vrrp_sync_group \"g\" {\n    group {\n        \"in\"\n    }\n");
    free(text);
}

static void members_of_a_group_have_no_order_of_their_own(void **state)
{
    struct error error = {0};
    char *text = generated(
        VRRP(INSTANCE("in", "52", "") "<sync-group><name>g</name><member>in</member></sync-group>"),
        DONE, &error);
    assert_has(text, "\"noria.order.in\" weight 0\n");
    assert_has(text, "\"noria.group.g\" weight 0\n");
    free(text);
}

static void an_instance_in_two_groups_is_refused(void **state)
{
    struct error error = {0};
    assert_null(generated(VRRP(INSTANCE("in", "52", "") "<sync-group><name>a</name><member>in"
                                                        "</member></sync-group><sync-group><name>b"
                                                        "</name><member>in</member></sync-group>"),
                          REFUSED, &error));
    assert_string_equal(error.path, "/noria-vrrp:vrrp/sync-group[name='b']");
    error_clear(&error);
}

static void an_address_has_one_owner(void **state)
{
    struct error error = {0};
    static const char *const owned = "<excluded-address><address>10.0.0.51</address>"
                                     "</excluded-address>";
    char *xml = NULL;
    assert_true(asprintf(&xml, VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "%s")), owned) > 0);
    assert_null(generated(xml, REFUSED, &error));
    assert_string_equal(
        error.path, "/noria-vrrp:vrrp/instance[name='b']/excluded-address[address='10.0.0.51']");
    assert_non_null(strstr(error_message(&error), "the instance a already"));
    error_clear(&error);
    free(xml);
    /* One that is not enabled owns nothing; a link-local address may be on each link. */
    free(generated(
        VRRP(INSTANCE("a", "51", "<enabled>false</enabled>") INSTANCE(
            "b", "52", "<excluded-address><address>10.0.0.51</address></excluded-address>")),
        DONE, &error));
    free(generated(VRRP(INSTANCE("a", "51",
                                 "<excluded-address><address>fe80::1</address>"
                                 "<interface>eth1</interface></excluded-address>")
                            INSTANCE("b", "52",
                                     "<excluded-address><address>fe80::1</address>"
                                     "</excluded-address>")),
                   DONE, &error));
}

static void the_agents_health_is_a_file_and_a_script(void **state)
{
    struct error error = {0};
    char *text = generated(VRRP("<agent-hold-time>7</agent-hold-time>" INSTANCE(
                               "web", "51", "<track-agent><weight>-30</weight></track-agent>")),
                           DONE, &error);
    assert_has(text, "script \"/usr/bin/flock -n /run/x/alive /bin/true\"");
    assert_has(text, "    rise 7\n");
    assert_has(text, "        \"noria.agent\" weight 30 reverse\n");
    assert_has(text, "        \"noria.agent.health\" weight -30\n");
    free(text);
    text = generated(VRRP(INSTANCE("web", "51", "")), DONE, &error);
    assert_null(strstr(text, "noria.agent"));
    free(text);
}

static void with_a_virtual_mac_addresses_go_to_its_interface(void **state)
{
    struct error error = {0};
    char *text = generated(VRRP(INSTANCE("web", "51", "<virtual-mac/>")), DONE, &error);
    assert_has(text, "        10.0.0.51/32\n");
    free(text);
}

static void with_an_ipvlan_addresses_are_told_to_go_there(void **state)
{
    struct error error = {0};
    char *text =
        generated(VRRP(INSTANCE("web", "51", "<ipvlan><address>10.0.0.9</address></ipvlan>")
                           INSTANCE("own", "52",
                                    "<ipvlan><interface>own0</interface><address>10.0.0.9"
                                    "</address></ipvlan>")),
                  DONE, &error);
    assert_has(text, "    use_ipvlan vrrp.51 10.0.0.9 bridge\n");
    assert_has(text, "        10.0.0.51/32 dev vrrp.51\n");
    assert_has(text, "    use_ipvlan own0 10.0.0.9 bridge\n");
    assert_has(text, "        10.0.0.52/32 dev own0\n");
    free(text);
}

/* The names in the slice of a change, with blanks behind; "all": there is no slice. */
static void sliced(const char *before, const char *after, char *names)
{
    struct vrrp_slice slice;
    struct change_set changes = {0};
    struct error error = {0};
    struct snapshot *first = given_snapshot(NULL, before), *second = given_snapshot(first, after);
    assert_int_equal(change_set_make(first, second, &changes, &error), DONE);
    *names = '\0';
    if (!vrrp_slice_of(schema, &changes, &slice))
        strcpy(names, "all");
    for (size_t i = 0; i < slice.count; i++)
        if (!i || strcmp(slice.names[i - 1], slice.names[i]) != 0)
            strcat(strcat(names, slice.names[i]), " ");
    vrrp_slice_clear(&slice);
    change_set_free(&changes);
    snapshot_unref(first);
    snapshot_unref(second);
}

#define GROUP "<sync-group><name>g</name><member>b</member><member>c</member></sync-group>"
#define HIGHER "<priority>101</priority>"

static void what_changes_is_tried_with_what_it_depends_on(void **state)
{
    char names[64];
    sliced(VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "")),
           VRRP(INSTANCE("a", "51", HIGHER) INSTANCE("b", "52", "")), names);
    assert_string_equal(names, "a ");
    sliced(VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "") INSTANCE("c", "53", "") GROUP),
           VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", HIGHER) INSTANCE("c", "53", "") GROUP),
           names);
    assert_string_equal(names, "b c ");
    sliced(
        VRRP(INSTANCE("a", "51", "") INSTANCE("b", "52", "<virtual-mac/>") INSTANCE("c", "53", "")),
        VRRP(INSTANCE("a", "51", "<virtual-mac/>") INSTANCE("b", "52", "<virtual-mac/>")
                 INSTANCE("c", "53", "")),
        names);
    assert_string_equal(names, "a b ");
    sliced(VRRP(INSTANCE("a", "51", "")), VRRP("<strict>true</strict>" INSTANCE("a", "51", HIGHER)),
           names);
    assert_string_equal(names, "all");
}

static void an_old_keepalived_is_complained_of(void **state)
{
    char *text = vrrp_version_complaint("Keepalived v1.3.9 (10/21,2017)\n");
    assert_has(text, "version 1.3.9 is installed, and 2.2 or newer is needed");
    free(text);
    text = vrrp_version_complaint("Keepalived v2.1.5 (07/13,2020)\n");
    assert_non_null(text);
    free(text);
    text = vrrp_version_complaint("sh: not found\n");
    assert_has(text, "does not say its version");
    free(text);
    assert_null(vrrp_version_complaint("Keepalived v2.2.7 (01/16,2022)\n\nCopyright(C)"));
    assert_null(vrrp_version_complaint("Keepalived v3.0.0 (01/16,2032)"));
}

static void every_option_finds_its_keyword(void **state)
{
    struct error error = {0};
    char *text = generated(
        VRRP("<startup-delay>3</startup-delay><strict>true</strict>"
             "<process><name>p</name><command>haproxy</command></process>" INSTANCE(
                 "web", "51",
                 "<preempt><enabled>false</enabled></preempt><accept-mode>false</accept-mode>"
                 "<down-timer-advertisements>5</down-timer-advertisements>"
                 "<source-address>10.0.0.9</source-address>"
                 "<unicast-peer><address>10.0.0.8</address><min-ttl>255</min-ttl></unicast-peer>"
                 "<virtual-mac><interface>vmac0</interface><transmit-base>true</transmit-base>"
                 "</virtual-mac>"
                 "<virtual-route><destination>10.1.0.0/16</destination><gateway>10.0.0.7</gateway>"
                 "</virtual-route>"
                 "<virtual-rule><preference>9</preference><from>10.2.0.0/16</from><table>7</table>"
                 "</virtual-rule>"
                 "<track-interface-of-instance>false</track-interface-of-instance>"
                 "<track-interface><interface>eth1</interface><weight>-10</weight>"
                 "<reverse>true</reverse></track-interface>"
                 "<track-process><process>p</process><weight>-5</weight></track-process>"
                 "<notify-any>/bin/tell me</notify-any>")),
        DONE, &error);
    static const char *const parts[] = {
        "vrrp_startup_delay 3",
        "vrrp_strict",
        "nopreempt",
        "no_accept",
        "down_timer_adverts 5",
        "unicast_src_ip 10.0.0.9",
        "10.0.0.8 min_ttl 255",
        "use_vmac vmac0",
        "vmac_xmit_base",
        "10.1.0.0/16 via 10.0.0.7",
        "from 10.2.0.0/16 table 7 preference 9",
        "dont_track_primary",
        "eth1 weight -10 reverse",
        "\"p\" weight -5",
        "notify \"/bin/tell me\"",
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        assert_has(text, parts[i]);
    free(text);
}

static void lines_are_understood_or_not(void **state)
{
    struct vrrp_notice notice;
    assert_true(vrrp_notice_read("INSTANCE \"web\" MASTER 150", &notice));
    assert_false(notice.group);
    assert_string_equal(notice.name, "web");
    assert_int_equal(notice.state, VRRP_MASTER);
    assert_int_equal(notice.priority, 150);
    assert_false(notice.other_master);
    assert_true(vrrp_notice_read("INSTANCE \"web\" MASTER_RX_LOWER_PRI 150", &notice));
    assert_true(notice.other_master && notice.state == VRRP_MASTER);
    assert_true(vrrp_notice_read("GROUP \"g\" FAULT 0", &notice));
    assert_true(notice.group && notice.state == VRRP_FAULT);
    assert_true(vrrp_notice_read("INSTANCE \"web\" DELETED 100", &notice) && notice.gone);
    assert_true(vrrp_notice_read("INSTANCE \"web\" BACKUP", &notice) && notice.priority == -1);
    static const char *const nonsense[] = {"",
                                           "INSTANCE",
                                           "INSTANCE \"web\"",
                                           "VS \"web\" MASTER 1",
                                           "INSTANCE web MASTER 1",
                                           "INSTANCE \"web\" QUEEN 1"};
    for (size_t i = 0; i < sizeof(nonsense) / sizeof(*nonsense); i++)
        assert_false(vrrp_notice_read(nonsense[i], &notice));
}

static void count(const char *line, void *arg)
{
    char *seen = arg;
    strcat(strcat(seen, line), "|");
}

static void lines_may_come_in_pieces_and_too_long(void **state)
{
    struct vrrp_lines lines = {0};
    char seen[64] = "", data[1024];
    vrrp_lines_take(&lines, "ab", 2, count, seen);
    vrrp_lines_take(&lines, "c\nd\n", 4, count, seen);
    memset(data, 'x', sizeof(data));
    vrrp_lines_take(&lines, data, sizeof(data), count, seen);
    vrrp_lines_take(&lines, "\ne\n", 3, count, seen);
    assert_string_equal(seen, "abc|d|e|");
}

static void note(const struct vrrp_dumped *dumped, void *arg)
{
    struct vrrp_dumped *last = arg;
    *last = *dumped;
    last->name = NULL;
}

static void an_account_is_read_when_it_is_whole(void **state)
{
    static const char text[] =
        "[{\"data\":{\"iname\":\"a\",\"effective_priority\":80,\"state\":2},"
        "\"stats\":{\"advert_sent\":15,\"become_master\":1,\"auth_failure\":2}}]";
    struct vrrp_dumped last = {0};
    for (size_t length = 0; length < sizeof(text) - 1; length++)
        assert_false(vrrp_dump_read(text, length, note, &last));
    assert_true(vrrp_dump_read(text, sizeof(text) - 1, note, &last));
    assert_int_equal(last.state, VRRP_MASTER);
    assert_int_equal(last.priority, 80);
    assert_int_equal(last.counters.advertisements_sent, 15);
    assert_int_equal(last.counters.authentication_failures, 2);
}

static void what_was_counted_says_why_it_is_master(void **state)
{
    struct vrrp_counters before = {.advertisements_received = 5, .priority_zero_received = 1};
    struct vrrp_dumped now = {.priority = 100, .master_priority = 50, .counters = before};
    assert_int_equal(vrrp_reason_of(&now, &before), VRRP_NO_RESPONSE);
    now.counters.advertisements_received++;
    assert_int_equal(vrrp_reason_of(&now, &before), VRRP_PREEMPTED);
    now.master_priority = 150;
    assert_int_equal(vrrp_reason_of(&now, &before), VRRP_NO_RESPONSE);
    now.counters.priority_zero_received++;
    assert_int_equal(vrrp_reason_of(&now, &before), VRRP_PRIORITY);
    now.counters = (struct vrrp_counters){0};
    assert_int_equal(vrrp_reason_of(&now, NULL), VRRP_NO_RESPONSE);
}

static void record(enum vrrp_kind kind, const char *name, const char *field, const char *value,
                   void *arg)
{
    char *seen = arg;
    sprintf(seen + strlen(seen), "%d %s: %s=%s|", kind, name, field, value);
}

static void a_record_is_taken_by_what_it_is_of(void **state)
{
    static const char text[] = "------< VRRP Topology >------\n VRRP Instance = a\n"
                               "   Master router = 10.0.0.2\n   Virtual IP (1):\n"
                               "     10.0.0.9 dev e0 scope global\n"
                               "------< VRRP Scripts >------\n VRRP Script = s\n   Status = GOOD\n"
                               " VRRP Track BFD = b\n   Bfd is down\n"
                               " Name = lo\n   index = 1\n   cut";
    char seen[512] = "";
    vrrp_record_read(text, sizeof(text) - 1, record, seen);
    assert_string_equal(seen, "1 a: Master router=10.0.0.2|1 a: Virtual IP (1):=|"
                              "2 s: Status=GOOD|5 b: Bfd is down=|");
}

/* The result of a script is one of three, whatever is recorded of it. */
static void what_is_recorded_is_of_its_kind(void **state)
{
    static const char text[] = " VRRP Script = s\n   Current processes = 99\n   Status = BAD\n"
                               " VRRP Script = t\n   Current processes = 99\n"
                               " VRRP Track process = p\n   Current processes = 2\n";
    struct vrrp_states states = {0};
    assert_int_equal(uv_mutex_init(&states.lock), 0);
    vrrp_states_take_record(&states, text, sizeof(text) - 1);
    assert_int_equal(states.object_count, 3);
    assert_int_equal(states.objects[0].number, 2);
    assert_int_equal(states.objects[1].number, 1);
    assert_int_equal(states.objects[2].number, 2);
    uv_mutex_destroy(&states.lock);
    free(states.objects);
}

/* How often names are compared while each of many items is looked for. */
static size_t compared;

int strcmp(const char *a, const char *b)
{
    compared++;
    for (; *a && *a == *b; a++)
        b++;
    return (unsigned char)*a - (unsigned char)*b;
}

static void an_item_is_found_among_many(void **state)
{
    struct vrrp_states states = {0};
    char name[16];
    for (int i = 0; i < 1000; i++) { /* in no order */
        snprintf(name, sizeof(name), "i%d", i * 7919 % 1000);
        assert_non_null(vrrp_states_find(&states, i % 2, name, true));
    }
    compared = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "i%d", i * 7919 % 1000);
        struct vrrp_item *item = vrrp_states_find(&states, i % 2, name, false);
        assert_string_equal(item->name, name);
        assert_int_equal(item->group, i % 2);
        assert_null(vrrp_states_find(&states, !(i % 2), name, false));
    }
    assert_in_range(compared, 1, 2 * 1000 * 15);
    assert_int_equal(states.count, 1000);
    free(states.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_instance_is_written_with_its_defaults),
        cmocka_unit_test(who_begins_as_master_has_its_priority),
        cmocka_unit_test(what_is_remembered_changes_no_text),
        cmocka_unit_test(what_is_not_enabled_is_left_out),
        cmocka_unit_test(members_of_a_group_have_no_order_of_their_own),
        cmocka_unit_test(an_instance_in_two_groups_is_refused),
        cmocka_unit_test(an_address_has_one_owner),
        cmocka_unit_test(the_agents_health_is_a_file_and_a_script),
        cmocka_unit_test(with_a_virtual_mac_addresses_go_to_its_interface),
        cmocka_unit_test(with_an_ipvlan_addresses_are_told_to_go_there),
        cmocka_unit_test(what_changes_is_tried_with_what_it_depends_on),
        cmocka_unit_test(an_old_keepalived_is_complained_of),
        cmocka_unit_test(every_option_finds_its_keyword),
        cmocka_unit_test(lines_are_understood_or_not),
        cmocka_unit_test(lines_may_come_in_pieces_and_too_long),
        cmocka_unit_test(an_account_is_read_when_it_is_whole),
        cmocka_unit_test(a_record_is_taken_by_what_it_is_of),
        cmocka_unit_test(what_is_recorded_is_of_its_kind),
        cmocka_unit_test(an_item_is_found_among_many),
        cmocka_unit_test(what_was_counted_says_why_it_is_master),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
