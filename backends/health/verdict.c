#include "backends/health/verdict.h"

bool verdict_note(struct verdict_check *check, const struct verdict_rule *rule, bool passed)
{
    enum steering_health says = passed ? STEERING_UP : STEERING_DOWN;
    unsigned allowed = !passed ? rule->retry : check->state == STEERING_DOWN ? rule->retry_up : 0;
    if (says == check->state || (passed && check->state == STEERING_UNCHECKED)) {
        bool news = check->state != says;
        *check = (struct verdict_check){.state = says};
        return news;
    }
    if (check->streak < allowed) {
        check->streak++;
        return false;
    }
    *check = (struct verdict_check){.state = says};
    return true;
}

enum steering_health verdict_of_checks(const struct verdict_count *count, unsigned needed,
                                       enum steering_health before)
{
    if (!count->total)
        return STEERING_UNCHECKED;
    if (!needed || needed > count->total)
        needed = count->total;
    if (count->up >= needed)
        return STEERING_UP;
    if (count->total - count->down < needed)
        return STEERING_DOWN;
    return before;
}

bool verdict_flap_note(struct verdict_flap *flap, const struct verdict_flap_rule *rule,
                       uint64_t now)
{
    flap->last = now;
    if (!rule->changes || rule->changes > VERDICT_FLAPS_MAX)
        return false;
    flap->times[flap->next] = now;
    flap->next = (flap->next + 1) % VERDICT_FLAPS_MAX;
    if (flap->count < VERDICT_FLAPS_MAX)
        flap->count++;
    if (flap->flapping || flap->count < rule->changes)
        return false;
    unsigned oldest = (flap->next + VERDICT_FLAPS_MAX - rule->changes) % VERDICT_FLAPS_MAX;
    flap->flapping = now - flap->times[oldest] <= rule->window;
    return flap->flapping;
}

bool verdict_flap_end(struct verdict_flap *flap, const struct verdict_flap_rule *rule, uint64_t now)
{
    if (!flap->flapping || (rule->changes && now - flap->last < rule->hold))
        return false;
    *flap = (struct verdict_flap){0};
    return true;
}

int32_t verdict_ramp(int32_t weight, uint64_t elapsed, uint64_t length)
{
    if (elapsed >= length || weight <= 1)
        return weight;
    int64_t step = (int64_t)(elapsed * VERDICT_RAMP_STEPS / length);
    int64_t part = weight * (step + 1) / (VERDICT_RAMP_STEPS + 1);
    return part > 1 ? (int32_t)part : 1;
}

uint32_t verdict_weight_up(enum steering_health health, uint32_t weight,
                           enum steering_order_kind order, int32_t order_weight)
{
    switch (order) {
    case STEERING_ORDER_UP:
        return weight;
    case STEERING_ORDER_DOWN:
    case STEERING_ORDER_DRAIN:
    case STEERING_ORDER_LEAVE:
        return 0;
    case STEERING_ORDER_WEIGHT:
        weight = order_weight > 0 ? (uint32_t)order_weight : 0;
        break;
    case STEERING_ORDER_NONE:
        break;
    }
    return health == STEERING_DOWN ? 0 : weight;
}

bool verdict_quorum_lost(bool lost, uint64_t weight, uint32_t quorum, uint32_t hysteresis)
{
    if (lost)
        return weight < (uint64_t)quorum + hysteresis;
    return weight + hysteresis < quorum;
}
