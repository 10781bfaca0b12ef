/*
 * Precedence: who yields waits for those who go first, and not for long.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/precedence.h"

#include <cmocka.h>

#define MILLISECONDS UINT64_C(1000000)

static uint64_t time_to_yield(struct precedence *precedence)
{
    uint64_t began = uv_hrtime();

    precedence_yield(precedence);
    return (uv_hrtime() - began) / MILLISECONDS;
}

static atomic_bool has_yielded;

static void end_while_it_is_waited(void *context)
{
    struct precedence *precedence = context;
    while (!atomic_load(&precedence->waiting) && !atomic_load(&has_yielded))
        uv_sleep(1);
    precedence_end(precedence);
}

/* Whether it was waited can be told without a clock: only a wait in vain moves 'go_until'. */
static void an_end_is_waited_for(void **state)
{
    struct precedence precedence;
    uv_thread_t other;
    bool in_vain = true;

    precedence_init(&precedence);
    for (size_t i = 0; i < 500 && in_vain; i++) { /* a busy machine may be late some times */
        precedence_begin(&precedence);
        atomic_store(&has_yielded, false);
        uv_thread_create(&other, end_while_it_is_waited, &precedence);
        precedence_yield(&precedence);
        atomic_store(&has_yielded, true);
        uv_thread_join(&other);
        assert_int_equal(atomic_load(&precedence.first), 0);
        in_vain = precedence.go_until;
        precedence.go_until = 0;
    }
    assert_false(in_vain);
    precedence_destroy(&precedence);
}

static void nobody_is_held_up_for_long(void **state)
{
    struct precedence precedence;

    precedence_init(&precedence);
    precedence_begin(&precedence);
    uint64_t began = uv_hrtime();
    precedence_yield(&precedence);
    assert_in_range(precedence.go_until, began + 40 * MILLISECONDS,
                    uv_hrtime() + 20 * MILLISECONDS);
    precedence.go_until = UINT64_MAX; /* as if no time had passed since */
    precedence_yield(&precedence);
    assert_true(precedence.go_until == UINT64_MAX);
    precedence.go_until = 0;
    assert_true(time_to_yield(&precedence) >= 19);
    assert_true(precedence.go_until > 0);
    precedence_end(&precedence);
    precedence.go_until = 0;
    precedence_yield(&precedence);
    assert_true(precedence.go_until == 0);
    precedence_destroy(&precedence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_end_is_waited_for),
        cmocka_unit_test(nobody_is_held_up_for_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
