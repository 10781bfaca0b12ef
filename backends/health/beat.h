/*
 * The time as health checks see it: read once for several of them.
 *
 * While a batch of events or timers is worked off, a reading serves a few checks, since reading the
 * clock is a system call on some machines (User-Mode Linux), and a share of the work on all.
 * Outside of a batch it is read each time. Core thread.
 */
#ifndef NORIA_HEALTH_BEAT_H
#define NORIA_HEALTH_BEAT_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "agent/clock.h"

/** How many readings of a batch one reading of the clock serves. */
#define HEALTH_BEAT_USES 8

/** How long the difference to the time of day is taken for the same, in nanoseconds. */
#define HEALTH_BEAT_OFFSET UINT64_C(1000000000)

/** The clock. {0}: nothing is known yet. */
struct health_beat {
    uint64_t now;      /**< As uv_hrtime(). */
    unsigned left;     /**< Uses of it. */
    bool batch;        /**< A batch is worked off. */
    uint64_t measured; /**< When the difference was taken. */
    int64_t offset;    /**< From now to the time of day. */
};

/** What time it is, as uv_hrtime(). */
static inline uint64_t health_beat_now(struct health_beat *beat)
{
    if (beat->batch && beat->left) {
        beat->left--;
        return beat->now;
    }
    beat->left = HEALTH_BEAT_USES - 1;
    return beat->now = uv_hrtime();
}

/** A moment as nanoseconds since 1970 UTC, right within a second after the clock was set. */
static inline int64_t health_beat_date(struct health_beat *beat, uint64_t now)
{
    if (!beat->measured || now - beat->measured > HEALTH_BEAT_OFFSET) {
        beat->offset = clock_now() - (int64_t)now;
        beat->measured = now;
    }
    return (int64_t)now + beat->offset;
}

/** A batch begins, or, in another one, something may have taken time. @return For the end. */
static inline bool health_beat_begin(struct health_beat *beat)
{
    bool before = beat->batch;
    beat->batch = true;
    beat->left = 0;
    return before;
}

/** A batch ends. @param before What its begin has returned. */
static inline void health_beat_end(struct health_beat *beat, bool before)
{
    beat->batch = before;
    beat->left = 0;
}

#endif
