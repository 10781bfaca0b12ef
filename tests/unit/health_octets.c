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

static void answers_are_read(void **state)
{
    size_t size = sizeof(answer) - 1;
    assert_null(dns_answer_fault(answer, size, 1, NULL));
    assert_null(dns_answer_fault(answer, size, 1, "192.0.2.9"));
    assert_null(dns_answer_fault(answer, size, 5, "w.example"));
    assert_non_null(dns_answer_fault(answer, size, 1, "192.0.2.8"));
    assert_non_null(dns_answer_fault(answer, size, 28, "192.0.2.9"));
    assert_non_null(dns_answer_fault(answer, size, 1, "no address"));
    assert_int_equal(dns_type("SOA"), 6);
    assert_int_equal(dns_type("soa"), 0);
}

static void damaged_answers_are_no_danger(void **state)
{
    size_t size = sizeof(answer) - 1;
    for (size_t cut = 0; cut < size; cut++) {
        unsigned char *part = malloc(cut ? cut : 1); /* so that a sanitizer sees its end */
        memcpy(part, answer, cut);
        assert_non_null(dns_answer_fault(part, cut, 1, "192.0.2.9"));
        free(part);
    }
    srandom(1);
    for (int round = 0; round < 20000; round++) {
        unsigned char *part = malloc(size);
        memcpy(part, answer, size);
        for (int i = 0; i < 4; i++)
            part[2 + (size_t)random() % (size - 2)] = (unsigned char)random();
        dns_answer_fault(part, size, 1 + (int)(random() % 28), "192.0.2.9");
        free(part);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_read),
        cmocka_unit_test(hexadecimal_has_wildcards),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(damaged_answers_are_no_danger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
