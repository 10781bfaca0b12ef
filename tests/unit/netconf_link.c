/*
 * Links: what a session says reaches the transport whole and in its order, wherever the threads of
 * the two are interrupted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/netconf/link.h"

#include <cmocka.h>

#define HELLO "<hello>urn:ietf:params:netconf:base:1.0</hello>"
#define END "]]>]]>"
#define ASKED HELLO END "<rpc message-id=\"1\"/>" END
#define REPLY "<rpc-reply/>"

static struct link *between;
static void (*meanwhile)(void); /* what the session does when the transport has read all there is */

/* In place of the C library's: after it, the transport's thread is interrupted once. */
ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    ssize_t count = recvfrom(fd, buffer, size, flags, NULL, NULL);
    void (*session)(void) = meanwhile;
    if (count < 0 && session) {
        meanwhile = NULL;
        session();
    }
    return count;
}

static void say(const char *text)
{
    assert_int_equal(write(between->far, text, strlen(text)), strlen(text));
}

static void end_hello(void)
{
    char hello[64];
    say(END);
    assert_true(read(between->far, hello, sizeof(hello)) > 0);
    link_greeted(between, false);
}

static void reply(void)
{
    struct text text = {0};
    link_heard(between);
    assert_true(link_waits(between));
    text_add_string(&text, REPLY);
    link_reply(between, &text);
    text_free(&text);
}

static atomic_uint too_long;

static void begin(void)
{
    between = link_new(10000, &too_long);
    assert_non_null(between);
}

static void end(void)
{
    link_unref(between);
    link_unref(between);
}

/* A link whose hello messages were exchanged and sent. */
static void begin_greeted(void)
{
    size_t length;
    begin();
    say(HELLO);
    link_input(between, HELLO END, strlen(HELLO END));
    end_hello();
    assert_true(link_output(between));
    link_unsent(between, &length);
    link_sent(between, length);
}

static void check_order(void (*interruption)(void))
{
    begin();
    link_input(between, ASKED, strlen(ASKED));
    say(HELLO);
    meanwhile = interruption;
    assert_true(link_output(between));
    if (!interruption)
        end_hello();
    assert_true(link_output(between));
    assert_string_equal(between->out.data, HELLO END);
    reply();
    assert_true(link_output(between));
    assert_string_equal(between->out.data, HELLO END REPLY END);
    link_cut(between);
    assert_false(link_output(between));
    end();
}

static void a_reply_follows_the_hello(void **state)
{
    check_order(NULL);
}

static void a_hello_that_ends_while_it_is_collected_is_whole(void **state)
{
    check_order(end_hello);
}

#define CHUNKED "\n#3\n<he\n#44\nllo>urn:ietf:params:netconf:base:1.0</hello>\n##\n"

/* The hello that has come to the session's end; none if it has not. */
static const char *hello_that_came(void)
{
    static char hello[64];
    ssize_t count = recvfrom(between->far, hello, sizeof(hello) - 1, MSG_DONTWAIT, NULL, NULL);
    hello[count > 0 ? count : 0] = '\0';
    return hello;
}

/* As ncclient 0.6.13 sends it now and then, wherever it is cut. */
static void a_hello_in_chunks_is_taken(void **state)
{
    for (size_t first = 0; first <= strlen(CHUNKED); first++) {
        begin();
        link_input(between, CHUNKED, first);
        assert_string_equal(hello_that_came(), first < strlen(CHUNKED) ? "" : HELLO END);
        link_input(between, &CHUNKED[first], strlen(CHUNKED) - first);
        if (first < strlen(CHUNKED))
            assert_string_equal(hello_that_came(), HELLO END);
        link_greeted(between, true);
        assert_true(link_output(between));
        link_input(between, "\n#4\n<a/>\n##\n", 13);
        assert_true(link_waits(between));
        end();
    }
}

static void a_newline_before_a_hello_is_nothing(void **state)
{
    begin();
    link_input(between, "\n", 1);
    link_input(between, HELLO END, strlen(HELLO END));
    assert_string_equal(hello_that_came(), "\n" HELLO END);
    end();
}

#define REQUEST "<rpc message-id=\"1\"/>" END

/* All that a client sends ahead is answered; but no more is taken of it than is good. */
static void requests_that_are_sent_ahead_wait_with_the_client(void **state)
{
    size_t taken = 0, answered = 0, length;
    begin_greeted();
    for (; link_wants_input(between); taken++)
        link_input(between, REQUEST, strlen(REQUEST));
    assert_true(taken * strlen(REQUEST) > 1000000 && taken * strlen(REQUEST) < 2000000);
    for (; link_waits(between); answered++) {
        reply();
        assert_true(link_output(between));
        const char *bytes = link_unsent(between, &length);
        assert_int_equal(length, strlen(REPLY END));
        assert_memory_equal(bytes, REPLY END, length);
        link_sent(between, length);
        assert_true(link_wants_input(between));
    }
    assert_int_equal(answered, taken);
    assert_int_equal(too_long, 0);
    assert_null(between->out.data); /* an idle session keeps no memory for its replies */
    end();
}

static void what_was_sent_is_not_sent_again(void **state)
{
    size_t length;
    begin_greeted();
    link_input(between, REQUEST, strlen(REQUEST));
    reply();
    assert_true(link_output(between));
    for (size_t i = 0; i < strlen(REPLY END); i++) {
        const char *bytes = link_unsent(between, &length);
        assert_int_equal(length, strlen(REPLY END) - i);
        assert_int_equal(*bytes, (REPLY END)[i]);
        link_sent(between, 1);
    }
    link_unsent(between, &length);
    assert_int_equal(length, 0);
    end();
}

static void a_cut_link_sends_what_was_said_and_a_dropped_one_does_not(void **state)
{
    size_t length;
    for (int dropped = 0; dropped < 2; dropped++) {
        begin_greeted();
        link_input(between, REQUEST, strlen(REQUEST));
        reply();
        (dropped ? link_drop : link_cut)(between);
        assert_false(link_output(between));
        link_unsent(between, &length);
        assert_int_equal(length, dropped ? 0 : strlen(REPLY END));
        link_input(between, REQUEST, strlen(REQUEST));
        assert_false(link_waits(between)); /* nobody would serve it */
        end();
    }
}

/* Memory has run out in the middle of it: half a message would be taken for a whole one. */
static void no_part_of_a_reply_is_sent(void **state)
{
    struct text text = {0};
    size_t length;
    begin_greeted();
    link_input(between, REQUEST, strlen(REQUEST));
    text_add_string(&text, "<rpc-rep");
    text.failed = true;
    link_reply(between, &text);
    text_free(&text);
    assert_false(link_output(between));
    link_unsent(between, &length);
    assert_int_equal(length, 0);
    end();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_follows_the_hello),
        cmocka_unit_test(a_hello_that_ends_while_it_is_collected_is_whole),
        cmocka_unit_test(a_hello_in_chunks_is_taken),
        cmocka_unit_test(a_newline_before_a_hello_is_nothing),
        cmocka_unit_test(requests_that_are_sent_ahead_wait_with_the_client),
        cmocka_unit_test(what_was_sent_is_not_sent_again),
        cmocka_unit_test(a_cut_link_sends_what_was_said_and_a_dropped_one_does_not),
        cmocka_unit_test(no_part_of_a_reply_is_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
