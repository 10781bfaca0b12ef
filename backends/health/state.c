#include "backends/health/state.h"

#include <stdlib.h>
#include <string.h>

#include "backends/health/service.h"

/* A reading of one entry. The first thing that fails ends it. */
struct reading {
    struct error *err;
    enum outcome outcome;
};

static void add(struct reading *reading, struct lyd_node *node, const char *name, const char *value)
{
    if (reading->outcome == DONE && value)
        reading->outcome = state_add(node, name, value, reading->err);
}

static void add_number(struct reading *reading, struct lyd_node *node, const char *name,
                       uint64_t value)
{
    if (reading->outcome == DONE)
        reading->outcome = state_add_number(node, name, value, reading->err);
}

static void add_time(struct reading *reading, struct lyd_node *node, const char *name, int64_t time)
{
    if (reading->outcome == DONE && time)
        reading->outcome = state_add_time(node, name, time, reading->err);
}

/* The container health of a node, which configuration may have left out. */
static struct lyd_node *health_of(struct reading *reading, struct lyd_node *node)
{
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (child->schema && !strcmp(child->schema->name, "health"))
            return child;
    }
    const struct lys_module *module = ly_ctx_get_module_implemented(LYD_CTX(node), "noria-health");
    if (reading->outcome == DONE && lyd_new_inner(node, module, "health", 0, &child))
        reading->outcome = fail_memory(reading->err);
    return reading->outcome == DONE ? child : NULL;
}

static struct lyd_node *add_node(struct reading *reading, struct lyd_node *parent, const char *name,
                                 const char *key)
{
    struct lyd_node *node = NULL;
    if (reading->outcome != DONE)
        return NULL;
    LY_ERR error = key ? lyd_new_list(parent, NULL, name, 0, &node, key)
                       : lyd_new_list(parent, NULL, name, 0, &node);
    if (error)
        reading->outcome = fail_memory(reading->err);
    return node;
}

static void add_latency(struct reading *reading, struct lyd_node *node,
                        const struct latency *latency)
{
    if (!latency->last)
        return;
    add_number(reading, node, "latency", latency->last);
    add_number(reading, node, "average-latency", latency->average);
    add_number(reading, node, "minimum-latency", latency->least);
    add_number(reading, node, "maximum-latency", latency->most);
    add_number(reading, node, "median-latency", latency_percentile(latency, 50));
    add_number(reading, node, "p99-latency", latency_percentile(latency, 99));
}

static void add_check(struct reading *reading, struct lyd_node *status,
                      const struct health_check *check)
{
    const struct probe_status *probe = probe_status(check->subscriber.probe);
    struct lyd_node *node = add_node(reading, status, "check", check->name);
    if (check->number)
        add_number(reading, node, "number", check->number);
    add(reading, node, "state", health_state_name(check->verdict.state));
    add_time(reading, node, "last-run", probe->last_run);
    add_latency(reading, node, &probe->latency);
    add(reading, node, "last-error", probe->error);
    add_time(reading, node, "since", check->since);
    add_time(reading, node, "discontinuity-time", probe->counting_since);
    add_number(reading, node, "runs", probe->runs);
    add_number(reading, node, "failures", probe->failures);
}

static void add_change(struct reading *reading, struct lyd_node *status,
                       const struct health_change *change)
{
    struct lyd_node *node = add_node(reading, status, "change", NULL);
    add_time(reading, node, "time", change->time);
    add(reading, node, "state", health_state_name(change->health));
    add(reading, node, "cause", health_cause_name(change->cause));
    add(reading, node, "check", change->check);
    add(reading, node, "error", change->error);
    if (change->latency)
        add_number(reading, node, "latency", change->latency);
}

static struct lyd_node *status_of(struct reading *reading, struct lyd_node *node)
{
    struct lyd_node *health = health_of(reading, node), *status = NULL;
    if (health && lyd_new_inner(health, NULL, "status", 0, &status))
        reading->outcome = fail_memory(reading->err);
    return status;
}

static void add_server(struct reading *reading, struct lyd_node *real,
                       const struct health_server *server)
{
    struct lyd_node *status = status_of(reading, real);
    add(reading, status, "state", health_state_name(server->health));
    add_time(reading, status, "since", server->since);
    if (server->flap)
        add(reading, status, "flapping", server->flap->flapping ? "true" : "false");
    for (size_t i = 0; i < server->check_count; i++)
        add_check(reading, status, &server->checks[i]);
    for (size_t i = 0; server->history && i < HEALTH_HISTORY && server->history[i].time; i++)
        add_change(reading, status, &server->history[i]);
}

static void add_service(struct reading *reading, struct lyd_node *virtual,
                        const struct health_service *service)
{
    struct lyd_node *child, *status = status_of(reading, virtual);
    add(reading, status, "quorum-state", service->lost ? "lost" : "met");
    add_time(reading, status, "since", service->lost_since);
    if (service->ha_suspend)
        add(reading, status, "suspended", service->suspended ? "true" : "false");
    add_number(reading, status, "servers-up", service->server_count - service->down);
    add_number(reading, status, "servers-down", service->down);
    add_number(reading, status, "weight-up", service->weight_up);
    LY_LIST_FOR(lyd_child(virtual), child)
    {
        if (reading->outcome != DONE || !child->schema ||
            strcmp(child->schema->name, "real-server") != 0)
            continue;
        const struct health_server *server = service_find(
            service, leaf_value(child, "address"), (uint16_t)atoi(leaf_value(child, "port")));
        if (server)
            add_server(reading, child, server);
    }
}

/* The end of the class in which the run of a share of 99 in 100 is. */
static uint64_t lateness_p99(const struct health_figures *figures)
{
    uint64_t total = 0, sum = 0;
    for (size_t i = 0; i < HEALTH_LATENESS_CLASSES; i++)
        total += figures->late[0][i] + figures->late[1][i];
    for (size_t i = 0; i < HEALTH_LATENESS_CLASSES; i++) {
        sum += figures->late[0][i] + figures->late[1][i];
        if (sum * 100 >= total * 99)
            return i + 1 < HEALTH_LATENESS_CLASSES ? (i + 1) * HEALTH_LATENESS_WIDTH
                                                   : figures->late_max;
    }
    return 0;
}

static void add_engine(struct reading *reading, struct lyd_node *node,
                       const struct health_figures *figures)
{
    add_number(reading, node, "checks", figures->probes);
    add_number(reading, node, "running", figures->running);
    add_number(reading, node, "runs", figures->runs);
    add_number(reading, node, "failures", figures->failures);
    add_number(reading, node, "unable", figures->unable);
    add_number(reading, node, "lateness-p99", lateness_p99(figures));
    add_number(reading, node, "lateness-max", figures->late_max);
}

/* Numbers of the checks that a virtual server or a real server has of its own. */
static void number_checks(struct reading *reading, const struct entry *entry,
                          const struct lyd_node *node)
{
    struct lyd_node *check;
    LY_LIST_FOR(lyd_child(child_node(node, "health")), check)
    {
        uint32_t number = check->schema && !strcmp(check->schema->name, "check")
                              ? entry_row_number(entry, check)
                              : 0;
        if (number)
            add_number(reading, check, "number", number);
    }
}

static void number_all_checks(struct reading *reading, const struct entry *entry,
                              const struct lyd_node *node)
{
    const struct lyd_node *child;
    number_checks(reading, entry, node);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (child->schema && !strcmp(child->schema->name, "real-server"))
            number_checks(reading, entry, child);
    }
}

/* The lock is held for one entry at a time, so that a long reading does not keep checks waiting. */
static void add_entry(struct health_engine *engine, struct reading *reading,
                      const struct entry *entry, struct lyd_node *node)
{
    if (entry->unit->list)
        number_all_checks(reading, entry, node);
    uv_mutex_lock(&engine->lock);
    if (!entry->unit->list && !strcmp(entry->unit->top->name, "health-engine")) {
        add_engine(reading, node, &engine->figures);
        uv_mutex_unlock(&engine->lock);
        return;
    }
    const struct health_service *service =
        entry->unit->list && leaf_value(entry->node, "name")
            ? text_table_find(&engine->services, leaf_value(entry->node, "name"))
            : NULL;
    if (service)
        add_service(reading, node, service);
    uv_mutex_unlock(&engine->lock);
}

enum outcome health_operational(struct backend *backend, const struct state_request *request,
                                struct error *err)
{
    struct health_engine *engine = backend->data;
    struct reading reading = {.err = err};
    for (size_t i = 0; engine && i < request->count && reading.outcome == DONE; i++)
        add_entry(engine, &reading, request->entries[i], request->nodes[i]);
    return reading.outcome;
}
