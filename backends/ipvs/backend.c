#include "backends/ipvs/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/engine.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/state.h"
#include "backends/ipvs/steered.h"

/* What a transaction does: the tables that its operations borrow from, and the operations. */
struct plan {
    struct ipvs_table desired; /* of the touched entries, after */
    struct ipvs_table held;    /* of the kernel's, what touched entries name, before or after */
    struct ipvs_operations operations;
    uint64_t generation; /* of the kernel's table that it was made for */
};

static void plan_clear(struct plan *plan)
{
    ipvs_operations_clear(&plan->operations);
    ipvs_table_clear(&plan->desired);
    ipvs_table_clear(&plan->held);
}

static void plan_free(struct plan *plan)
{
    if (plan)
        plan_clear(plan);
    free(plan);
}

static bool is_virtual(const struct change *change)
{
    return change->unit->list && strcmp(change->unit->list->name, "virtual-server") == 0;
}

static bool named_by(const struct entry *entry, struct ipvs_service_id *id)
{
    return entry && ipvs_desired_enabled(entry->node) && ipvs_desired_service_id(entry->node, id);
}

/* Note in what the kernel holds which entry it was held for; the rest is someone else's. */
static bool mark_owners(const struct change_set *changes, const struct ipvs_table *held)
{
    struct ipvs_index index;
    if (!ipvs_index_make(held, &index))
        return false;
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        struct ipvs_service_id id;
        struct ipvs_service *service = NULL;
        if (is_virtual(change) && named_by(change->before, &id))
            service = ipvs_index_find(&index, &id);
        if (service)
            service->node = change->before->node;
    }
    ipvs_index_clear(&index);
    return true;
}

/* What the touched entries want, and what the kernel holds of what they name. */
static enum outcome compare(struct ipvs_engine *engine, const struct change_set *changes,
                            struct plan *plan, struct error *err)
{
    struct ipvs_service_id *ids = calloc(changes->count * 2 + 1, sizeof *ids);
    size_t count = 0;
    enum outcome outcome = ids ? DONE : fail_memory(err);

    for (size_t i = 0; i < changes->count && outcome == DONE; i++) {
        const struct change *change = &changes->changes[i];
        if (!is_virtual(change))
            continue;
        count += named_by(change->before, &ids[count]);
        count += named_by(change->after, &ids[count]);
        if (change->after)
            outcome = ipvs_desired(change->after, &plan->desired, err);
    }
    int error = outcome == DONE ? ipvs_engine_read(engine, ids, count, &plan->held) : 0;
    free(ids);
    if (error) {
        ipvs_engine_lost(engine, error);
        outcome = fail(err, TAG_RESOURCE_DENIED, NULL, "the ipvs backend is down: %s",
                       ipvs_explain_down(error));
    }
    return outcome;
}

static enum outcome fail_down(struct backend *backend, struct error *err)
{
    uv_mutex_lock(&backend->lock);
    fail(err, TAG_RESOURCE_DENIED, NULL, "the ipvs backend is down: %s",
         backend->reason ? backend->reason : "it has not started");
    uv_mutex_unlock(&backend->lock);
    return FAILED;
}

/* Make a plan, in place of what was in it. */
static enum outcome make_plan(struct backend *backend, const struct change_set *changes,
                              struct plan *plan, struct error *err)
{
    struct ipvs_engine *engine = backend->data;
    plan_clear(plan);
    if (!engine->sock)
        return fail_down(backend, err);
    enum outcome outcome = compare(engine, changes, plan, err);
    if (outcome == DONE && (!mark_owners(changes, &plan->held) ||
                            !ipvs_steer(backend->agent, &plan->desired, &plan->held) ||
                            !ipvs_plan(&plan->desired, &plan->held, &plan->operations)))
        outcome = fail_memory(err);
    plan->generation = engine->generation;
    return outcome;
}

static void ipvs_prepare(struct backend *backend, struct backend_step *step)
{
    struct plan *plan = calloc(1, sizeof *plan);
    enum outcome outcome =
        plan ? make_plan(backend, step->changes, plan, &step->error) : fail_memory(&step->error);
    if (outcome == DONE) {
        log_debug(AREA_IPVS, "a plan of %zu operations", plan->operations.count);
        step->plan = plan;
    } else {
        plan_free(plan);
    }
    step_done(step, outcome);
}

/* Errors that mean that what was to be taken back is so already. */
static bool is_back(const struct ipvs_operation *operation)
{
    switch (operation->verb) {
    case IPVS_ADD:
        return operation->result == EEXIST;
    case IPVS_DELETE:
        return operation->result == ENOENT || operation->result == ESRCH;
    case IPVS_EDIT:
        break;
    }
    return false;
}

/*
 * Take back what was done, in reverse order and whatever fails; every failure is logged.
 * @return How many failed; the first one is in err.
 */
static size_t take_back(struct ipvs_engine *engine, const struct ipvs_operations *operations,
                        struct error *err)
{
    struct ipvs_operations inverse;
    size_t failed = 0;
    if (!ipvs_invert(operations, &inverse)) {
        fail_memory(err);
        return 1;
    }
    ipvs_engine_run(engine, &inverse, true);
    for (size_t i = 0; i < inverse.count; i++) {
        const struct ipvs_operation *operation = &inverse.list[i];
        if (operation->result == 0 || is_back(operation))
            continue;
        struct error one = {0};
        ipvs_explain(operation, operation->result > 0 ? operation->result : ETIMEDOUT, "", &one);
        log_error(AREA_IPVS, "a change could not be taken back: %s", error_message(&one));
        if (failed++ == 0)
            error_move(err, &one);
        error_clear(&one);
    }
    ipvs_operations_clear(&inverse);
    return failed;
}

static bool same_name(const struct lyd_node *a, const struct lyd_node *b)
{
    const char *one = leaf_value(a, "name"), *other = leaf_value(b, "name");
    return one && other && strcmp(one, other) == 0;
}

/*
 * Services that were another entry's or nobody's have counted for someone else until now; and to
 * take a service over from another program is worth a line in the log.
 */
static void note_taken(struct ipvs_engine *engine, const struct plan *plan)
{
    struct ipvs_index held;
    if (!ipvs_index_make(&plan->held, &held))
        return;
    for (size_t i = 0; i < plan->desired.count; i++) {
        const struct ipvs_service *service = &plan->desired.services[i];
        const struct ipvs_service *old = ipvs_index_find(&held, &service->id);
        char text[IPVS_TEXT_SIZE];
        if (!old || (old->node && same_name(old->node, service->node)))
            continue;
        if (!old->node)
            log_notice(AREA_IPVS,
                       "%s was in the kernel's table already: virtual server %s takes it over",
                       ipvs_service_text(&service->id, text), leaf_value(service->node, "name"));
        ipvs_since_set(engine->since, &service->id, NULL);
        for (size_t d = 0; d < service->count; d++)
            ipvs_since_set(engine->since, &service->id, &service->destinations[d].id);
    }
    ipvs_index_clear(&held);
}

/* Say what went wrong first. */
static void explain_failure(const struct ipvs_operations *operations, int error, size_t stuck,
                            struct error *err)
{
    const char *more = stuck ? " Part of the change could not be taken back: see the log." : "";
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (operation->result != 0) {
            ipvs_explain(operation, operation->result > 0 ? operation->result : error, more, err);
            return;
        }
    }
}

static void ipvs_apply(struct backend *backend, struct backend_step *step)
{
    struct ipvs_engine *engine = backend->data;
    struct plan *plan = step->plan;

    /* Health checks and operators do not wait for a commit: their changes make a plan stale. */
    if (plan->generation != engine->generation &&
        make_plan(backend, step->changes, plan, &step->error) != DONE) {
        step_done(step, FAILED);
        return;
    }
    int error = ipvs_engine_run(engine, &plan->operations, false);
    if (error) {
        struct error back = {0};
        size_t stuck = take_back(engine, &plan->operations, &back);
        error_clear(&back);
        explain_failure(&plan->operations, error, stuck, &step->error);
        step_done(step, FAILED);
        return;
    }
    note_taken(engine, plan);
    ipvs_engine_set_running(engine, step->changes->after);
    step_done(step, DONE);
}

/* Bring the virtual servers of a transaction to what running says. @return Whether they are. */
static bool reconcile_touched(struct ipvs_engine *engine, const struct change_set *changes)
{
    const char **names = calloc(changes->count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; names && i < changes->count; i++)
        if (is_virtual(&changes->changes[i]) && changes->changes[i].before)
            names[count++] = leaf_value(changes->changes[i].before->node, "name");
    bool done = names && ipvs_steered_pass(engine, names, count) == 0;
    free(names);
    return done;
}

static void ipvs_revert(struct backend *backend, struct backend_step *step)
{
    struct ipvs_engine *engine = backend->data;
    const struct plan *plan = step->plan;
    struct error err = {0};

    ipvs_engine_set_running(engine, step->changes->before);
    size_t stuck = take_back(engine, &plan->operations, &err);
    /* What changed meanwhile for another reason is no failure, and may have been overwritten. */
    if (plan->generation != engine->generation && reconcile_touched(engine, step->changes))
        stuck = 0;
    if (stuck)
        fail(&step->error, TAG_ROLLBACK_FAILED, err.path, "%zu changes could not be taken back: %s",
             stuck, error_message(&err));
    error_clear(&err);
    step_done(step, stuck ? FAILED : DONE);
}

static void ipvs_release(struct backend *backend, void *plan)
{
    plan_free(plan);
}

static enum outcome ipvs_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct ipvs_engine *engine = ipvs_engine_new(backend, running);
    if (!engine)
        return fail_memory(err);
    backend->data = engine;
    engine->steered = ipvs_steered_begin(engine);
    if (!engine->steered)
        return fail_memory(err);
    ipvs_engine_connect(engine);
    return DONE;
}

static void ipvs_stop(struct backend *backend)
{
    if (backend->data)
        ipvs_engine_free(backend->data);
    backend->data = NULL;
}

static const char *const claims[] = {"/noria-virtual-server:virtual-servers", NULL};

const struct backend_ops ipvs_backend = {
    .name = "ipvs",
    .summary = "virtual servers in the kernel (IPVS), by generic netlink",
    .claims = claims,
    .start = ipvs_start,
    .prepare = ipvs_prepare,
    .apply = ipvs_apply,
    .revert = ipvs_revert,
    .release = ipvs_release,
    .operational = ipvs_operational,
    .stop = ipvs_stop,
};
