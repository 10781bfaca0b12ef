/*
 * The rules in force, and what was denied by them.
 */
#include "agent/access/backend.h"

#include <stdlib.h>

#include "agent/access/access.h"
#include "agent/agent.h"
#include "agent/log.h"

#define NACM "/ietf-netconf-acm:nacm"

struct access_control {
    uv_mutex_t lock;            /* guards the pointer that follows */
    struct access_rules *rules; /* One reference. */
    atomic_uint denied[DENIED_COUNT];
};

static struct access_control *control_of(struct agent *agent)
{
    for (size_t i = 0; i < agent->backend_count; i++)
        if (agent->backends[i].ops == &access_backend)
            return agent->backends[i].data;
    return NULL;
}

static struct access_rules *rules_in_force(struct access_control *control)
{
    uv_mutex_lock(&control->lock);
    struct access_rules *rules = access_rules_ref(control->rules);
    uv_mutex_unlock(&control->lock);
    return rules;
}

enum outcome access_begin(struct agent *agent, const char *user, bool recovery,
                          struct access *access, struct error *err)
{
    struct access_control *control = control_of(agent);
    *access = (struct access){0};
    if (!control)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Access control does not work.");
    struct access_rules *rules = rules_in_force(control);
    enum outcome outcome =
        access_begin_with(rules, agent->schema->unit_count, user, recovery, access, err);
    access->control = control;
    access_rules_unref(rules);
    return outcome;
}

void access_denied(const struct access *access, enum access_counter counter, const char *what)
{
    if (access->control)
        atomic_fetch_add_explicit(&access->control->denied[counter], 1, memory_order_relaxed);
    log_info(AREA_ACCESS, "user %s may not %s", access->user, what);
}

/* The rules that follow from a configuration. */
static enum outcome rules_of(const struct backend *backend, const struct snapshot *snapshot,
                             struct access_rules **rules, struct error *err)
{
    const struct unit *unit = schema_unit_find(backend->schema, NACM);
    const struct entry *entry = snapshot_find(snapshot, unit, "");
    if (!entry)
        return fail(err, TAG_OPERATION_FAILED, NACM, "The configuration lacks " NACM ".");
    return access_rules_new(entry->node, rules, err);
}

static enum outcome access_start(struct backend *backend, const struct snapshot *running,
                                 struct error *err)
{
    struct access_control *control = calloc(1, sizeof(*control));
    if (!control)
        return fail_memory(err);
    if (rules_of(backend, running, &control->rules, err) != DONE) {
        free(control);
        return FAILED;
    }
    if (uv_mutex_init(&control->lock)) {
        access_rules_unref(control->rules);
        free(control);
        return fail_memory(err);
    }
    backend->data = control;
    if (!control->rules->enabled)
        log_warning(AREA_ACCESS, "access control is off: every user may do everything");
    backend_report_up(backend);
    return DONE;
}

/* A plan is the set of rules that is not in force: first the next one, then the one before. */
static void access_prepare(struct backend *backend, struct backend_step *step)
{
    struct access_rules *rules = NULL;
    enum outcome outcome = rules_of(backend, step->changes->after, &rules, &step->error);
    step->plan = rules;
    step_done(step, outcome);
}

static void access_swap(struct backend *backend, struct backend_step *step)
{
    struct access_control *control = backend->data;
    struct access_rules *rules = step->plan;
    uv_mutex_lock(&control->lock);
    step->plan = control->rules;
    control->rules = rules;
    uv_mutex_unlock(&control->lock);
    log_notice(AREA_ACCESS, "access control is %s: %zu groups, %zu lists of rules",
               rules->enabled ? "on" : "off", rules->group_count, rules->list_count);
    step_done(step, DONE);
}

static void access_release(struct backend *backend, void *plan)
{
    access_rules_unref(plan);
}

static enum outcome access_operational(struct backend *backend, const struct state_request *request,
                                       struct error *err)
{
    static const char *const leaves[] = {[DENIED_OPERATIONS] = "denied-operations",
                                         [DENIED_DATA_WRITES] = "denied-data-writes",
                                         [DENIED_NOTIFICATIONS] = "denied-notifications"};
    struct access_control *control = backend->data;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count; i++)
        for (size_t c = 0; c < DENIED_COUNT && outcome == DONE; c++)
            outcome = state_add_number(request->nodes[i], leaves[c],
                                       atomic_load(&control->denied[c]), err);
    return outcome;
}

static void access_stop(struct backend *backend)
{
    struct access_control *control = backend->data;
    backend->data = NULL;
    access_rules_unref(control->rules);
    uv_mutex_destroy(&control->lock);
    free(control);
}

static const char *const access_claims[] = {NACM, NULL};

const struct backend_ops access_backend = {
    .name = "access",
    .summary = "who may do what (NACM)",
    .claims = access_claims,
    .start = access_start,
    .prepare = access_prepare,
    .apply = access_swap,
    .revert = access_swap,
    .release = access_release,
    .operational = access_operational,
    .stop = access_stop,
};
