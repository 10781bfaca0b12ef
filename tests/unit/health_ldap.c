/*
 * Answers of LDAP servers to StartTLS.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/ldap_answer.h"

#include <cmocka.h>

/* @return As ldap_answer_read(), of a copy whose end a sanitizer sees. */
static enum ldap_answer read_copy(const char *answer, size_t size, struct ldap_result *result)
{
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, answer, size);
    enum ldap_answer kind = ldap_answer_read(copy, size, result);
    free(copy);
    return kind;
}

#define CASE(text, ...)                                                                            \
    {                                                                                              \
        text, sizeof(text) - 1, __VA_ARGS__                                                        \
    }

/* The operation's name as [10]. */
#define NAME "\x8a\x16" LDAP_STARTTLS_NAME

/* Success to the message 1. */
#define SUCCESS "\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"

static void answers_are_read(void **state)
{
    static const struct {
        const char *answer;
        size_t size;
        unsigned code;
        const char *text;
    } cases[] = {
        CASE(SUCCESS, 0, ""),
        CASE("\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00" NAME, 0, ""),
        /* lengths that are longer than they need be, as some servers have them */
        CASE("\x30\x84\x00\x00\x00\x10\x02\x01\x01\x78\x84\x00\x00\x00\x07\x0a\x01\x00\x04\x00\x04"
             "\x00",
             0, ""),
        CASE("\x30\x0f\x02\x01\x01\x78\x0a\x0a\x01\x02\x04\x00\x04\x03"
             "bad",
             2, "bad"),
        CASE("\x30\x0d\x02\x01\x01\x78\x08\x0a\x02\x10\x00\x04\x00\x04\x00", 4096, ""),
        /* with a referral, controls and what later versions may have */
        CASE("\x30\x1a\x02\x01\x01\x78\x11\x0a\x01\x0a\x04\x00\x04\x00\xa3\x06\x04\x04ldap\x8c\x00"
             "\xa0\x02\x30\x00",
             10, ""),
        /* it goes away */
        CASE("\x30\x25\x02\x01\x00\x78\x20\x0a\x01\x34\x04\x00\x04\x01x\x8a\x16"
             "1.3.6.1.4.1.1466.20036",
             52, "x"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ldap_result result;
        assert_int_equal(read_copy(cases[i].answer, cases[i].size, &result), LDAP_WHOLE);
        assert_int_equal(result.code, cases[i].code);
        assert_string_equal(result.text, cases[i].text);
        for (size_t size = 0; size < cases[i].size; size++)
            assert_int_equal(read_copy(cases[i].answer, size, &result), LDAP_MORE);
    }
}

static void what_is_no_answer_is_refused(void **state)
{
    static const struct {
        const char *answer;
        size_t size;
    } cases[] = {
        CASE("HTTP/1.1 400 Bad Request\r\n"),
        CASE("\x31"),
        CASE(SUCCESS "\x30"), /* what follows was not secured */
        CASE("\x30\x80"),     /* of no length that is said */
        CASE("\x30\x85\x00\x00\x00\x00\x10"),
        CASE("\x30\x82\x10\x00"), /* longer than is looked at */
        CASE("\x30\x84\xff\xff\xff\xff"),
        CASE("\x30\x00"),
        CASE("\x30\x0c\x02\x01\x02\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), /* another message's */
        CASE("\x30\x0c\x02\x01\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), /* a notice of success */
        CASE("\x30\x0c\x02\x01\x81\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), /* negative numbers */
        CASE("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x80\x04\x00\x04\x00"),
        CASE(
            "\x30\x0d\x02\x02\x00\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00"), /* an octet too many */
        CASE("\x30\x0b\x02\x00\x78\x07\x0a\x01\x00\x04\x00\x04\x00"),        /* none */
        CASE("\x30\x11\x02\x01\x01\x78\x0c\x0a\x05\x00\x00\x00\x00\x00\x04\x00\x04\x00"
             "\x00"),
        CASE("\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\x00\x04\x00\x04\x00"), /* of a bind */
        CASE("\x30\x0c\x02\x01\x01\x78\x07\x02\x01\x00\x04\x00\x04\x00"), /* no result code */
        CASE("\x30\x0a\x02\x01\x01\x78\x05\x0a\x01\x00\x04\x00"),         /* no text */
        CASE("\x30\x0c\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x7f"), /* past its end */
        CASE("\x30\x0c\x02\x01\x01\x78\x7f\x0a\x01\x00\x04\x00\x04\x00"),
        CASE("\x30\x0d\x02\x01\x01\x78\x07\x0a\x01\x00\x04\x00\x04\x00\xa0"),
        CASE("\x30\x0e\x02\x01\x01\x78\x09\x0a\x01\x00\x04\x00\x04\x00\x1f\x00"),
        /* of another operation */
        CASE("\x30\x24\x02\x01\x01\x78\x1f\x0a\x01\x00\x04\x00\x04\x00\x8a\x16"
             "1.3.6.1.4.1.1466.20036"),
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct ldap_result result;
        if (read_copy(cases[i].answer, cases[i].size, &result) != LDAP_WRONG)
            fail_msg("case %zu is not refused", i);
    }
}

static void long_texts_are_cut(void **state)
{
    char answer[300] =
        "\x30\x82\x01\x08\x02\x01\x01\x78\x82\x01\x01\x0a\x01\x01\x04\x00\x04\x81\xf9";
    struct ldap_result result;
    memset(answer + 19, 'x', 249);
    assert_int_equal(read_copy(answer, 268, &result), LDAP_WHOLE);
    assert_int_equal(strlen(result.text), sizeof(result.text) - 1);
}

static void the_request_is_well_formed(void **state)
{
    static const char request[] = LDAP_STARTTLS;
    assert_int_equal(sizeof(request) - 1, 2 + request[1]);
    assert_int_equal(request[6], 2 + request[8]);
    assert_int_equal(request[8], strlen(LDAP_STARTTLS_NAME));
    assert_string_equal(ldap_result_name(52), "unavailable");
    assert_null(ldap_result_name(4096));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(the_request_is_well_formed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
