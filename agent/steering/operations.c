/*
 * The actions of noria-operations: orders on real servers.
 */
#include "agent/steering/operations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/steering/internal.h"
#include "agent/steering/notices.h"
#include "agent/steering/steering.h"
#include "agent/transaction/operations.h"

#define SECOND ((int64_t)1000000000)

/* A call at work: it ends when the orders on all of its real servers are stored. */
struct giving {
    struct backend_call *call;
    size_t waiting; /* orders that are not stored yet, and one while more are given */
    size_t given;
    bool all; /* of a virtual server */
    enum outcome outcome;
};

static enum outcome answer(struct giving *giving)
{
    char count[24];
    snprintf(count, sizeof(count), "%zu", giving->given);
    if (giving->outcome == DONE && giving->all &&
        lyd_new_term(giving->call->reply, NULL, "real-servers", count, 1, NULL))
        return fail_memory(&giving->call->error);
    return giving->outcome;
}

static void end_one(struct giving *giving)
{
    if (--giving->waiting)
        return;
    enum outcome outcome = answer(giving);
    call_done(giving->call, outcome);
    free(giving);
}

static void stored(void *arg, enum outcome outcome, struct error *err)
{
    struct giving *giving = arg;
    if (outcome != DONE && giving->outcome == DONE) {
        giving->outcome = outcome;
        error_move(&giving->call->error, err);
    }
    end_one(giving);
}

/* Input. */

static enum outcome read_end(struct backend_call *call, struct steering_order *order)
{
    const char *duration = leaf_value(call->request, "duration");
    const char *until = leaf_value(call->request, "until");
    if (duration)
        order->until = order->since + (int64_t)strtoull(duration, NULL, 10) * SECOND;
    if (!until || !clock_of_text(until, &order->until))
        return DONE;
    if (order->until > order->since)
        return DONE;
    refuse(&call->error, TAG_INVALID_VALUE, NULL,
           "The order would have ended before it begins: name a time 'until' that is to come.");
    call->error.element = strdup("until");
    return REFUSED;
}

static enum outcome read_texts(struct backend_call *call, struct steering_order *order)
{
    const char *reason = leaf_value(call->request, "reason");
    if (reason && strlen(reason) >= sizeof(order->reason)) {
        refuse(&call->error, TAG_INVALID_VALUE, NULL,
               "The reason has %zu octets, of which there may be %zu: say it in fewer words.",
               strlen(reason), sizeof(order->reason) - 1);
        call->error.element = strdup("reason");
        return REFUSED;
    }
    snprintf(order->owner, sizeof(order->owner), "%s", call->origin->user);
    snprintf(order->reason, sizeof(order->reason), "%s", reason ? reason : "");
    return DONE;
}

static enum outcome read_order(struct backend_call *call, enum steering_order_kind kind,
                               struct steering_order *order)
{
    *order = (struct steering_order){.kind = kind, .since = clock_now()};
    if (kind == STEERING_ORDER_NONE)
        return DONE;
    const char *weight = leaf_value(call->request, "weight");
    const char *timeout = leaf_value(call->request, "timeout");
    if (weight)
        order->weight = (int32_t)strtol(weight, NULL, 10);
    if (timeout && strcmp(timeout, "0") != 0)
        order->until = order->since + (int64_t)strtoull(timeout, NULL, 10) * SECOND;
    enum outcome outcome = read_end(call, order);
    return outcome == DONE ? read_texts(call, order) : outcome;
}

/* Orders. */

static void give(struct giving *giving, const struct steering_key *key,
                 const struct steering_order *order)
{
    struct agent *agent = giving->call->backend->agent;
    struct steering_order next = *order;
    if (order->kind == STEERING_ORDER_NONE)
        steering_configured_order(agent, key, &next);
    giving->waiting++;
    giving->given++;
    steering_set_order(agent, key, &next, stored, giving);
}

/* Whether an order can be given: who leaves cannot be kept, and what is not there not taken back.
 */
static enum outcome check(struct backend_call *call, const struct steering_key *key,
                          enum steering_order_kind kind)
{
    struct steering_server now;
    steering_read(call->backend->agent, key, &now);
    if (now.order.kind == STEERING_ORDER_LEAVE)
        return refuse(&call->error, TAG_IN_USE, NULL,
                      "%s port %u is not enabled any more and leaves gracefully: enable it first.",
                      key->address, (unsigned)key->port);
    if (!kind && !now.order.kind)
        return refuse(&call->error, TAG_DATA_MISSING, NULL,
                      "There is no order on %s port %u that could be taken back.", key->address,
                      (unsigned)key->port);
    if (!kind && now.order.configured)
        return refuse(&call->error, TAG_IN_USE, NULL,
                      "The configuration has %s port %u in maintenance: delete its container "
                      "maintenance instead.",
                      key->address, (unsigned)key->port);
    return DONE;
}

static void give_one(struct giving *giving, const struct lyd_node *real,
                     const struct steering_order *order)
{
    struct backend_call *call = giving->call;
    struct steering_key key = steering_key_of(real, leaf_value(lyd_parent(real), "name"));
    giving->outcome = check(call, &key, order->kind);
    if (giving->outcome != DONE)
        return;
    give(giving, &key, order);
    notice_order(call->backend->agent, &key, order, call->origin->user);
}

/* All that the call's snapshot has of a virtual server, and that an order can be given on. */
static void give_all(struct giving *giving, const struct lyd_node *server,
                     const struct steering_order *order)
{
    struct backend_call *call = giving->call;
    struct agent *agent = call->backend->agent;
    const char *name = leaf_value(server, "name");
    char *predicate = entry_key_of(server);
    const struct unit *unit = schema_unit_of_list(agent->schema, server->schema);
    const struct entry *entry = predicate ? snapshot_find(call->running, unit, predicate) : NULL;
    const struct lyd_node *child;
    free(predicate);
    LY_LIST_FOR(entry ? lyd_child(entry->node) : NULL, child)
    {
        if (strcmp(LYD_NAME(child), "real-server") != 0)
            continue;
        struct steering_key key = steering_key_of(child, name);
        struct steering_server now;
        steering_read(agent, &key, &now);
        if (now.order.kind != STEERING_ORDER_LEAVE &&
            (order->kind || (now.order.kind && !now.order.configured)))
            give(giving, &key, order);
    }
    if (giving->given)
        notice_order(agent, &(struct steering_key){.virtual_server = name}, order,
                     call->origin->user);
}

static void run(struct backend_call *call, enum steering_order_kind kind)
{
    struct giving *giving = calloc(1, sizeof(*giving));
    struct steering_order order;
    const struct lyd_node *target = lyd_parent(call->request);
    if (!giving) {
        call_done(call, fail_memory(&call->error));
        return;
    }
    *giving = (struct giving){.call = call, .waiting = 1};
    giving->all = strcmp(LYD_NAME(target), "real-server") != 0;
    giving->outcome = read_order(call, kind, &order);
    if (giving->outcome == DONE && giving->all)
        give_all(giving, target, &order);
    else if (giving->outcome == DONE)
        give_one(giving, target, &order);
    end_one(giving);
}

static void run_drain(struct backend *backend, struct backend_call *call)
{
    run(call, STEERING_ORDER_DRAIN);
}

static void run_force_down(struct backend *backend, struct backend_call *call)
{
    run(call, STEERING_ORDER_DOWN);
}

static void run_force_up(struct backend *backend, struct backend_call *call)
{
    run(call, STEERING_ORDER_UP);
}

static void run_override_weight(struct backend *backend, struct backend_call *call)
{
    run(call, STEERING_ORDER_WEIGHT);
}

static void run_resume(struct backend *backend, struct backend_call *call)
{
    run(call, STEERING_ORDER_NONE);
}

#define SERVER "/noria-virtual-server:virtual-servers/virtual-server/"
#define REAL SERVER "real-server/"

const struct backend_operation steering_operations[] = {
    {.path = REAL "noria-operations:drain", .run = run_drain},
    {.path = REAL "noria-operations:force-down", .run = run_force_down},
    {.path = REAL "noria-operations:force-up", .run = run_force_up},
    {.path = REAL "noria-operations:override-weight", .run = run_override_weight},
    {.path = REAL "noria-operations:resume", .run = run_resume},
    {.path = SERVER "noria-operations:drain", .run = run_drain},
    {.path = SERVER "noria-operations:force-down", .run = run_force_down},
    {.path = SERVER "noria-operations:force-up", .run = run_force_up},
    {.path = SERVER "noria-operations:override-weight", .run = run_override_weight},
    {.path = SERVER "noria-operations:resume", .run = run_resume},
    {0},
};
