/*
 * The alarms as a backend.
 */
#include "agent/event/alarm_backend.h"

#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarm_internal.h"
#include "agent/event/alarm_operations.h"

#define UNIT "/ietf-alarms:alarms"

static struct alarm_control control_of(const struct backend *backend,
                                       const struct snapshot *snapshot)
{
    struct alarm_control control = {.history = 32};
    const struct unit *unit = schema_unit_find(backend->schema, UNIT);
    const struct entry *entry = unit ? snapshot_find(snapshot, unit, "") : NULL;
    const char *history = entry ? leaf_value(entry->node, "control/max-alarm-status-changes") : 0;
    const char *notify = entry ? leaf_value(entry->node, "control/notify-status-changes") : NULL;
    if (history) /* 0 is not enough: the last change is the alarm's state */
        control.history = !strcmp(history, "infinite") ? SIZE_MAX : strtoul(history, NULL, 10);
    if (!control.history)
        control.history = 1;
    if (notify && !strcmp(notify, "raise-and-clear"))
        control.notify = ALARM_NOTIFY_RAISE_AND_CLEAR;
    if (notify && !strcmp(notify, "severity-level")) {
        control.notify = ALARM_NOTIFY_LEVEL;
        control.level = (enum alarm_severity)alarm_severity_of(
            leaf_value(entry->node, "control/notify-severity-level"));
    }
    return control;
}

/* What is configured when the agent starts. */
struct configured {
    const struct schema *schema;
    const struct snapshot *running;
};

/* The entry that holds a node, or NULL. @param[out] own Whether there is one if it is configured.
 */
static const struct entry *entry_of(const struct configured *configured,
                                    const struct lyd_node *node, bool *own)
{
    const struct unit *unit;
    node = schema_own_node(configured->schema, node, &unit);
    char *key = unit && unit->list ? entry_key_of(node) : NULL;
    const struct entry *entry = key ? snapshot_find(configured->running, unit, key) : NULL;
    *own = key && unit->config;
    free(key);
    return entry;
}

/* A crash may have come after the commit that deleted something, and before its alarms' end. */
static bool is_gone(const struct alarm *alarm, const void *arg)
{
    const struct configured *configured = arg;
    struct lyd_node *tree = NULL, *node = NULL, *found;
    bool own;
    if (*alarm->resource != '/' ||
        lyd_new_path2(NULL, configured->schema->ctx, alarm->resource, NULL, 0, 0, 0, &tree, &node))
        return false;
    const struct entry *entry = entry_of(configured, node, &own);
    bool gone = own && (!entry || lyd_find_path(entry->tree, alarm->resource, 0, &found));
    lyd_free_all(tree);
    return gone;
}

static enum outcome start(struct backend *backend, const struct snapshot *running,
                          struct error *err)
{
    struct alarm_control control = control_of(backend, running);
    alarms_set_control(backend->agent->alarms, &control);
    alarms_clear_those(backend->agent->alarms, is_gone,
                       &(struct configured){backend->schema, running}, "It was deleted.");
    backend_report_up(backend);
    return DONE;
}

static void prepare(struct backend *backend, struct backend_step *step)
{
    step_done(step, DONE);
}

static void apply(struct backend *backend, struct backend_step *step)
{
    struct alarm_control control = control_of(backend, step->changes->after);
    alarms_set_control(backend->agent->alarms, &control);
    step_done(step, DONE);
}

static void revert(struct backend *backend, struct backend_step *step)
{
    struct alarm_control control = control_of(backend, step->changes->before);
    alarms_set_control(backend->agent->alarms, &control);
    step_done(step, DONE);
}

static enum outcome operational(struct backend *backend, const struct state_request *request,
                                struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        size_t count;
        int64_t last;
        struct alarm **taken = alarms_take(backend->agent->alarms, &count, &last);
        if (!taken)
            return fail_memory(err);
        outcome = alarm_tree_add(request->nodes[i], taken, count, last, err);
        alarms_give_back(taken, count);
    }
    return outcome;
}

static const char *const claims[] = {UNIT, NULL};

static const struct backend_operation operations[] = {
    {.path = UNIT "/alarm-list/alarm/set-operator-state", .run = alarm_set_operator_state},
    {.path = UNIT "/alarm-list/purge-alarms", .run = alarm_purge},
    {.path = UNIT "/alarm-list/compress-alarms", .run = alarm_compress},
    {0},
};

const struct backend_ops alarm_backend = {
    .name = "alarms",
    .summary = "what is wrong, and what was (RFC 8632)",
    .claims = claims,
    .operations = operations,
    .start = start,
    .prepare = prepare,
    .apply = apply,
    .revert = revert,
    .operational = operational,
};
