/*
 * Drift: what others changed in a director's table. The kernel tells nobody of changes of IPVS (its
 * generic netlink family has no multicast group), so the table is compared with what is configured
 * again and again: read and compared on a helper thread; what seems to differ is read once more on
 * the core thread, as a commit may have come between, and then repaired or only reported.
 *
 * Core thread, but what is said to be for any.
 */
#ifndef NORIA_IPVS_DRIFT_H
#define NORIA_IPVS_DRIFT_H

#include <stdint.h>

struct ipvs_engine;

/** The comparisons of one engine. */
struct ipvs_drift;

/** What has come of them since the agent started. */
struct ipvs_drift_counts {
    int64_t last;         /**< When the last one ended, in nanoseconds since 1970 UTC; 0: none. */
    uint64_t comparisons; /**< That ended. */
    uint64_t drifts;      /**< Services and destinations that differed. */
    uint64_t repairs;     /**< Those of them that were repaired. */
    uint32_t differences; /**< Those of the last comparison that were not. */
};

/**
 * Begin to compare, as the policy of the director says.
 * @return To be ended with ipvs_drift_end(); NULL for want of memory.
 */
struct ipvs_drift *ipvs_drift_begin(struct ipvs_engine *engine);

/** End; what is under way ends by itself. NULL is legal. */
void ipvs_drift_end(struct ipvs_drift *drift);

/** Wait until the helper thread does nothing more: before what it reads is freed. NULL is legal. */
void ipvs_drift_wait(struct ipvs_drift *drift);

/** The policy may have changed. */
void ipvs_drift_schedule(struct ipvs_drift *drift);

/** Compare in a moment, whatever the policy's interval. */
void ipvs_drift_soon(struct ipvs_drift *drift);

#endif
