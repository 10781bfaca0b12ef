/*
 * Verdicts in place of health checks.
 */
#include "agent/steering/steering.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "backends/null/operations.h"

static struct steering_key read_key(const struct lyd_node *node)
{
    return (struct steering_key){.virtual_server = leaf_value(node, "virtual-server"),
                                 .address = leaf_value(node, "address"),
                                 .port = (uint16_t)strtoul(leaf_value(node, "port"), NULL, 10)};
}

static enum steering_health read_health(const char *name)
{
    if (!strcmp(name, "up"))
        return STEERING_UP;
    return strcmp(name, "down") != 0 ? STEERING_UNCHECKED : STEERING_DOWN;
}

static void judge(struct agent *agent, const struct lyd_node *node)
{
    struct steering_key key = read_key(node);
    struct steering_verdict verdict = {
        .health = read_health(leaf_value(node, "health")),
        .weight = (int32_t)strtol(leaf_value(node, "weight"), NULL, 10),
        .inhibit = !strcmp(leaf_value(node, "inhibit"), "true"),
        .since = clock_now(),
        .otherwise = true,
    };
    steering_set_verdict(agent, &key, &verdict);
}

void null_judge(struct backend *backend, struct backend_call *call)
{
    const struct lyd_node *node;
    LY_LIST_FOR(lyd_child(call->request), node)
    {
        if (!strcmp(LYD_NAME(node), "verdict"))
            judge(backend->agent, node);
        else
            steering_set_quorum_lost(backend->agent, lyd_get_value(node),
                                     !strcmp(LYD_NAME(node), "quorum-lost-of"), true);
    }
    call_done(call, DONE);
}

void null_sum(struct backend *backend, struct backend_call *call)
{
    struct steering_key key = read_key(call->request);
    struct steering_sum sum = steering_sum_of(backend->agent, &key);
    bool lost = steering_quorum_lost(backend->agent, key.virtual_server);
    char weight[16];
    snprintf(weight, sizeof(weight), "%d", (int)sum.weight);
    bool well =
        !lyd_new_term(call->reply, NULL, "present", sum.present ? "true" : "false", 1, NULL) &&
        !lyd_new_term(call->reply, NULL, "weight", weight, 1, NULL) &&
        !lyd_new_term(call->reply, NULL, "quorum-lost", lost ? "true" : "false", 1, NULL);
    call_done(call, well ? DONE : fail_memory(&call->error));
}
