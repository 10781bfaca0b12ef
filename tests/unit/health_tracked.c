/*
 * Numbers in files, processes, and where a pattern may match.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "backends/health/pattern.h"
#include "backends/health/tracked.h"

#include <cmocka.h>

static void numbers_are_read(void **state)
{
    static const struct {
        const char *text;
        bool is;
        int64_t number;
    } cases[] = {
        {"", true, 0},
        {"\n", true, 0},
        {"0\n", true, 0},
        {" -12 \r\n", true, -12},
        {"+7", true, 7},
        {"1 2", false, 0},
        {"on", false, 0},
        {"3x", false, 0},
        {"9223372036854775807", true, INT64_MAX},
        {"9223372036854775808", false, 0},
    };
    int64_t number;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_int_equal(tracked_number(cases[i].text, strlen(cases[i].text), &number),
                         cases[i].is);
        if (cases[i].is)
            assert_true(number == cases[i].number);
    }
    assert_false(tracked_number("1\0", 2, &number));
    assert_false(tracked_number("\0", 1, &number));
    char digits[64];
    memset(digits, '1', sizeof(digits));
    assert_false(tracked_number(digits, sizeof(digits), &number));
}

static void products_stay_in_their_range(void **state)
{
    assert_int_equal(tracked_product(3, -2, false), -6);
    assert_int_equal(tracked_product(3, -2, true), 6);
    assert_int_equal(tracked_product(INT64_MAX, 65535, false), TRACKED_MAX);
    assert_int_equal(tracked_product(INT64_MIN, 65535, false), -TRACKED_MAX);
    assert_int_equal(tracked_product(INT64_MIN, 65535, true), TRACKED_MAX);
}

static void processes_are_compared(void **state)
{
    static char *none[1], *one[] = {"-p", "8"};
    static const char line[] = "/usr/sbin/named\0-p\0"
                               "80\0-x";
    struct tracked_process wanted = {.command = "named", .parameters = none};
    assert_true(tracked_process_is(&wanted, "named", line, sizeof(line)));
    assert_false(tracked_process_is(&wanted, "named2", line, sizeof(line)));
    assert_false(tracked_process_is(&wanted, "named", line, 0)); /* a zombie */
    wanted.match = TRACKED_EXACT;
    assert_false(tracked_process_is(&wanted, "named", line, sizeof(line)));
    assert_true(tracked_process_is(&wanted, "named", "named", 6));
    wanted = (struct tracked_process){"a-name-longer-than-15", 0, none, TRACKED_PARTIAL};
    assert_true(tracked_process_is(&wanted, "a-name-longer-t", "x", 2));
    wanted = (struct tracked_process){"/usr/sbin/named", 1, one, TRACKED_PARTIAL};
    assert_true(tracked_process_is(&wanted, "other", line, sizeof(line)));
    wanted.count = 2;
    assert_false(tracked_process_is(&wanted, "other", line, sizeof(line)));
    wanted.match = TRACKED_INITIAL;
    assert_false(tracked_process_is(&wanted, "other", line, sizeof(line))); /* -x follows */
    assert_true(tracked_process_is(&wanted, "other", line, sizeof(line) - 3));
    assert_true(tracked_process_is(&wanted, "other", line, sizeof(line) - 4)); /* no last zero */
    one[1] = "80";
    wanted.match = TRACKED_EXACT;
    assert_true(tracked_process_is(&wanted, "other", line, sizeof(line) - 4));
    wanted.command = "/usr/sbin/name";
    assert_false(tracked_process_is(&wanted, "other", line, sizeof(line)));
}

static void matches_begin_where_they_may(void **state)
{
    char error[200];
    struct pattern *pattern = pattern_new("o+", error, sizeof(error));
    assert_non_null(pattern);
    assert_int_equal(pattern_match_within(pattern, "foo bar o", 9, 0, SIZE_MAX), PATTERN_YES);
    assert_int_equal(pattern_match_within(pattern, "foo bar o", 9, 3, 7), PATTERN_NO);
    assert_int_equal(pattern_match_within(pattern, "foo bar o", 9, 3, 8), PATTERN_YES);
    assert_int_equal(pattern_match_within(pattern, "foo bar o", 9, 0, 0), PATTERN_NO);
    assert_int_equal(pattern_match_within(pattern, "foo", 3, 4, SIZE_MAX), PATTERN_NO);
    assert_int_equal(pattern_match_within(pattern, "foo", 3, 2, 1), PATTERN_NO);
    assert_int_equal(pattern_match(pattern, "foo bar o", 9), PATTERN_YES);
    pattern_free(pattern);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_read),
        cmocka_unit_test(products_stay_in_their_range),
        cmocka_unit_test(processes_are_compared),
        cmocka_unit_test(matches_begin_where_they_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
