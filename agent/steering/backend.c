/*
 * Steering as operators see it.
 */
#include "agent/steering/backend.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/steering/operations.h"
#include "agent/steering/steering.h"

/* The state of one entry. The first thing that fails ends it. */
struct reading {
    struct lyd_node *node;
    const struct lys_module *module;
    struct steering_row *rows;
    size_t count;
    bool failed;
};

static void add(struct reading *reading, struct lyd_node *parent, const char *name,
                const char *value)
{
    reading->failed = reading->failed || lyd_new_term(parent, NULL, name, value, 0, NULL);
}

static void add_number(struct reading *reading, struct lyd_node *parent, const char *name,
                       int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    add(reading, parent, name, text);
}

static void add_time(struct reading *reading, struct lyd_node *parent, const char *name,
                     int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    if (time)
        add(reading, parent, name, clock_text(time, text));
}

/* The grouping drain-state. */
static void add_drain_state(struct reading *reading, struct lyd_node *parent,
                            const struct steering_server *server)
{
    add_time(reading, parent, "since", server->order.since);
    add_time(reading, parent, "until", server->order.until);
    if (steering_drains(&server->order) && server->connections >= 0)
        add_number(reading, parent, "connections-left", server->connections);
}

static void add_order(struct reading *reading, struct lyd_node *real,
                      const struct steering_server *server)
{
    const struct steering_order *order = &server->order;
    struct lyd_node *node;
    if (lyd_new_inner(real, reading->module, "order", 0, &node)) {
        reading->failed = true;
        return;
    }
    add(reading, node, "kind", steering_order_name(order->kind));
    if (order->kind == STEERING_ORDER_WEIGHT)
        add_number(reading, node, "weight", order->weight);
    if (*order->owner)
        add(reading, node, "owner", order->owner);
    if (*order->reason)
        add(reading, node, "reason", order->reason);
    add(reading, node, "configured", order->configured ? "true" : "false");
    if (order->kind == STEERING_ORDER_DRAIN)
        add(reading, node, "drained", order->drained ? "true" : "false");
    add_drain_state(reading, node, server);
}

/* The configured real server that a row is of, or NULL. */
static struct lyd_node *real_of(const struct reading *reading, const struct steering_row *row)
{
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(reading->node), child)
    {
        if (child->schema && !strcmp(child->schema->name, "real-server") &&
            !strcmp(leaf_value(child, "address"), row->address) &&
            strtoul(leaf_value(child, "port"), NULL, 10) == row->port)
            return child;
    }
    return NULL;
}

static void add_leaving(struct reading *reading, const struct steering_row *row)
{
    struct lyd_node *node;
    char port[8];
    snprintf(port, sizeof(port), "%u", (unsigned)row->port);
    if (lyd_new_list(reading->node, reading->module, "leaving", 0, &node, row->address, port))
        reading->failed = true;
    else
        add_drain_state(reading, node, &row->server);
}

static enum outcome fill(struct backend *backend, struct lyd_node *node, struct error *err)
{
    struct reading reading = {.node = node};
    reading.module = ly_ctx_get_module_implemented(LYD_CTX(node), "noria-operations");
    reading.count = steering_orders(backend->agent, leaf_value(node, "name"), &reading.rows);
    for (size_t i = 0; i < reading.count && !reading.failed; i++) {
        struct lyd_node *real = real_of(&reading, &reading.rows[i]);
        if (real)
            add_order(&reading, real, &reading.rows[i].server);
        else if (reading.rows[i].server.order.kind == STEERING_ORDER_LEAVE)
            add_leaving(&reading, &reading.rows[i]);
    }
    free(reading.rows);
    return reading.failed ? fail_memory(err) : DONE;
}

static enum outcome steering_operational(struct backend *backend,
                                         const struct state_request *request, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        const struct lysc_node *list = request->entries[i]->unit->list;
        if (list && !strcmp(list->name, "virtual-server"))
            outcome = fill(backend, request->nodes[i], err);
    }
    return outcome;
}

static enum outcome steering_begin(struct backend *backend, const struct snapshot *running,
                                   struct error *err)
{
    backend_report_up(backend);
    return DONE;
}

/* It learns of changes at the end of a transaction (steering_transaction_ended()). */
static void nothing_to_do(struct backend *backend, struct backend_step *step)
{
    step_done(step, DONE);
}

static const char *const claims[] = {NULL};
static const char *const follows[] = {"/noria-virtual-server:virtual-servers", NULL};

const struct backend_ops steering_backend = {
    .name = "steering",
    .summary = "orders on real servers: drain, force, weights",
    .claims = claims,
    .follows = follows,
    .operations = steering_operations,
    .start = steering_begin,
    .prepare = nothing_to_do,
    .apply = nothing_to_do,
    .revert = nothing_to_do,
    .operational = steering_operational,
};
