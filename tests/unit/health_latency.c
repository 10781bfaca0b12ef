/*
 * Latencies of checks, and which addresses are of a prefix.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/addresses.h"
#include "backends/health/latency.h"

#include <cmocka.h>

static void nothing_is_known_at_first(void **state)
{
    struct latency latency = {0};
    assert_int_equal(latency_percentile(&latency, 50), 0);
}

static void one_latency_is_all_of_them(void **state)
{
    struct latency latency = {0};
    latency_note(&latency, 1234);
    assert_int_equal(latency.last, 1234);
    assert_int_equal(latency.average, 1234);
    assert_int_equal(latency.least, 1234);
    assert_int_equal(latency.most, 1234);
    assert_int_equal(latency_percentile(&latency, 50), 1234);
    assert_int_equal(latency_percentile(&latency, 99), 1234);
}

/* Within a quarter, over the whole range, also where classes overflow. */
static void percentiles_are_near(void **state)
{
    for (uint64_t scale = 100; scale < 50000000; scale *= 7) {
        struct latency latency = {0};
        for (unsigned round = 0; round < 300; round++)
            for (uint64_t i = 1; i <= 1000; i++)
                latency_note(&latency, scale * i / 1000);
        for (unsigned share = 50; share < 100; share += 7) {
            double wanted = (double)scale * share / 100;
            double got = latency_percentile(&latency, share);
            if (wanted > 50)
                assert_true(got > wanted * 0.8 && got < wanted * 1.3);
        }
    }
}

static void no_value_is_too_small_or_too_large(void **state)
{
    struct latency latency = {0};
    latency_note(&latency, 0);
    assert_int_equal(latency.last, 1);
    latency_note(&latency, UINT64_MAX);
    assert_int_equal(latency.most, UINT32_MAX);
    assert_int_equal(latency.least, 1);
    assert_true(latency_percentile(&latency, 100) > 60000000);
}

static void prefixes_have_a_first_and_a_last_address(void **state)
{
    static const struct {
        const char *address, *first, *last;
        unsigned length;
    } cases[] = {
        {"192.0.2.77", "192.0.2.64", "192.0.2.79", 28},
        {"192.0.2.77", "192.0.2.77", "192.0.2.77", 32},
        {"2001:db8::1:ff", "2001:db8::1:0", "2001:db8::1:ffff", 112},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        union check_address address;
        char text[INET6_ADDRSTRLEN];
        assert_true(check_address_parse(cases[i].address, 0, &address));
        struct address_range range = address_range_of_prefix(&address, cases[i].length);
        assert_string_equal(check_address_text(&range.first, text), cases[i].first);
        assert_string_equal(check_address_text(&range.last, text), cases[i].last);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_known_at_first),
        cmocka_unit_test(one_latency_is_all_of_them),
        cmocka_unit_test(percentiles_are_near),
        cmocka_unit_test(no_value_is_too_small_or_too_large),
        cmocka_unit_test(prefixes_have_a_first_and_a_last_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
