/*
 * Texts of octets, and answers of DNS servers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/dns_answer.h"
#include "backends/health/octets.h"

#include <cmocka.h>

static void escapes_are_read(void **state)
{
    static const char *const wrong[] = {"\\", "\\q", "\\x", "\\x1", "\\x1g", "a\\"};
    unsigned char *octets;
    size_t size;
    assert_true(octets_unescape("a\\r\\n\\t\\\\\\x00\\xfFz", &octets, &size));
    assert_int_equal(size, 8);
    assert_memory_equal(octets, "a\r\n\t\\\0\xffz", 8);
    free(octets);
    assert_true(octets_unescape("", &octets, &size));
    assert_int_equal(size, 0);
    free(octets);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        assert_false(octets_unescape(wrong[i], &octets, &size));
        assert_null(octets);
    }
}

static void hexadecimal_has_wildcards(void **state)
{
    unsigned char *octets, *mask;
    size_t size;
    assert_false(octets_from_hex("0aXxf", &octets, &mask, &size));
    assert_true(octets_from_hex("0AxxfX", &octets, &mask, &size));
    assert_int_equal(size, 3);
    assert_memory_equal(octets, "\x0a\x00\xf0", 3);
    assert_memory_equal(mask, "\xff\x00\xf0", 3);
    free(octets);
    free(mask);
    assert_false(octets_from_hex("xx", &octets, NULL, &size));
    assert_true(octets_from_hex("", &octets, NULL, &size));
    assert_int_equal(size, 0);
    free(octets);
}

/* www.example, A, 192.0.2.9 after a CNAME; each cut of it is damaged, and none is read past. */
static const unsigned char answer[] =
    "\x12\x34\x84\x00\x00\x01\x00\x02\x00\x00\x00\x00"
    "\x03www\x07"
    "example\x00\x00\x01\x00\x01"
    "\xc0\x0c\x00\x05\x00\x01\x00\x00\x00\x05\x00\x04\x01w\xc0\x10"
    "\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x05\x00\x04\xc0\x00\x02\x09";

static const char *fault(const unsigned char *message, size_t size, int type, const char *record)
{
    return dns_answer_fault(message, size, &(struct dns_expected){.type = type, .record = record});
}

/* Whether a record matches a regular expression. */
static bool matches(const unsigned char *message, size_t size, int type, const char *expression)
{
    char error[200];
    struct pattern *pattern = pattern_new(expression, error, sizeof(error));
    assert_non_null(pattern);
    const char *wrong =
        dns_answer_fault(message, size, &(struct dns_expected){.type = type, .pattern = pattern});
    pattern_free(pattern);
    return !wrong;
}

static void answers_are_read(void **state)
{
    size_t size = sizeof(answer) - 1;
    assert_null(fault(answer, size, 1, NULL));
    assert_null(fault(answer, size, 1, "192.0.2.9"));
    assert_null(fault(answer, size, 5, "w.example"));
    assert_non_null(fault(answer, size, 1, "192.0.2.8"));
    assert_non_null(fault(answer, size, 28, "192.0.2.9"));
    assert_non_null(fault(answer, size, 1, "no address"));
    assert_int_equal(dns_type("SOA"), 6);
    assert_int_equal(dns_type("soa"), 0);
}

/* Header and question of an answer with so many records, each of which names the question. */
#define ANSWER(type, count)                                                                        \
    "\x00\x00\x84\x00\x00\x01\x00" count "\x00\x00\x00\x00"                                        \
    "\x01q\x00\x00" type "\x00\x01"
#define RECORD(type, size) "\xc0\x0c\x00" type "\x00\x01\x00\x00\x00\x05\x00" size

static void records_are_held_against_expressions(void **state)
{
    static const struct {
        const char *message;
        size_t size;
        int type;
        const char *match, *no_match;
    } cases[] = {
#define CASE(text, ...) {text, sizeof(text) - 1, __VA_ARGS__}
        CASE(ANSWER("\x01", "\x02") RECORD("\x01", "\x04") "\x0a\x00\x00\x01" RECORD(
                 "\x01", "\x04") "\x0a\x00\x00\x02",
             1, "^10\\.0\\.0\\.2$", "^10.0.0.3$"),
        CASE(ANSWER("\x1c", "\x01")
                 RECORD("\x1c", "\x10") "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07",
             28, "^2001:db8::7$", "^2001:db8::8$"),
        CASE(ANSWER("\x10", "\x01") RECORD("\x10", "\x07") "\x02v=\x03one", 16, "^v=one$", "^one$"),
        CASE(ANSWER("\x0f", "\x01") RECORD("\x0f", "\x07") "\x00\x0a\x02mx\xc0\x0c", 15, "^mx\\.q$",
             "10"),
        CASE(ANSWER("\x06", "\x01") RECORD("\x06", "\x05") "\x02ns\xc0\x0c", 6, "^NS|^ns", "^ms"),
        /* of another type; of a length that does not fit */
        CASE(ANSWER("\x01", "\x01") RECORD("\x05", "\x02") "\xc0\x0c", 1, NULL, ""),
        CASE(ANSWER("\x01", "\x01") RECORD("\x01", "\x03") "\x0a\x00\x00", 1, NULL, ""),
        CASE(ANSWER("\x10", "\x01") RECORD("\x10", "\x03") "\x03on", 16, NULL, ""),
#undef CASE
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        const unsigned char *message = (const unsigned char *)cases[i].message;
        if (cases[i].match)
            assert_true(matches(message, cases[i].size, cases[i].type, cases[i].match));
        assert_false(matches(message, cases[i].size, cases[i].type, cases[i].no_match));
    }
}

static void truncation_is_seen(void **state)
{
    unsigned char message[12] = {0, 0, 0x82};
    assert_true(dns_answer_is_truncated(message, sizeof(message)));
    assert_false(dns_answer_is_truncated(message, sizeof(message) - 1));
    message[2] = 0x02; /* a question */
    assert_false(dns_answer_is_truncated(message, sizeof(message)));
    message[2] = 0x84;
    assert_false(dns_answer_is_truncated(message, sizeof(message)));
}

static void damaged_answers_are_no_danger(void **state)
{
    size_t size = sizeof(answer) - 1;
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut ? cut : 1); /* so that a sanitizer sees its end */
        memcpy(part, answer, cut);
        assert_non_null(fault(part, cut, 1, "192.0.2.9"));
        free(part);
    }
    char error[200];
    struct pattern *pattern = pattern_new("x", error, sizeof(error));
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        unsigned char *part = malloc(size);
        memcpy(part, answer, size);
        for (int i = 0; i < 4; i++)
            part[2 + (size_t)random() % (size - 2)] = (unsigned char)random();
        int type = 1 + (int)(random() % 28);
        fault(part, size, type, "192.0.2.9");
        dns_answer_fault(part, size, &(struct dns_expected){.type = type, .pattern = pattern});
        free(part);
    }
    pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_read),
        cmocka_unit_test(hexadecimal_has_wildcards),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(records_are_held_against_expressions),
        cmocka_unit_test(truncation_is_seen),
        cmocka_unit_test(damaged_answers_are_no_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
