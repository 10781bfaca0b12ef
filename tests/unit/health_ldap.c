/*
 * Messages of LDAP: those of servers, and ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/ldap_message.h"
#include "backends/health/ldap_request.h"

#include <cmocka.h>

/* Read a response to StartTLS, from a copy whose end a sanitizer sees. */
static enum ldap_progress read_copy(const char *answer, size_t size, struct ldap_result *result)
{
    struct ldap_message message;
    unsigned char *copy = malloc(size ? size : 1);
    memcpy(copy, answer, size);
    enum ldap_progress progress = ldap_message_read(copy, size, &message);
    if (progress == LDAP_WHOLE) {
        assert_int_equal(message.size, size);
        if (!ldap_starttls_read(&message, result))
            progress = LDAP_WRONG;
    }
    free(copy);
    return progress;
}

#define CASE(text, ...)                                                                            \
    {                                                                                              \
        text, sizeof(text) - 1, __VA_ARGS__                                                        \
    }

/* The operation's name as [10]. */
#define NAME "\x8a\x16" LDAP_STARTTLS

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
        CASE("\x30\x80"), /* of no length that is said */
        CASE("\x30\x85\x00\x00\x00\x00\x10"),
        CASE("\x30\x84\x00\x20\x00\x00"), /* longer than is looked at */
        CASE("\x30\x84\xff\xff\xff\xff"),
        CASE("\x30\x00"),
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

static void entries_are_printed(void **state)
{
    static const char entry[] = "\x30\x28\x02\x01\x03\x64\x23\x04\x04"
                                "dc=x\x30\x1b\x30\x0d\x04\x01"
                                "a\x31\x08\x04\x01"
                                "1\x04\x03two\x30\x05\x04\x01"
                                "b\x31\x00\x30\x03\x04\x01"
                                "c";
    static const char expected[] = "DN: dc=x\n\ta: 1\n\ta: two\n\n";
    char whole[] = "\x30\x23\x02\x01\x03\x64\x1e\x04\x04"
                   "dc=x\x30\x16\x30\x0d\x04\x01"
                   "a\x31\x08\x04\x01"
                   "1\x04\x03two\x30\x05\x04\x01"
                   "b\x31\x00";
    struct ldap_message message;
    char text[64] = "";
    size_t printed;
    assert_int_equal(ldap_message_read((const unsigned char *)whole, sizeof(whole) - 1, &message),
                     LDAP_WHOLE);
    assert_int_equal(message.number, 3);
    assert_int_equal(message.operation, LDAP_ENTRY);
    assert_true(ldap_entry_print(&message, text, sizeof(text), &printed));
    assert_int_equal(printed, strlen(expected));
    assert_memory_equal(text, expected, printed);
    for (size_t room = 0; room < printed; room++) {
        size_t size;
        memset(text, '#', sizeof(text));
        assert_true(ldap_entry_print(&message, room ? text : NULL, room, &size));
        assert_int_equal(size, printed);
        assert_memory_equal(text, expected, room);
        assert_int_equal(text[room], '#');
    }
    /* the last attribute has no values' set */
    assert_int_equal(ldap_message_read((const unsigned char *)entry, sizeof(entry) - 1, &message),
                     LDAP_WHOLE);
    assert_false(ldap_entry_print(&message, text, sizeof(text), &printed));
}

static void requests_are_made(void **state)
{
    static const char starttls[] = "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" LDAP_STARTTLS;
    static const char nobody[] = "\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\x00\x80\x00";
    static const char root[] = "\x30\x25\x02\x01\x03\x63\x20\x04\x00\x0a\x01\x00\x0a\x01\x00\x02"
                               "\x01\x00\x02\x01\x00\x01\x01\x00\x87\x0bobjectClass\x30\x00";
    struct ldap_request request;
    assert_true(ldap_request_starttls(&request, 1));
    assert_int_equal(request.size, sizeof(starttls) - 1);
    assert_memory_equal(request.data, starttls, request.size);
    assert_true(ldap_request_bind(&request, 2, "", ""));
    assert_int_equal(request.size, sizeof(nobody) - 1);
    assert_memory_equal(request.data, nobody, request.size);
    assert_true(ldap_request_search(&request, 3, "", LDAP_BASE, "(objectClass=*)"));
    assert_int_equal(request.size, sizeof(root) - 1);
    assert_memory_equal(request.data, root, request.size);
    char name[LDAP_REQUEST_MAX + 1];
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    assert_false(ldap_request_bind(&request, 2, name, ""));
    name[200] = '\0';
    assert_true(ldap_request_bind(&request, 2, name, ""));
    assert_memory_equal(request.data, "\x30\x82\x00\xd8", 4); /* lengths of more than an octet */
}

/* What a filter becomes begins here in a search of the root. */
#define FILTER_AT 24

static void filters_are_read(void **state)
{
    static const struct {
        const char *filter, *octets;
        size_t size;
    } cases[] = {
#define FILTER(filter, octets) {filter, octets, sizeof(octets) - 1}
        FILTER("(a=b)", "\xa3\x06\x04\x01"
                        "a\x04\x01"
                        "b"),
        FILTER("(a=)", "\xa3\x05\x04\x01"
                       "a\x04\x00"),
        FILTER("(a=\\2a\\5C)", "\xa3\x07\x04\x01"
                               "a\x04\x02*\\"),
        FILTER("(a=*)", "\x87\x01"
                        "a"),
        FILTER("(a>=b)", "\xa5\x06\x04\x01"
                         "a\x04\x01"
                         "b"),
        FILTER("(a<=b)", "\xa6\x06\x04\x01"
                         "a\x04\x01"
                         "b"),
        FILTER("(a~=b)", "\xa8\x06\x04\x01"
                         "a\x04\x01"
                         "b"),
        FILTER("(a=b*c*d)", "\xa4\x0e\x04\x01"
                            "a\x30\x09\x80\x01"
                            "b\x81\x01"
                            "c\x82\x01"
                            "d"),
        FILTER("(a=*c*)", "\xa4\x08\x04\x01"
                          "a\x30\x03\x81\x01"
                          "c"),
        FILTER("(!(a=*))", "\xa2\x03\x87\x01"
                           "a"),
        FILTER("(& (a=*) (|(b=*)(c=*)) )", "\xa0\x0b\x87\x01"
                                           "a\xa1\x06\x87\x01"
                                           "b\x87\x01"
                                           "c"),
        FILTER("(&)", "\xa0\x00"),
        FILTER("(a:=b)", "\xa9\x06\x82\x01"
                         "a\x83\x01"
                         "b"),
        FILTER("(a:dn:1.2:=b)", "\xa9\x0e\x81\x03"
                                "1.2\x82\x01"
                                "a\x83\x01"
                                "b\x84\x01\xff"),
        FILTER("(:1.2:=b)", "\xa9\x08\x81\x03"
                            "1.2\x83\x01"
                            "b"),
#undef FILTER
    };
    struct ldap_request request;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        if (!ldap_request_search(&request, 3, "", LDAP_BASE, cases[i].filter))
            fail_msg("%s is not read", cases[i].filter);
        assert_int_equal(request.size, FILTER_AT + cases[i].size + 2);
        assert_memory_equal(request.data + FILTER_AT, cases[i].octets, cases[i].size);
    }
}

static void wrong_filters_are_refused(void **state)
{
    static const char *const filters[] = {
        "",        "a=b",      "(a=b",   "(a=b))",  "(a)",      "(=b)",    "(a=b)(c=d)",
        "(a=(b)",  "(a=b**c)", "(a=**)", "(a=\\2)", "(a=\\2g)", "(!)",     "(!(a=b)(c=d))",
        "(&(a=b)", "(|a=b)",   "(a>b)",  "(a:b)",   "(a:b:c)",  "(:=b)",   "(:dn:=b)",
        "(a:dn",   "(a:",      "(a:b:",  "(a=b\\",  "(",        "(a b=c)", "(a<b)",
    };
    struct ldap_request request;
    for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++)
        if (ldap_request_search(&request, 3, "", LDAP_BASE, filters[i]))
            fail_msg("%s is not refused", filters[i]);
    char deep[3 * 1000 + 6] = "";
    for (size_t i = 0; i < 1000; i++)
        memcpy(deep + 2 * i, "(!", 2);
    memcpy(deep + 2000, "(a=*)", 5);
    memset(deep + 2005, ')', 1000);
    assert_false(ldap_request_search(&request, 3, "", LDAP_BASE, deep));
}

static void results_have_names(void **state)
{
    assert_string_equal(ldap_result_name(52), "unavailable");
    assert_null(ldap_result_name(4096));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read),          cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(long_texts_are_cut),        cmocka_unit_test(entries_are_printed),
        cmocka_unit_test(requests_are_made),         cmocka_unit_test(filters_are_read),
        cmocka_unit_test(wrong_filters_are_refused), cmocka_unit_test(results_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
