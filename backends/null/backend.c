/*
 * The null backend.
 */
#include "backends/null/backend.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "backends/null/operations.h"

/* The items before an apply, for its revert; and a step that ends later. */
struct null_plan {
    struct held *before;
    uv_timer_t *timer;
    enum outcome outcome;
};

static void free_items(struct held *items)
{
    struct held *next;
    for (; items; items = next) {
        next = items->next;
        free(items->key);
        free(items->value);
        free(items);
    }
}

static struct held *copy_items(const struct held *items)
{
    struct held *copy = NULL;
    for (; items; items = items->next) {
        struct held *item = calloc(1, sizeof(*item));
        if (!item)
            return copy;
        item->key = strdup(items->key);
        item->value = strdup(items->value);
        item->next = copy;
        copy = item;
    }
    return copy;
}

static void drop_item(struct null_backend *null, const char *key)
{
    for (struct held **at = &null->items; *at; at = &(*at)->next) {
        if (!strcmp((*at)->key, key)) {
            struct held *gone = *at;
            *at = gone->next;
            gone->next = NULL;
            free_items(gone);
            return;
        }
    }
}

static void hold_item(struct null_backend *null, const struct entry *entry)
{
    struct held *item = calloc(1, sizeof(*item));
    drop_item(null, entry->key);
    if (!item)
        return;
    item->key = strdup(entry->key);
    item->value = strdup(leaf_value(entry->node, "value"));
    item->next = null->items;
    null->items = item;
}

/* The module's other lists are there for their rules alone. */
static bool is_item(const struct unit *unit)
{
    return unit->list && !strcmp(unit->list->name, "item");
}

static void hold_changes(struct null_backend *null, const struct change_set *changes)
{
    uv_mutex_lock(&null->lock);
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (!is_item(change->unit))
            continue;
        if (change->after)
            hold_item(null, change->after);
        else
            drop_item(null, change->before->key);
    }
    uv_mutex_unlock(&null->lock);
}

static enum outcome null_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct null_backend *null = calloc(1, sizeof(*null));
    if (!null || uv_mutex_init(&null->lock)) {
        free(null);
        return fail_memory(err);
    }
    backend->data = null;
    const struct unit *unit = schema_unit_find(backend->schema, "/noria-null:null/item");
    size_t count, first = snapshot_range(running, unit, &count);
    for (size_t i = first; i < first + count; i++)
        hold_item(null, running->entries[i]);
    backend_report_up(backend);
    return DONE;
}

static void null_stop(struct backend *backend)
{
    struct null_backend *null = backend->data;
    null_operations_stop(null);
    free_items(null->items);
    uv_mutex_destroy(&null->lock);
    free(null);
}

/* What an item wants a step to do. */
static enum outcome behave(const struct entry *entry, const char *step_name, struct error *err)
{
    const char *behaviour = leaf_value(entry->node, step_name);
    char *path = lyd_path(entry->node, LYD_PATH_STD, NULL, 0);
    enum outcome outcome = DONE;
    if (!strcmp(behaviour, "refuse"))
        outcome = refuse(err, TAG_INVALID_VALUE, path,
                         "The null backend was told to refuse this item in %s.", step_name);
    else if (!strcmp(behaviour, "fail"))
        outcome = fail(err, TAG_OPERATION_FAILED, path, "The null backend was told to fail in %s.",
                       step_name);
    free(path);
    return outcome;
}

static void forget_timer(uv_handle_t *timer)
{
    free(timer);
}

static void dawdled(uv_timer_t *timer)
{
    struct backend_step *step = timer->data;
    struct null_plan *plan = step->plan;
    plan->timer = NULL;
    uv_close((uv_handle_t *)timer, forget_timer);
    step_done(step, plan->outcome);
}

/* End a step, after as long as its slowest item wants. */
static void end_step(struct backend_step *step, const char *step_name)
{
    struct null_plan *plan = step->plan;
    uint64_t delay = 0;
    plan->outcome = DONE;
    for (size_t i = 0; i < step->changes->count && plan->outcome == DONE; i++) {
        const struct change *change = &step->changes->changes[i];
        if (!change->after || !is_item(change->unit))
            continue;
        uint64_t wanted = strtoull(leaf_value(change->after->node, "delay"), NULL, 10);
        delay = wanted > delay ? wanted : delay;
        plan->outcome = behave(change->after, step_name, &step->error);
    }
    log_debug(AREA_NULL, "%s of %zu changes, after %lu ms", step_name, step->changes->count,
              (unsigned long)delay);
    uv_timer_t *timer = delay ? calloc(1, sizeof(*timer)) : NULL;
    if (!timer) {
        step_done(step, plan->outcome);
        return;
    }
    uv_timer_init(step->backend->loop, timer);
    timer->data = step;
    plan->timer = timer;
    uv_timer_start(timer, dawdled, delay, 0);
}

static void null_prepare(struct backend *backend, struct backend_step *step)
{
    step->plan = calloc(1, sizeof(struct null_plan));
    if (!step->plan) {
        step_done(step, fail_memory(&step->error));
        return;
    }
    end_step(step, "prepare");
}

static bool is_to_fail(const struct backend_step *step)
{
    for (size_t i = 0; i < step->changes->count; i++) {
        const struct change *change = &step->changes->changes[i];
        if (change->after && is_item(change->unit) &&
            strcmp(leaf_value(change->after->node, "apply"), "accept") != 0)
            return true;
    }
    return false;
}

static void null_apply(struct backend *backend, struct backend_step *step)
{
    struct null_backend *null = backend->data;
    struct null_plan *plan = step->plan;
    if (!is_to_fail(step)) { /* else nothing is done half */
        plan->before = copy_items(null->items);
        hold_changes(null, step->changes);
    }
    end_step(step, "apply");
}

static void null_revert(struct backend *backend, struct backend_step *step)
{
    struct null_backend *null = backend->data;
    struct null_plan *plan = step->plan;
    uv_mutex_lock(&null->lock);
    free_items(null->items);
    null->items = plan->before;
    plan->before = NULL;
    uv_mutex_unlock(&null->lock);
    end_step(step, "revert");
}

static void null_release(struct backend *backend, void *plan)
{
    if (plan)
        free_items(((struct null_plan *)plan)->before);
    free(plan);
}

static enum outcome null_operational(struct backend *backend, const struct state_request *request,
                                     struct error *err)
{
    struct null_backend *null = backend->data;
    enum outcome outcome = DONE;
    uv_mutex_lock(&null->lock);
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        const struct held *item = is_item(request->entries[i]->unit) ? null->items : NULL;
        while (item && strcmp(item->key, request->entries[i]->key) != 0)
            item = item->next;
        if (item)
            outcome = state_add(request->nodes[i], "held", item->value, err);
    }
    uv_mutex_unlock(&null->lock);
    return outcome;
}

static const char *const null_claims[] = {"/noria-null:null", NULL};

const struct backend_ops null_backend = {
    .name = "null",
    .summary = "nothing: for tests",
    .claims = null_claims,
    .operations = null_operations,
    .start = null_start,
    .prepare = null_prepare,
    .apply = null_apply,
    .revert = null_revert,
    .release = null_release,
    .operational = null_operational,
    .stop = null_stop,
};
