/*
 * The backend of /noria-agent:netconf-server: limits, host keys and listeners.
 *
 * Host keys are made and written by helper threads, so the steps of a transaction that changes them
 * end later.
 */
#include <pthread.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/netconf/hostkey.h"
#include "agent/netconf/internal.h"

struct settings {
    struct backend *backend;
    struct listeners *listeners;
    struct hostkeys *hostkeys;
    pthread_mutex_t lock; /* guards what follows */
    struct netconf_limits limits;
};

static unsigned long number_of(const struct entry *entry, const char *leaf)
{
    return strtoul(leaf_value(entry->node, leaf), NULL, 10); /* it has a default */
}

static void set_limits(struct settings *settings, const struct snapshot *snapshot)
{
    const struct unit *unit =
        schema_unit_find(settings->backend->schema, "/noria-agent:netconf-server");
    const struct entry *entry = snapshot_find(snapshot, unit, "");
    nc_server_set_idle_timeout((uint16_t)number_of(entry, "idle-timeout"));
    nc_server_set_hello_timeout((uint16_t)number_of(entry, "hello-timeout"));
    pthread_mutex_lock(&settings->lock);
    settings->limits = (struct netconf_limits){
        .connections = number_of(entry, "max-connections"),
        .logins = number_of(entry, "max-logins"),
        .login_time = (long)number_of(entry, "login-timeout"),
        .login_attempts = (int)number_of(entry, "login-attempts"),
        .message = number_of(entry, "max-message-size"),
        .sessions = number_of(entry, "max-sessions"),
        .user_sessions = number_of(entry, "max-sessions-per-user"),
    };
    pthread_mutex_unlock(&settings->lock);
}

struct netconf_limits settings_limits(struct settings *settings)
{
    pthread_mutex_lock(&settings->lock);
    struct netconf_limits limits = settings->limits;
    pthread_mutex_unlock(&settings->lock);
    return limits;
}

struct listeners *settings_listeners(struct settings *settings)
{
    return settings->listeners;
}

struct hostkeys *settings_hostkeys(struct settings *settings)
{
    return settings->hostkeys;
}

static enum outcome settings_start(struct backend *backend, const struct snapshot *running,
                                   struct error *err)
{
    struct settings *settings = calloc(1, sizeof(*settings));
    if (!settings)
        return fail_memory(err);
    settings->backend = backend;
    enum outcome outcome = hostkeys_new(backend->schema, backend->agent->options.state_dir, running,
                                        &settings->hostkeys, err);
    if (outcome == DONE)
        outcome = listeners_new(backend, running, &settings->listeners, err);
    if (outcome != DONE) {
        if (settings->hostkeys)
            hostkeys_free(settings->hostkeys);
        free(settings);
        return FAILED;
    }
    pthread_mutex_init(&settings->lock, NULL);
    backend->data = settings;
    set_limits(settings, running);
    return DONE;
}

/* Prepare: the step's plan is that of the host keys. */

static void keys_planned(struct hostkeys_plan *plan, enum outcome outcome, void *arg)
{
    step_done(arg, outcome);
}

static void settings_prepare(struct backend *backend, struct backend_step *step)
{
    struct settings *settings = backend->data;
    struct hostkeys_plan *plan = NULL;
    enum outcome outcome = listeners_check(settings->listeners, step->changes->after, &step->error);
    if (outcome == DONE)
        outcome = hostkeys_prepare(settings->hostkeys, backend->loop, step->changes->after, &plan,
                                   keys_planned, step, &step->error);
    step->plan = plan;
    if (!plan)
        step_done(step, outcome);
}

/* Apply: keys first, as they can fail without anybody having noticed. */

static void become(struct backend_step *step)
{
    struct settings *settings = step->backend->data;
    enum outcome outcome =
        listeners_become(settings->listeners, step->changes->after, &step->error);
    if (outcome == DONE) {
        set_limits(settings, step->changes->after);
    } else {
        listeners_become(settings->listeners, step->changes->before, NULL);
        if (step->plan)
            hostkeys_revert(step->plan);
    }
    step_done(step, outcome);
}

static void keys_applied(struct hostkeys_plan *plan, enum outcome outcome, void *arg)
{
    if (outcome == DONE) {
        become(arg);
    } else {
        hostkeys_revert(plan);
        step_done(arg, outcome);
    }
}

static void settings_apply(struct backend *backend, struct backend_step *step)
{
    if (step->plan)
        hostkeys_apply(step->plan, keys_applied, step, &step->error);
    else
        become(step);
}

static void settings_revert(struct backend *backend, struct backend_step *step)
{
    struct settings *settings = backend->data;
    if (step->plan)
        hostkeys_revert(step->plan);
    listeners_become(settings->listeners, step->changes->before, NULL);
    set_limits(settings, step->changes->before);
    step_done(step, DONE);
}

static void settings_release(struct backend *backend, void *plan)
{
    hostkeys_release(plan);
}

static enum outcome settings_state(struct backend *backend, const struct state_request *request,
                                   struct error *err)
{
    struct settings *settings = backend->data;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        struct lyd_node *state;
        if (request->entries[i]->unit->list)
            continue;
        if (lyd_new_inner(request->nodes[i], NULL, "state", 0, &state))
            return fail_memory(err);
        outcome = hostkeys_state(settings->hostkeys, state, err);
        if (outcome == DONE && backend->agent->netconf)
            outcome = monitoring_limits(backend->agent->netconf, state, err);
    }
    return outcome;
}

static void settings_stop(struct backend *backend)
{
    struct settings *settings = backend->data;
    listeners_free(settings->listeners);
    hostkeys_free(settings->hostkeys);
    pthread_mutex_destroy(&settings->lock);
    free(settings);
    backend->data = NULL;
}

static void run_generate(struct backend *backend, struct backend_call *call)
{
    struct settings *settings = backend->data;
    hostkeys_generate(settings->hostkeys, call);
}

static const struct backend_operation operations[] = {
    {.path = "/noria-agent:netconf-server/host-key/generate", .run = run_generate},
    {0},
};

static const char *const claims[] = {"/noria-agent:netconf-server", NULL};

const struct backend_ops netconf_server_backend = {
    .name = "netconf-server",
    .summary = "the agent's own NETCONF server",
    .claims = claims,
    .operations = operations,
    .start = settings_start,
    .prepare = settings_prepare,
    .apply = settings_apply,
    .revert = settings_revert,
    .release = settings_release,
    .operational = settings_state,
    .stop = settings_stop,
};

struct settings *settings_of(struct agent *agent)
{
    for (size_t i = 0; i < agent->backend_count; i++)
        if (agent->backends[i].ops == &netconf_server_backend)
            return agent->backends[i].data;
    return NULL;
}
