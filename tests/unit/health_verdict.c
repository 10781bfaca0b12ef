/*
 * What results of checks come to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/health/table.h"
#include "backends/health/verdict.h"

#include <cmocka.h>

/* Results as a text, 1 passed and 0 failed; states after each, U(p), D(own) or ?. */
static void retries_count(void **state)
{
    static const struct {
        struct verdict_rule rule;
        const char *results, *states;
    } cases[] = {
        {{.retry = 0, .retry_up = 0}, "1010", "UDUD"},
        {{.retry = 1, .retry_up = 0}, "10100101", "UUUUDUUU"},
        {{.retry = 2, .retry_up = 0}, "1001000", "UUUUUUD"},
        {{.retry = 0, .retry_up = 2}, "1011101", "UDDDUDD"},
        {{.retry = 1, .retry_up = 0}, "001", "?DU"},
        {{.retry = 0, .retry_up = 3}, "1", "U"},
        {{.retry = 255, .retry_up = 0}, "10", "UU"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct verdict_check check = {0};
        for (size_t k = 0; cases[i].results[k]; k++) {
            enum steering_health before = check.state;
            bool changed = verdict_note(&check, &cases[i].rule, cases[i].results[k] == '1');
            assert_int_equal(changed, before != check.state);
            assert_int_equal("?UD"[check.state], cases[i].states[k]);
        }
    }
}

static void failures_that_are_let_pass_hurry_the_next_run(void **state)
{
    struct verdict_rule rule = {.retry = 1};
    struct verdict_check check = {.state = STEERING_UP};
    verdict_note(&check, &rule, false);
    assert_true(verdict_is_changing(&check));
    verdict_note(&check, &rule, false);
    assert_false(verdict_is_changing(&check));
    verdict_note(&check, &rule, false);
    assert_false(verdict_is_changing(&check));
}

static void checks_come_to_a_verdict(void **state)
{
    static const struct {
        struct verdict_count count;
        unsigned needed;
        enum steering_health before, after;
    } cases[] = {
        {{0, 0, 0}, 0, STEERING_DOWN, STEERING_UNCHECKED},
        {{2, 2, 0}, 0, STEERING_DOWN, STEERING_UP},
        {{2, 1, 0}, 0, STEERING_DOWN, STEERING_DOWN},
        {{2, 1, 0}, 0, STEERING_UNCHECKED, STEERING_UNCHECKED},
        {{2, 1, 1}, 0, STEERING_UP, STEERING_DOWN},
        {{2, 0, 1}, 0, STEERING_UP, STEERING_DOWN},
        {{3, 2, 1}, 2, STEERING_DOWN, STEERING_UP},
        {{3, 1, 1}, 2, STEERING_UP, STEERING_UP},
        {{3, 1, 2}, 2, STEERING_UP, STEERING_DOWN},
        {{2, 1, 1}, 5, STEERING_UP, STEERING_DOWN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(verdict_of_checks(&cases[i].count, cases[i].needed, cases[i].before),
                         cases[i].after);
}

static void many_changes_in_the_window_are_flapping(void **state)
{
    struct verdict_flap_rule rule = {.changes = 3, .window = 10, .hold = 20};
    struct verdict_flap flap = {0};
    assert_false(verdict_flap_note(&flap, &rule, 100));
    assert_false(verdict_flap_note(&flap, &rule, 108));
    assert_false(verdict_flap_note(&flap, &rule, 111)); /* 100 is out of the window */
    assert_true(verdict_flap_note(&flap, &rule, 112));
    assert_false(verdict_flap_note(&flap, &rule, 120)); /* it is known */
    assert_false(verdict_flap_end(&flap, &rule, 139));
    assert_true(verdict_flap_end(&flap, &rule, 140));
    assert_false(verdict_flap_end(&flap, &rule, 141));
    assert_false(verdict_flap_note(&flap, &rule, 142)); /* all is forgotten */
    rule.changes = 0;
    for (uint64_t now = 200; now < 300; now++)
        assert_false(verdict_flap_note(&flap, &rule, now));
}

static void flapping_is_seen_with_a_full_ring(void **state)
{
    struct verdict_flap_rule rule = {.changes = VERDICT_FLAPS_MAX, .window = 100, .hold = 5};
    struct verdict_flap flap = {0};
    for (uint64_t now = 1; now < VERDICT_FLAPS_MAX; now++)
        assert_false(verdict_flap_note(&flap, &rule, now));
    assert_true(verdict_flap_note(&flap, &rule, 90));
}

static void weights_grow(void **state)
{
    assert_int_equal(verdict_ramp(100, 5, 0), 100);
    assert_int_equal(verdict_ramp(100, 0, 10), 9);
    assert_int_equal(verdict_ramp(100, 10, 10), 100);
    assert_int_equal(verdict_ramp(3, 0, 10), 1);
    assert_int_equal(verdict_ramp(0, 0, 10), 0);
    int32_t before = 0;
    for (uint64_t elapsed = 0; elapsed <= 1000; elapsed++) {
        int32_t weight = verdict_ramp(1000, elapsed, 1000);
        assert_true(weight >= before && weight <= 1000);
        before = weight;
    }
}

static void the_quorum_has_hysteresis(void **state)
{
    assert_false(verdict_quorum_lost(false, 3, 3, 0));
    assert_true(verdict_quorum_lost(false, 2, 3, 0));
    assert_false(verdict_quorum_lost(true, 3, 3, 0));
    assert_false(verdict_quorum_lost(false, 2, 3, 1));
    assert_true(verdict_quorum_lost(false, 1, 3, 1));
    assert_true(verdict_quorum_lost(true, 3, 3, 1));
    assert_false(verdict_quorum_lost(true, 4, 3, 1));
    assert_true(verdict_quorum_lost(true, UINT32_MAX, UINT32_MAX, 1));
}

static void orders_count_for_the_quorum(void **state)
{
    static const struct {
        enum steering_health health;
        enum steering_order_kind order;
        int32_t order_weight;
        uint32_t weight_up;
    } cases[] = {
        {STEERING_UP, STEERING_ORDER_NONE, 0, 5},
        {STEERING_UNCHECKED, STEERING_ORDER_NONE, 0, 5},
        {STEERING_DOWN, STEERING_ORDER_NONE, 0, 0},
        {STEERING_DOWN, STEERING_ORDER_UP, 0, 5},
        {STEERING_UP, STEERING_ORDER_DOWN, 0, 0},
        {STEERING_UP, STEERING_ORDER_DRAIN, 0, 0},
        {STEERING_UP, STEERING_ORDER_LEAVE, 0, 0},
        {STEERING_UP, STEERING_ORDER_WEIGHT, 9, 9},
        {STEERING_DOWN, STEERING_ORDER_WEIGHT, 9, 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_int_equal(
            verdict_weight_up(cases[i].health, 5, cases[i].order, cases[i].order_weight),
            cases[i].weight_up);
}

struct thing {
    struct text_link link;
    char name[16];
};

static void a_table_finds_what_it_has(void **state)
{
    static struct thing things[500];
    struct text_table table = {0};
    assert_null(text_table_find(&table, "thing"));
    assert_null(text_table_next(&table, NULL));
    for (int i = 0; i < 500; i++) {
        snprintf(things[i].name, sizeof(things[i].name), "thing %d", i);
        assert_true(text_table_reserve(&table));
        text_table_add(&table, &things[i].link, things[i].name);
    }
    for (int i = 0; i < 500; i += 2)
        text_table_remove(&table, &things[i].link);
    for (int i = 0; i < 500; i++)
        assert_ptr_equal(text_table_find(&table, things[i].name), i % 2 ? &things[i] : NULL);
    size_t count = 0;
    for (void *at = NULL; (at = text_table_next(&table, at));)
        count++;
    assert_int_equal(count, 250);
    text_table_clear(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(retries_count),
        cmocka_unit_test(failures_that_are_let_pass_hurry_the_next_run),
        cmocka_unit_test(checks_come_to_a_verdict),
        cmocka_unit_test(many_changes_in_the_window_are_flapping),
        cmocka_unit_test(flapping_is_seen_with_a_full_ring),
        cmocka_unit_test(weights_grow),
        cmocka_unit_test(the_quorum_has_hysteresis),
        cmocka_unit_test(orders_count_for_the_quorum),
        cmocka_unit_test(a_table_finds_what_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
