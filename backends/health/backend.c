#include "backends/health/backend.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "backends/health/fifo.h"
#include "backends/health/state.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"
#define FIFOS "/noria-health:health-engine/notify-fifo"

/* One virtual server of a transaction. */
struct exchange {
    const char *name;              /* borrowed from an entry of the transaction */
    struct health_service *before; /* at work before the transaction, then the plan's */
    struct health_service *after;  /* the plan's, then at work */
};

struct plan {
    size_t count;
    bool applied;
    struct health_fifos *fifos; /* as the service of an exchange; NULL: they stay as they are */
    struct exchange exchanges[];
};

static void health_release(struct backend *backend, void *data)
{
    struct plan *plan = data;
    for (size_t i = 0; plan && i < plan->count; i++)
        service_free(plan->applied ? plan->exchanges[i].before : plan->exchanges[i].after);
    health_fifos_free(plan ? plan->fifos : NULL);
    free(plan);
}

static bool is_virtual_server(const struct change *change)
{
    return !strcmp(change->unit->path, UNIT);
}

static enum outcome plan_exchange(struct health_engine *engine, const struct change *change,
                                  struct plan *plan, struct error *err)
{
    const struct entry *entry = change->after ? change->after : change->before;
    struct exchange *exchange = &plan->exchanges[plan->count];
    *exchange = (struct exchange){.name = leaf_value(entry->node, "name")};
    exchange->before = text_table_find(&engine->services, exchange->name);
    enum outcome outcome =
        change->after ? service_new(engine, change->after, &exchange->after, err) : DONE;
    if (outcome == DONE && (exchange->before || exchange->after))
        plan->count++;
    return outcome;
}

static bool is_fifo(const struct change *change)
{
    return !strcmp(change->unit->path, FIFOS);
}

static enum outcome plan_fifos(const struct backend *backend, const struct change_set *changes,
                               struct plan *plan, struct error *err)
{
    if (plan->fifos)
        return DONE;
    return health_fifos_new(backend->schema, changes->after, &plan->fifos, err);
}

static void health_prepare(struct backend *backend, struct backend_step *step)
{
    const struct change_set *changes = step->changes;
    struct plan *plan = calloc(1, sizeof(*plan) + changes->count * sizeof(*plan->exchanges));
    enum outcome outcome = plan ? DONE : fail_memory(&step->error);
    for (size_t i = 0; i < changes->count && outcome == DONE; i++)
        if (is_virtual_server(&changes->changes[i]))
            outcome = plan_exchange(backend->data, &changes->changes[i], plan, &step->error);
        else if (is_fifo(&changes->changes[i]))
            outcome = plan_fifos(backend, changes, plan, &step->error);
    if (outcome == DONE)
        step->plan = plan;
    else
        health_release(backend, plan);
    step_done(step, outcome);
}

static void swap_fifos(struct health_engine *engine, struct plan *plan)
{
    struct health_fifos *before = engine->fifos;
    if (!plan->fifos)
        return;
    engine->fifos = plan->fifos;
    plan->fifos = before;
}

static void health_apply(struct backend *backend, struct backend_step *step)
{
    struct plan *plan = step->plan;
    swap_fifos(backend->data, plan);
    for (size_t i = 0; i < plan->count; i++)
        service_begin(backend->data, plan->exchanges[i].before, plan->exchanges[i].after);
    for (size_t i = 0; i < plan->count; i++)
        service_settle(backend->data, plan->exchanges[i].before, plan->exchanges[i].after);
    plan->applied = true;
    step_done(step, DONE);
}

static void health_revert(struct backend *backend, struct backend_step *step)
{
    struct plan *plan = step->plan;
    for (size_t i = 0; i < plan->count; i++)
        service_begin(backend->data, plan->exchanges[i].after, plan->exchanges[i].before);
    for (size_t i = 0; i < plan->count; i++)
        service_settle(backend->data, plan->exchanges[i].after, plan->exchanges[i].before);
    swap_fifos(backend->data, plan);
    plan->applied = false;
    step_done(step, DONE);
}

/* Verdicts and orders have changed; the latter count for the quorum. */
static void orders_changed(void *arg, const char *const *names, size_t count)
{
    struct health_engine *engine = arg;
    for (size_t i = 0; i < count; i++) {
        struct health_service *service = text_table_find(&engine->services, names[i]);
        if (service)
            service_note_orders(service);
    }
}

static enum outcome health_start(struct backend *backend, const struct snapshot *running,
                                 struct error *err)
{
    struct health_engine *engine = health_engine_new(backend);
    enum outcome outcome =
        engine ? health_fifos_new(backend->schema, running, &engine->fifos, err) : fail_memory(err);
    backend->data = engine;
    const struct unit *unit = schema_unit_find(backend->schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;
    for (size_t i = first; i < first + count && outcome == DONE; i++) {
        struct health_service *service = NULL;
        outcome = service_new(engine, running->entries[i], &service, err);
        if (outcome != DONE || !service)
            continue;
        service_begin(engine, NULL, service);
        service_settle(engine, NULL, service);
    }
    if (outcome != DONE)
        return outcome;
    health_engine_begin(engine);
    steering_forget_unchecked(backend->agent);
    notice_start(backend->agent);
    engine->follower = (struct steering_follower){.changed = orders_changed, .arg = engine};
    if (backend->agent->steering)
        steering_follow(backend->agent, &engine->follower);
    backend_report_up(backend);
    return DONE;
}

static void health_stop(struct backend *backend)
{
    struct health_engine *engine = backend->data;
    struct health_service *service;
    if (engine && backend->agent->steering)
        steering_unfollow(backend->agent, &engine->follower);
    while (engine && (service = text_table_next(&engine->services, NULL))) {
        service_rest(service);
        service_free(service);
    }
    health_engine_free(engine);
    backend->data = NULL;
}

static const char *const claims[] = {"/noria-health:health-engine", NULL};
static const char *const follows[] = {"/noria-virtual-server:virtual-servers", NULL};

const struct backend_ops health_backend = {
    .name = "health",
    .summary = "health checks of real servers",
    .claims = claims,
    .follows = follows,
    .start = health_start,
    .prepare = health_prepare,
    .apply = health_apply,
    .revert = health_revert,
    .release = health_release,
    .operational = health_operational,
    .stop = health_stop,
};
