/*
 * The SNMP agent as the core sees it: a backend that applies settings, and its start and stop.
 */
#include "agent/snmp/agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/snmp/thread.h"
#include "agent/snmp/usm.h"

/*
 * Belongs to the backend, from its start to its stop. The first settings that the thread reports
 * are those of the start, which no step waits for.
 */
struct snmp_agent {
    struct backend *backend;
    struct agent *agent;        /* NULL while the thread does not run. */
    struct snmp_thread *thread; /* NULL likewise. */
    struct backend_step *step;  /* That waits for the thread, or NULL. */
    bool starting;              /* The first settings are not yet reported. */
    struct snmp_settings *next; /* Wait until they are. */
    bool next_strict;
    uv_async_t wake_up;
    struct snmp_engine_id id; /* Constant from the start on. */
};

/* What a step does: the settings of one of its snapshots. */
static void submit(struct snmp_agent *snmp, struct snmp_settings *settings, bool strict)
{
    struct backend_step *step = snmp->step;
    if (snmp->starting) {
        snmp->next = settings;
        snmp->next_strict = strict;
    } else if (!snmp_thread_submit(snmp->thread, settings, strict)) {
        snmp->step = NULL;
        step_done(step, DONE);
    }
}

static void end_step(struct snmp_agent *snmp, struct snmp_report *report)
{
    struct backend_step *step = snmp->step;

    if (snmp->starting) {
        snmp->starting = false;
        struct snmp_settings *next = snmp->next;
        snmp->next = NULL;
        if (next)
            submit(snmp, next, snmp->next_strict);
    } else if (step) {
        snmp->step = NULL;
        error_move(&step->error, &report->error);
        step_done(step, report->outcome);
    }
}

static void on_report(uv_async_t *handle)
{
    struct snmp_agent *snmp = handle->data;
    struct snmp_report report;

    if (!snmp->thread)
        return;
    snmp_thread_collect(snmp->thread, &report);
    if (report.up)
        backend_report_up(snmp->backend);
    else
        backend_report_down(snmp->backend, "%s", report.reason ? report.reason : "out of memory");
    if (report.finished)
        end_step(snmp, &report);
    error_clear(&report.error);
    free(report.reason);
}

/* --- the backend --- */

static enum outcome load_id(struct backend *backend, struct snmp_agent *snmp, struct error *err)
{
    char *folder;

    if (asprintf(&folder, "%s/snmp", backend->agent->options.state_dir) < 0)
        return fail_memory(err);
    enum outcome outcome = snmp_engine_id_load(folder, &snmp->id, err);
    free(folder);
    return outcome;
}

static enum outcome start(struct backend *backend, const struct snapshot *running,
                          struct error *err)
{
    struct snmp_agent *snmp = calloc(1, sizeof(*snmp));

    if (!snmp)
        return fail_memory(err);
    if (load_id(backend, snmp, err) != DONE) {
        free(snmp);
        return FAILED;
    }
    /* A user's MIB files are not for the agent; before there are threads that ask for variables. */
    unsetenv("MIBS");
    unsetenv("MIBFILES");
    int number = uv_async_init(backend->loop, &snmp->wake_up, on_report);
    if (number < 0) {
        free(snmp);
        return fail(err, TAG_OPERATION_FAILED, NULL, "SNMP has no place in the event loop: %s",
                    uv_strerror(number));
    }
    snmp->wake_up.data = snmp;
    snmp->backend = backend;
    backend->data = snmp;
    return DONE;
}

static void prepare(struct backend *backend, struct backend_step *step)
{
    const struct snmp_agent *snmp = backend->data;
    struct snmp_settings *settings = NULL;
    enum outcome outcome =
        snmp_settings_new(backend->schema, step->changes->after, &settings, &step->error);

    if (outcome == DONE)
        outcome = snmp_destinations_check(settings, &snmp->id, &step->error);
    if (outcome == DONE)
        step->plan = settings;
    else
        snmp_settings_free(settings);
    step_done(step, outcome);
}

static void apply(struct backend *backend, struct backend_step *step)
{
    struct snmp_agent *snmp = backend->data;
    struct snmp_settings *settings = step->plan;

    step->plan = NULL;
    if (!snmp->thread) {
        snmp_settings_free(settings);
        step_done(step, DONE);
        return;
    }
    snmp->step = step;
    submit(snmp, settings, true);
}

static void revert(struct backend *backend, struct backend_step *step)
{
    struct snmp_agent *snmp = backend->data;
    struct snmp_settings *settings = NULL;
    enum outcome outcome = DONE;

    if (snmp->thread)
        outcome =
            snmp_settings_new(backend->schema, step->changes->before, &settings, &step->error);
    if (!settings) {
        step_done(step, outcome);
        return;
    }
    snmp->step = step;
    submit(snmp, settings, false);
}

static void release(struct backend *backend, void *plan)
{
    snmp_settings_free(plan);
}

static void stop_thread(struct snmp_agent *snmp)
{
    snmp_thread_stop(snmp->thread);
    snmp->thread = NULL;
    snmp_settings_free(snmp->next);
    snmp->next = NULL;
    if (snmp->agent)
        snmp->agent->snmp = NULL;
    snmp->agent = NULL;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void stop(struct backend *backend)
{
    struct snmp_agent *snmp = backend->data;

    if (!snmp)
        return;
    stop_thread(snmp);
    backend->data = NULL;
    uv_close((uv_handle_t *)&snmp->wake_up, on_closed);
}

static enum outcome put_hex(struct lyd_node *parent, const char *name, const unsigned char *octets,
                            size_t length, bool output, struct error *err)
{
    char text[3 * SNMP_KEY_MAX + 1] = "";

    for (size_t i = 0; i < length; i++)
        snprintf(text + 3 * i, 4, "%02x:", octets[i]);
    text[3 * length - 1] = '\0';
    bool well = !lyd_new_term(parent, NULL, name, text, output, NULL);
    explicit_bzero(text, sizeof(text));
    return well ? DONE : fail_memory(err);
}

static enum outcome operational(struct backend *backend, const struct state_request *request,
                                struct error *err)
{
    const struct snmp_agent *snmp = backend->data;
    enum outcome outcome = DONE;

    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        if (!request->entries[i]->unit->list)
            outcome = put_hex(request->nodes[i], "engine-id", snmp->id.octets, snmp->id.length,
                              false, err);
    }
    return outcome;
}

static void localize(struct backend *backend, struct backend_call *call)
{
    const struct snmp_agent *snmp = backend->data;
    const char *password = leaf_value(call->request, "password");
    const char *protocol = leaf_value(call->request, "protocol");
    const char *engine = leaf_value(call->request, "engine-id");
    struct snmp_engine_id id = snmp->id;
    struct snmp_key key = {0};
    if (engine)
        snmp_engine_id_read(engine, &id);
    enum outcome outcome =
        snmp_usm_localize(&id, protocol, password, &key)
            ? DONE
            : fail(&call->error, TAG_OPERATION_FAILED, NULL, "libcrypto has no %s.", protocol);

    if (outcome == DONE)
        outcome = put_hex(call->reply, "auth-key", key.octets, key.length, true, &call->error);
    if (outcome == DONE)
        outcome = put_hex(call->reply, "privacy-key", key.octets, SNMP_KEY_AES, true, &call->error);
    explicit_bzero(&key, sizeof(key));
    call_done(call, outcome);
}

static const struct backend_operation operations[] = {
    {.path = "/noria-agent:localize-snmp-password", .run = localize, .reads = true},
    {0},
};

static const char *const claims[] = {"/noria-agent:snmp-agent", NULL};

const struct backend_ops snmp_agent_backend = {
    .name = "snmp-agent",
    .summary = "SNMP, by the agent library of Net-SNMP",
    .claims = claims,
    .operations = operations,
    .operational = operational,
    .start = start,
    .prepare = prepare,
    .apply = apply,
    .revert = revert,
    .release = release,
    .stop = stop,
};

/* --- start and stop --- */

enum outcome snmp_agent_start(struct agent *agent, struct error *err)
{
    struct snmp_agent *snmp = NULL;
    struct snmp_settings *settings = NULL;

    for (size_t i = 0; i < agent->backend_count; i++) {
        if (agent->backends[i].ops == &snmp_agent_backend)
            snmp = agent->backends[i].data;
    }
    if (!snmp)
        return fail(err, TAG_OPERATION_FAILED, NULL, "the backend %s did not start",
                    snmp_agent_backend.name);

    struct snapshot *running = agent_running(agent);
    enum outcome outcome = snmp_settings_new(agent->schema, running, &settings, err);
    snapshot_unref(running);
    if (outcome != DONE)
        return outcome;
    snmp->starting = true;
    if (snmp_thread_start(agent, settings, &snmp->wake_up, &snmp->thread, err) != DONE)
        return FAILED;
    snmp->agent = agent;
    agent->snmp = snmp;
    return DONE;
}

void snmp_agent_stop(struct agent *agent)
{
    if (agent->snmp)
        stop_thread(agent->snmp);
}
