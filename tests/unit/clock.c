/*
 * Times: from their text and back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/clock.h"

#include <cmocka.h>

static const struct {
    const char *text;
    int64_t time;
    const char *shown; /* NULL: it is none, or before 1970 */
} cases[] = {
    {"1970-01-01T00:00:00Z", 0, "1970-01-01T00:00:00.000Z"},
    {"2026-11-23T13:15:00.25Z", 1795439700250000000, "2026-11-23T13:15:00.250Z"},
    {"2026-11-23T13:15:00+02:00", 1795432500000000000, "2026-11-23T11:15:00.000Z"},
    {"9999-12-31T23:59:59Z", INT64_MAX, "2262-04-11T23:47:16.854Z"},
    {"0001-01-01T00:00:00Z", INT64_MIN, NULL},
    {"2026-11-23", 0, NULL},
    {"", 0, NULL},
};

static void each_case(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        char text[CLOCK_TEXT_SIZE];
        int64_t time = 0;
        assert_int_equal(clock_of_text(cases[i].text, &time), cases[i].shown || cases[i].time);
        assert_int_equal(time, cases[i].time);
        if (cases[i].shown)
            assert_string_equal(clock_text(time, text), cases[i].shown);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {cmocka_unit_test(each_case)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
