/*
 * Latencies of a check: their distribution, in little memory. Pure functions of values; any thread.
 *
 * Latencies are counted in classes, four to an octave, from 32 microseconds to more than a minute;
 * when a class is full all are halved, so that what is long ago counts less and less.
 */
#ifndef NORIA_HEALTH_LATENCY_H
#define NORIA_HEALTH_LATENCY_H

#include <stdint.h>

/** Classes. */
#define LATENCY_CLASSES 88

/** What is known of the latencies of a check. {0}: nothing. */
struct latency {
    uint32_t last, average; /**< Microseconds; the average of the last few. */
    uint32_t least, most;   /**< Microseconds. */
    uint16_t classes[LATENCY_CLASSES];
};

/** Take a latency in. @param microseconds What is not 1 at least counts as 1. */
void latency_note(struct latency *latency, uint64_t microseconds);

/**
 * The latency that a share of the runs did not exceed.
 * @param share In hundredths: 50 is the median.
 * @return Microseconds, within a quarter; 0 if nothing is known.
 */
uint32_t latency_percentile(const struct latency *latency, unsigned share);

#endif
