/*
 * What e-mail says of events.
 */
#include "given.h"

#include "agent/mail/message.h"

#include <cmocka.h>

static struct lyd_node *given_event(const char *xml)
{
    struct lyd_node *tree = NULL, *event = NULL;
    struct ly_in *in = NULL;
    assert_int_equal(ly_in_new_memory(xml, &in), LY_SUCCESS);
    assert_int_equal(
        lyd_parse_op(schema->ctx, NULL, in, LYD_XML, LYD_TYPE_NOTIF_YANG, &tree, &event),
        LY_SUCCESS);
    ly_in_free(in, 0);
    assert_ptr_equal(tree, event);
    return event;
}

#define HEALTH " xmlns=\"urn:noria:yang:noria-health\">"

static struct lyd_node *given_down(const char *server, const char *address)
{
    char xml[1000];
    snprintf(xml, sizeof(xml),
             "<real-server-state-change" HEALTH "<virtual-server>%s</virtual-server>"
             "<address>%s</address><port>80</port><state>down</state><check>page</check>"
             "<error>connect: Connection refused</error></real-server-state-change>",
             server, address);
    return given_event(xml);
}

static void events_are_told_in_words(void **state)
{
    static const struct {
        const char *xml, *words;
        unsigned kind;
    } cases[] = {
        {"<real-server-state-change" HEALTH "<virtual-server>web</virtual-server>"
         "<address>2001:db8::1</address><port>80</port><state>up</state><check>page</check>"
         "</real-server-state-change>",
         "real server [2001:db8::1]:80 of web is up (check page)", MAIL_REAL_SERVER},
        {"<quorum-change" HEALTH "<virtual-server>web</virtual-server><state>lost</state>"
         "<weight-up>1</weight-up><quorum>2</quorum></quorum-change>",
         "the quorum of web is lost: real servers of weight 1 serve, the quorum is 2", MAIL_QUORUM},
        {"<vrrp-state-change xmlns=\"urn:noria:yang:noria-vrrp\"><instance>VI_1</instance>"
         "<state>master</state><former-state>backup</former-state></vrrp-state-change>",
         "VRRP instance VI_1 is master, it was backup", MAIL_VRRP},
        {"<self-test xmlns=\"urn:noria:yang:noria-agent\"><message>a\nBcc: b</message></self-test>",
         "self-test: message a Bcc: b", MAIL_SELF_TEST},
        {"<events-lost xmlns=\"urn:noria:yang:noria-agent\"><count>1</count></events-lost>",
         "events-lost: count 1", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct lyd_node *event = given_event(cases[i].xml);
        char *words = mail_words(event, NULL);
        assert_string_equal(words, cases[i].words);
        assert_int_equal(mail_kind_of(event), cases[i].kind);
        free(words);
        lyd_free_all(event);
    }
}

static void what_is_written_about_a_virtual_server_is_said(void **state)
{
    struct lyd_node *event = given_down("web", "10.0.0.1");
    char *words = mail_words(event, "the shop\nBcc: b");
    assert_string_equal(words, "real server 10.0.0.1:80 of web (the shop Bcc: b) is down (check "
                               "page: connect: Connection refused)");
    free(words);
    lyd_free_all(event);
}

static void recipients_hear_what_they_want(void **state)
{
    char *none[] = {NULL}, *web[] = {(char *)"other", (char *)"web", NULL};
    struct lyd_node *event = given_down("web", "10.0.0.1"), *other = given_down("mail", "10.0.0.1");
    struct mail_recipient recipient = {.kinds = MAIL_DEFAULT, .servers = none};
    assert_true(mail_wants(&recipient, event));
    recipient.servers = web;
    assert_true(mail_wants(&recipient, event));
    assert_false(mail_wants(&recipient, other));
    recipient.kinds = MAIL_QUORUM;
    assert_false(mail_wants(&recipient, event));
    lyd_free_all(event);
    lyd_free_all(other);
}

static char *message_of(const struct mail_digest *digest)
{
    char *addresses[] = {(char *)"ops@example.org", (char *)"root", NULL};
    struct mail_settings settings = {.from = (char *)"noria@lb1", .node = (char *)"lb1"};
    struct mail_recipient recipient = {.addresses = addresses};
    return mail_message(&settings, &recipient, digest, INT64_C(1700000000) * 1000000000);
}

static void one_event_is_in_the_subject(void **state)
{
    struct mail_digest digest = {0};
    struct lyd_node *event = given_down("web", "10.0.0.1");
    mail_digest_add(&digest, event, NULL, INT64_C(1700000000) * 1000000000);
    char *message = message_of(&digest);
    assert_non_null(strstr(message, "Subject: [lb1] real server 10.0.0.1:80 of web is down "
                                    "(check page: connect: Connection refused)\r\n"));
    assert_non_null(strstr(message, "From: noria@lb1\r\nTo: ops@example.org,\r\n root\r\n"));
    assert_non_null(strstr(message, "Date: Tue, 14 Nov 2023 22:13:20 +0000\r\n"));
    assert_non_null(strstr(message, "\r\n\r\nWhat happened on lb1:\r\n\r\n2023-11-14T22:13:20"));
    free(message);
    mail_digest_clear(&digest);
    lyd_free_all(event);
}

/* Ten thousand changes are one message of bounded size. */
static void many_events_are_one_message(void **state)
{
    struct mail_digest digest = {0};
    struct lyd_node *event = given_down("web", "10.0.0.1");
    for (unsigned i = 0; i < 10000; i++)
        mail_digest_add(&digest, event, NULL, INT64_C(1700000000) * 1000000000);
    digest.lost = 7;
    char *message = message_of(&digest);
    assert_non_null(strstr(message, "Subject: [lb1] 10000 events: 10000 down, 0 up\r\n"));
    assert_non_null(strstr(message, "... and 9500 more.\r\n7 events were too many"));
    assert_true(strlen(message) < 100000);
    free(message);
    mail_digest_clear(&digest);
    lyd_free_all(event);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_are_told_in_words),
        cmocka_unit_test(what_is_written_about_a_virtual_server_is_said),
        cmocka_unit_test(recipients_hear_what_they_want),
        cmocka_unit_test(one_event_is_in_the_subject),
        cmocka_unit_test(many_events_are_one_message),
    };
    return cmocka_run_group_tests(tests, given_schema, forget_schema);
}
