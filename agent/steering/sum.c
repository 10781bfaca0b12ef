/*
 * What verdict and order come to.
 */
#include "agent/steering/steering.h"

static const struct steering_sum absent = {.present = false};
static const struct steering_sum quiet = {.present = true, .weight = 0};

static struct steering_sum serving(int32_t weight)
{
    return (struct steering_sum){.present = true, .weight = weight};
}

/* While nobody has a say but the checks. */
static struct steering_sum by_checks(const struct steering_verdict *verdict, int32_t weight)
{
    if (verdict->health == STEERING_DOWN)
        return verdict->inhibit ? quiet : absent;
    return serving(weight);
}

struct steering_sum steering_sum(const struct steering_server *server)
{
    const struct steering_verdict *verdict = &server->verdict;
    const struct steering_order *order = &server->order;
    /* Only who is up has a weight by its checks. */
    int32_t weight = verdict->health == STEERING_UP ? verdict->weight : STEERING_WEIGHT_CONFIGURED;
    switch (order->kind) {
    case STEERING_ORDER_UP:
        return serving(weight);
    case STEERING_ORDER_DOWN:
        return absent;
    case STEERING_ORDER_DRAIN:
        return order->drained ? absent : by_checks(verdict, 0);
    case STEERING_ORDER_LEAVE:
        return order->drained ? absent : quiet;
    case STEERING_ORDER_WEIGHT:
        return by_checks(verdict, order->weight);
    case STEERING_ORDER_NONE:
        break;
    }
    return by_checks(verdict, weight);
}

const char *steering_order_name(enum steering_order_kind kind)
{
    static const char *const names[] = {
        [STEERING_ORDER_NONE] = "none",
        [STEERING_ORDER_UP] = "force-up",
        [STEERING_ORDER_DOWN] = "force-down",
        [STEERING_ORDER_DRAIN] = "drain",
        [STEERING_ORDER_WEIGHT] = "override-weight",
        [STEERING_ORDER_LEAVE] = "leave",
    };
    return names[kind];
}
