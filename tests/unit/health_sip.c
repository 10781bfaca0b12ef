/*
 * Messages of SIP.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include "backends/health/sip_message.h"

#include <cmocka.h>

#define CALL 0x0123456789abcdefULL

static void a_request_says_who_asks(void **state)
{
    char text[SIP_REQUEST_SIZE];
    struct sip_request request = {.uri = "sip:ping@example.org",
                                  .host = "[2001:db8::1]",
                                  .port = 5070,
                                  .tcp = true,
                                  .call = CALL,
                                  .tag = 1};
    size_t size = sip_make_request(&request, text);
    assert_int_equal(size, strlen(text));
    assert_ptr_equal(strstr(text, "OPTIONS sip:ping@example.org SIP/2.0\r\n"), text);
    assert_non_null(strstr(text, "\r\nVia: SIP/2.0/TCP [2001:db8::1]:5070;branch=z9hG4bK"));
    assert_non_null(strstr(text, "\r\nCall-ID: 0123456789abcdef\r\n"));
    assert_string_equal(text + size - 4, "\r\n\r\n");
    char uri[3000];
    memset(uri, 'x', sizeof(uri) - 1);
    uri[sizeof(uri) - 1] = '\0';
    request.uri = uri;
    assert_int_equal(sip_make_request(&request, text), 0);
}

static void answers_are_read(void **state)
{
    static const struct {
        const char *text;
        enum sip_kind kind;
        unsigned status;
        bool ours;
        size_t left; /* behind it */
    } cases[] = {
        {"SIP/2.0 200 OK\r\nCall-ID: 0123456789abcdef\r\nContent-Length: 0\r\n\r\n", SIP_WHOLE, 200,
         true, 0},
        {"sip/2.0 404 Not here\ni : 0123456789ABCDEF\n\n", SIP_WHOLE, 404, false, 0},
        {"SIP/2.0 404 Not here\ni : 0123456789abcdef\n\n", SIP_WHOLE, 404, true, 0},
        {"SIP/2.0 100 Trying\r\nl: 3\r\ncall-id:\t0123456789abcdef\r\n\r\nabcSIP", SIP_WHOLE, 100,
         true, 3},
        {"SIP/2.0 100 Trying\r\nContent-Length: 5\r\n\r\nabc", SIP_MORE, 100, false, 0},
        {"SIP/2.0 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", SIP_MORE, 200, false, 0},
        {"SIP/2.0 200 OK\r\n", SIP_MORE, 200, false, 0},
        {"SIP/2", SIP_MORE, 0, false, 0},
        {"SIP/2.0 099 x\r\n\r\n", SIP_WRONG},
        {"SIP/2.0 700 x\r\n\r\n", SIP_WRONG},
        {"SIP/2.0 2x0 x\r\n\r\n", SIP_WRONG},
        {"HTTP/1.1 400 Bad\r\n\r\n", SIP_WRONG},
        {"\r\n", SIP_WRONG},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct sip_answer answer;
        size_t size = strlen(cases[i].text);
        enum sip_kind kind = sip_read_answer(cases[i].text, size, CALL, &answer);
        assert_int_equal(kind, cases[i].kind);
        if (kind == SIP_WRONG)
            continue;
        assert_int_equal(answer.status, cases[i].status);
        assert_int_equal(answer.ours, cases[i].ours);
        if (kind == SIP_WHOLE)
            assert_int_equal(size - answer.size, cases[i].left);
    }
    struct sip_answer answer;
    assert_int_equal(sip_read_answer("SIP/2.0 200 \0\r\n\r\n", 17, CALL, &answer), SIP_WRONG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_says_who_asks),
        cmocka_unit_test(answers_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
