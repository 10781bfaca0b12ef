/*
 * Links: what a session says reaches the transport whole and in its order, wherever the threads of
 * the two are interrupted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/netconf/link.h"

#include <cmocka.h>

#define HELLO "<hello/>"
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

static void check_order(void (*interruption)(void))
{
    atomic_uint too_long = 0;
    between = link_new(10000, &too_long);
    assert_non_null(between);
    assert_true(link_input(between, ASKED, strlen(ASKED)));
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
    link_unref(between);
    link_unref(between);
}

static void a_reply_follows_the_hello(void **state)
{
    check_order(NULL);
}

static void a_hello_that_ends_while_it_is_collected_is_whole(void **state)
{
    check_order(end_hello);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_reply_follows_the_hello),
        cmocka_unit_test(a_hello_that_ends_while_it_is_collected_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
