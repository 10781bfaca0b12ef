/*
 * Timers of checks: a heap over one timer of the event loop, on the monotonic clock.
 *
 * Thousands of them cost O(log n) a change and one wake-up for many. What is due is run in slices,
 * so that other work of the core thread gets its turn. Core thread.
 */
#ifndef NORIA_HEALTH_TIMERS_H
#define NORIA_HEALTH_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

struct health_beat;
struct health_timers;

/** One timer; a part of whoever waits. */
struct health_timer {
    void (*run)(struct health_timer *timer); /**< It is due. May set it again. */
    uint64_t due;                            /**< Nanoseconds, as uv_hrtime(). */
    /**
     * It may be run so much earlier, in nanoseconds, to be run together with others: never late, it
     * saves most of the waking up. Its owner's, to be set before health_timer_set().
     */
    uint64_t early;
    size_t slot; /**< The heap's; 0: not set. */
};

/** Nanoseconds of a millisecond and a second. */
#define HEALTH_MS 1000000ULL
#define HEALTH_SECOND (1000 * HEALTH_MS)

/**
 * Begin.
 * @param beat Outlives it.
 * @param before Is called each time before timers are run, with arg.
 * @return NULL for want of memory.
 */
struct health_timers *health_timers_new(uv_loop_t *loop, struct health_beat *beat,
                                        void (*before)(void *arg), void *arg);

/** End; what is freed is freed while the loop runs out. NULL is legal. */
void health_timers_free(struct health_timers *timers);

/** Keep room for one timer more, so that setting it cannot fail. @return Whether there is. */
bool health_timer_reserve(struct health_timers *timers);

/** Give the room for one timer back, which must not be set. */
void health_timer_release(struct health_timers *timers);

/** Have a timer run at a time; if it is set already, at this time instead. */
void health_timer_set(struct health_timers *timers, struct health_timer *timer, uint64_t due);

/** Have it not run; nothing happens if it is not set. */
void health_timer_unset(struct health_timers *timers, struct health_timer *timer);

#endif
