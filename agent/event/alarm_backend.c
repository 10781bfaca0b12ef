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

static enum outcome start(struct backend *backend, const struct snapshot *running,
                          struct error *err)
{
    struct alarm_control control = control_of(backend, running);
    alarms_set_control(backend->agent->alarms, &control);
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
