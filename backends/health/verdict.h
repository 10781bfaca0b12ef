/*
 * Verdicts: what results of checks come to. Pure functions of values; any thread.
 */
#ifndef NORIA_HEALTH_VERDICT_H
#define NORIA_HEALTH_VERDICT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/steering/steering.h"

/** How many results in a row count. */
struct verdict_rule {
    uint8_t retry;    /**< Failures that are let pass before one counts. */
    uint8_t retry_up; /**< Successes after a failure that are let pass before one counts. */
};

/** What one check says of one real server. */
struct verdict_check {
    enum steering_health state;
    uint8_t streak; /**< Results in a row that speak against state. */
};

/** Take a result in. @return Whether state has changed. */
bool verdict_note(struct verdict_check *check, const struct verdict_rule *rule, bool passed);

/** Whether results speak against the state, so that the next one is wanted soon. */
static inline bool verdict_is_changing(const struct verdict_check *check)
{
    return check->streak > 0;
}

/** States of the checks of one real server. */
struct verdict_count {
    unsigned total, up, down; /**< What is neither up nor down has no state yet. */
};

/**
 * What the checks of a real server come to.
 * @param needed How many must pass; 0: all.
 * @param before What holds while they are undecided.
 */
enum steering_health verdict_of_checks(const struct verdict_count *count, unsigned needed,
                                       enum steering_health before);

/** Changes that are remembered at most. */
#define VERDICT_FLAPS_MAX 16

/** When to call it flapping; times in nanoseconds. */
struct verdict_flap_rule {
    unsigned changes; /**< 0: never; at most VERDICT_FLAPS_MAX. */
    uint64_t window, hold;
};

/** The last changes of what checks come to. */
struct verdict_flap {
    uint64_t times[VERDICT_FLAPS_MAX]; /**< A ring. */
    unsigned next, count;
    uint64_t last;
    bool flapping;
};

/** Take a change in. @return Whether it is flapping from now on, and was not before. */
bool verdict_flap_note(struct verdict_flap *flap, const struct verdict_flap_rule *rule,
                       uint64_t now);

/** Whether flapping ends now; then it is forgotten. @return Whether it ended. */
bool verdict_flap_end(struct verdict_flap *flap, const struct verdict_flap_rule *rule,
                      uint64_t now);

/** Steps in which a weight grows. */
#define VERDICT_RAMP_STEPS 10

/**
 * Weight of a real server that came up a while ago.
 * @param elapsed,length In the same unit; length 0: no slow start.
 * @return At least 1, unless weight is 0; weight itself at the end.
 */
int32_t verdict_ramp(int32_t weight, uint64_t elapsed, uint64_t length);

/**
 * What a real server adds to the weight that a quorum is held against.
 * @param health The verdict.
 * @param weight As configured.
 * @param order What an operator has ordered: who is forced up serves whatever the verdict, who is
 *        forced down or drains does not.
 * @param order_weight Of an order of a weight.
 */
uint32_t verdict_weight_up(enum steering_health health, uint32_t weight,
                           enum steering_order_kind order, int32_t order_weight);

/** Whether the quorum is lost, as keepalived has it. @param lost Whether it was. */
bool verdict_quorum_lost(bool lost, uint64_t weight, uint32_t quorum, uint32_t hysteresis);

#endif
