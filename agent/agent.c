/*
 * The agent's start and stop, and its event loop.
 */
#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/configuration.h"
#include "agent/datastore/file.h"
#include "agent/event/alarms.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "agent/memory.h"
#include "agent/netconf/server.h"
#include "agent/snmp/agent.h"
#include "agent/status.h"
#include "agent/steering/steering.h"
#include "agent/transaction/candidate.h"
#include "agent/transaction/confirmed.h"
#include "agent/transaction/transaction.h"

/* How often the end of the last transaction is looked for while the agent stops. */
#define IDLE_INTERVAL_MS 10

/* A function of another thread that waits to be run. */
struct agent_call {
    void (*function)(void *arg);
    void *arg;
    struct agent_call *next;
};

struct snapshot *agent_running(struct agent *agent)
{
    uv_mutex_lock(&agent->running_lock);
    struct snapshot *running = snapshot_ref(agent->running);
    uv_mutex_unlock(&agent->running_lock);
    return running;
}

bool agent_post(struct agent *agent, void (*function)(void *arg), void *arg)
{
    struct agent_call *call = malloc(sizeof(*call));
    if (!call)
        return false;
    *call = (struct agent_call){.function = function, .arg = arg};
    uv_mutex_lock(&agent->call_lock);
    bool taken = !agent->ending;
    if (taken) {
        call->next = agent->calls;
        agent->calls = call;
        uv_async_send(&agent->wake);
    }
    uv_mutex_unlock(&agent->call_lock);
    if (!taken)
        free(call);
    return taken;
}

static void run_calls(uv_async_t *wake)
{
    struct agent *agent = wake->data;
    uv_mutex_lock(&agent->call_lock);
    struct agent_call *calls = agent->calls, *in_order = NULL, *next;
    agent->calls = NULL;
    uv_mutex_unlock(&agent->call_lock);
    for (; calls; calls = next) {
        next = calls->next;
        calls->next = in_order;
        in_order = calls;
    }
    for (; in_order; in_order = next) {
        next = in_order->next;
        in_order->function(in_order->arg);
        free(in_order);
    }
}

/* The end. */

static void stop_when_idle(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    if (transactions_idle(agent->transactions))
        uv_stop(&agent->loop);
}

static void begin_end(void *arg)
{
    struct agent *agent = arg;
    uv_mutex_lock(&agent->call_lock);
    bool already = agent->ending;
    agent->ending = true;
    uv_mutex_unlock(&agent->call_lock);
    if (already)
        return;
    sd_notify(0, "STOPPING=1\nSTATUS=Stopping; services in the kernel go on");
    log_notice(AREA_AGENT, "stopping; services in the kernel go on");
    run_calls(&agent->wake);
    uv_timer_start(&agent->idle_timer, stop_when_idle, 0, IDLE_INTERVAL_MS);
}

void agent_stop(struct agent *agent)
{
    agent_post(agent, begin_end, agent);
}

static void on_signal(uv_signal_t *handle, int number)
{
    switch (number) {
    case SIGHUP:
        log_notice(AREA_AGENT, "SIGHUP: there is nothing to reload, commits take effect at once");
        break;
    case SIGUSR1:
        status_log(handle->data);
        break;
    case SIGUSR2:
        log_notice(AREA_AGENT, "SIGUSR2: debug lines of all areas are %s",
                   log_switch_debug() ? "on, until the next SIGUSR2" : "off again");
        break;
    default:
        begin_end(handle->data);
    }
}

/* The start. */

/* Each session takes some descriptors; the soft limit of old is for programs that use select(2). */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit))
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        log_info(AREA_AGENT, "cannot raise the limit of descriptors: %s", strerror(errno));
}

static enum outcome open_loop(struct agent *agent, struct error *err)
{
    static const int numbers[AGENT_SIGNALS] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2};
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    if (uv_loop_init(&agent->loop))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make an event loop: %s.",
                    strerror(errno));
    uv_mutex_init(&agent->running_lock);
    uv_mutex_init(&agent->call_lock);
    precedence_init(&agent->precedence);
    uv_async_init(&agent->loop, &agent->wake, run_calls);
    uv_timer_init(&agent->loop, &agent->idle_timer);
    agent->wake.data = agent->idle_timer.data = agent;
    for (size_t i = 0; i < AGENT_SIGNALS; i++) {
        uv_signal_init(&agent->loop, &agent->signals[i]);
        agent->signals[i].data = agent;
        uv_signal_start(&agent->signals[i], on_signal, numbers[i]);
    }
    agent->started_up = true;
    return DONE;
}

static enum outcome load_schema(const struct agent_options *options, struct schema **schema,
                                struct error *err)
{
    const char *folders[32] = {NULL};
    size_t count = 0;
    char *copy = strdup(options->yang_dirs), *rest = NULL;
    if (!copy)
        return fail_memory(err);
    for (char *folder = strtok_r(copy, ":", &rest); folder && count < 31;
         folder = strtok_r(NULL, ":", &rest))
        folders[count++] = folder;
    enum outcome outcome = schema_load(folders, options->null_backend, schema, err);
    free(copy);
    return outcome;
}

/* Whether a unit is in one of the containers of a list that may be NULL. */
static bool within(const char *const *paths, const struct unit *unit)
{
    for (const char *const *path = paths; path && *path; path++) {
        size_t length = strlen(*path);
        if (!strncmp(unit->path, *path, length) &&
            (unit->path[length] == '/' || !unit->path[length]))
            return true;
    }
    return false;
}

/* A node that nobody applies, or that two apply, must not be configurable. */
static enum outcome find_owners(struct agent *agent, struct error *err)
{
    agent->owners = calloc(agent->schema->unit_count, sizeof(*agent->owners));
    agent->concerned =
        calloc(agent->schema->unit_count * agent->backend_count, sizeof(*agent->concerned));
    if (!agent->owners || !agent->concerned)
        return fail_memory(err);
    for (size_t u = 0; u < agent->schema->unit_count; u++) {
        const struct unit *unit = &agent->schema->units[u];
        for (size_t b = 0; b < agent->backend_count; b++) {
            bool claims = within(agent->backends[b].ops->claims, unit);
            agent->concerned[u * agent->backend_count + b] =
                claims || within(agent->backends[b].ops->follows, unit);
            if (!claims)
                continue;
            if (agent->owners[u])
                return fail(err, TAG_OPERATION_FAILED, unit->path,
                            "The backends %s and %s both claim %s.", agent->owners[u]->ops->name,
                            agent->backends[b].ops->name, unit->path);
            agent->owners[u] = &agent->backends[b];
        }
        if (unit->config && !agent->owners[u])
            return fail(err, TAG_OPERATION_FAILED, unit->path, "No backend claims %s.", unit->path);
    }
    return DONE;
}

bool agent_concerns(const struct agent *agent, const struct backend *backend,
                    const struct unit *unit)
{
    return agent
        ->concerned[unit->rank * agent->backend_count + (size_t)(backend - agent->backends)];
}

/* An operation that no module has could never be asked for. */
static enum outcome check_operations(const struct agent *agent, struct error *err)
{
    for (size_t b = 0; b < agent->backend_count; b++) {
        const struct backend_ops *ops = agent->backends[b].ops;
        const struct backend_operation *operation = ops->operations;
        for (; operation && operation->path; operation++) {
            const struct lysc_node *node =
                lys_find_path(agent->schema->ctx, NULL, operation->path, 0);
            if (!node || !(node->nodetype & (LYS_RPC | LYS_ACTION)))
                return fail(err, TAG_OPERATION_FAILED, operation->path,
                            "The backend %s has an operation %s that is in no module.", ops->name,
                            operation->path);
        }
    }
    return DONE;
}

/* Whoever is to claim what a backend claims: itself, or its stand-in. */
static const struct backend_ops *at_work(const struct agent *agent, const struct backend_ops *ops)
{
    for (size_t i = 0; agent->options.null_stand_ins && backend_stand_ins[i]; i++)
        if (ops->claims[0] && !strcmp(backend_stand_ins[i]->claims[0], ops->claims[0]))
            return backend_stand_ins[i];
    return ops;
}

static enum outcome make_backends(struct agent *agent, struct error *err)
{
    size_t count = 0;
    while (backend_registry[count])
        count++;
    agent->backends = calloc(count, sizeof(*agent->backends));
    if (!agent->backends)
        return fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct backend_ops *ops = at_work(agent, backend_registry[i]);
        /* A backend whose module was not loaded has nothing to do. */
        if (!schema_unit_find(agent->schema, ops->claims[0] ? ops->claims[0] : ops->follows[0]))
            continue;
        struct backend *backend = &agent->backends[agent->backend_count++];
        *backend = (struct backend){.ops = ops, .loop = &agent->loop, .schema = agent->schema};
        backend->agent = agent;
        uv_mutex_init(&backend->lock);
    }
    enum outcome outcome = find_owners(agent, err);
    return outcome == DONE ? check_operations(agent, err) : outcome;
}

static enum outcome start_backends(struct agent *agent, struct error *err)
{
    for (size_t i = 0; i < agent->backend_count; i++) {
        struct backend *backend = &agent->backends[i];
        if (backend->ops->start(backend, agent->running, err) != DONE)
            return FAILED;
        backend->started = true;
    }
    return DONE;
}

/* Each folder's own parent must be there: an operator's typing error is not to be built upon. */
static enum outcome make_folder(const char *folder, mode_t mode, struct error *err)
{
    if (!mkdir(folder, mode) || errno == EEXIST)
        return DONE;
    return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the folder %s: %s%s.", folder,
                strerror(errno), file_advice(errno));
}

/* Two agents in one folder would take each other's socket, and keepalived. */
static enum outcome hold_run_folder(struct agent *agent, struct error *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/lock", agent->options.run_dir);
    agent->run_lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (agent->run_lock < 0)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot open %s: %s%s.", path, strerror(errno),
                    file_advice(errno));
    if (flock(agent->run_lock, LOCK_EX | LOCK_NB))
        return fail(err, TAG_IN_USE, NULL,
                    "Another noriad uses the folder %s: stop it, or name another folder by "
                    "--run-dir.",
                    agent->options.run_dir);
    return DONE;
}

/* Damage of the journal is over when somebody has seen to it, and taken away what was kept. */
static void tell_of_losses(struct agent *agent)
{
    const struct alarm_id id = {"/noria-agent:agent", "journal-damaged", NULL};
    const char *loss = journal_loss(agent->journal);
    if (loss)
        alarm_raise(agent, &id, ALARM_CRITICAL,
                    "Commits that were acknowledged were lost; what was found in their place is in "
                    "%s/%s. When the configuration is as it should be, remove that file: the next "
                    "start clears the alarm.",
                    agent->options.state_dir, loss);
    else
        alarm_clear(agent, &id, NULL);
}

enum outcome agent_start(struct agent *agent, const struct agent_options *options,
                         struct error *err)
{
    *agent = (struct agent){.options = *options, .started = clock_now(), .run_lock = -1};
    memory_set_up();
    enum outcome outcome = open_loop(agent, err);
    if (outcome == DONE)
        outcome = load_schema(options, &agent->schema, err);
    if (outcome == DONE)
        outcome = make_backends(agent, err);
    if (outcome == DONE)
        outcome = make_folder(options->run_dir, 0755, err);
    if (outcome == DONE)
        outcome = journal_open(agent->schema, options->state_dir, &agent->journal, err);
    if (outcome == DONE)
        outcome = hold_run_folder(agent, err);
    if (outcome == DONE)
        outcome = configuration_load(agent->schema, agent->journal, options, &agent->running, err);
    if (outcome == DONE)
        outcome = transactions_new(agent, agent->running, &agent->transactions, err);
    if (outcome != DONE)
        return outcome;
    agent->candidate = candidate_new();
    agent->locks = locks_new();
    if (!agent->candidate || !agent->locks)
        return fail_memory(err);
    outcome = confirmed_new(agent, &agent->confirmed, err);
    if (outcome == DONE)
        outcome = events_start(agent, err);
    if (outcome == DONE)
        outcome = alarms_start(agent, err);
    if (outcome == DONE)
        tell_of_losses(agent);
    if (outcome == DONE)
        outcome = steering_start(agent, err);
    if (outcome == DONE)
        outcome = start_backends(agent, err);
    if (outcome == DONE)
        outcome = netconf_server_start(agent, err);
    if (outcome == DONE)
        outcome = snmp_agent_start(agent, err);
    return outcome;
}

void agent_run(struct agent *agent)
{
    memory_freed(agent->running->count);
    memory_give_back();
    agent->ready = true;
    sd_notify(0, "READY=1");
    status_tell(agent);
    log_notice(AREA_AGENT, "noriad " NORIA_VERSION " is ready: %zu entries at revision %llu",
               agent->running->count, (unsigned long long)agent->running->revision);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
}

static void close_handles(struct agent *agent)
{
    uv_close((uv_handle_t *)&agent->wake, NULL);
    uv_close((uv_handle_t *)&agent->idle_timer, NULL);
    confirmed_close(agent->confirmed);
    for (size_t i = 0; i < AGENT_SIGNALS; i++)
        uv_close((uv_handle_t *)&agent->signals[i], NULL);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&agent->loop))
        log_warning(AREA_AGENT, "a backend left something on the event loop");
    uv_mutex_destroy(&agent->running_lock);
    uv_mutex_destroy(&agent->call_lock);
    precedence_destroy(&agent->precedence);
}

static void stop_backends(struct agent *agent)
{
    for (size_t i = agent->backend_count; i-- > 0;) {
        struct backend *backend = &agent->backends[i];
        if (backend->started && backend->ops->stop)
            backend->ops->stop(backend);
    }
}

void agent_free(struct agent *agent)
{
    if (!agent->started_up)
        return;
    uv_mutex_lock(&agent->call_lock);
    agent->ending = true;
    uv_mutex_unlock(&agent->call_lock);
    run_calls(&agent->wake);
    snmp_agent_stop(agent);
    netconf_server_stop(agent);
    if (agent->netconf) {
        /* A session computes on and cannot be stopped: what it reads must stay until the end. */
        log_warning(AREA_AGENT, "ending with a NETCONF operation under way");
        return;
    }
    stop_backends(agent);
    steering_stop(agent);
    alarms_stop(agent);
    events_stop(agent);
    close_handles(agent);
    for (size_t i = 0; i < agent->backend_count; i++) {
        free(agent->backends[i].reason);
        uv_mutex_destroy(&agent->backends[i].lock);
    }
    free(agent->backends);
    free(agent->owners);
    free(agent->concerned);
    locks_free(agent->locks);
    confirmed_free(agent->confirmed);
    candidate_free(agent->candidate);
    transactions_free(agent->transactions);
    journal_close(agent->journal);
    if (agent->run_lock >= 0)
        close(agent->run_lock);
    snapshot_unref(agent->running);
    schema_free(agent->schema);
}

enum outcome agent_check(const struct agent_options *options, char **what, struct error *err)
{
    struct agent agent = {.options = *options};
    struct snapshot *snapshot = NULL;
    enum outcome outcome = load_schema(options, &agent.schema, err);
    if (outcome == DONE)
        outcome = configuration_read(agent.schema, options->config, &snapshot, err);
    if (outcome == DONE)
        outcome = transactions_new(&agent, snapshot, &agent.transactions, err);
    *what = strdup(options->config);
    transactions_free(agent.transactions);
    snapshot_unref(snapshot);
    schema_free(agent.schema);
    return outcome;
}

enum outcome agent_adopt(const struct agent_options *options, struct error *err)
{
    struct schema *schema = NULL;
    enum outcome outcome = load_schema(options, &schema, err);
    for (size_t i = 0; backend_registry[i] && outcome == DONE; i++) {
        struct lyd_node *tree = NULL;
        if (!backend_registry[i]->adopt)
            continue;
        outcome = backend_registry[i]->adopt(schema, &tree, err);
        if (outcome == DONE && tree &&
            lyd_print_file(stdout, tree, LYD_XML, LYD_PRINT_WITHSIBLINGS))
            outcome = fail_memory(err);
        lyd_free_all(tree);
    }
    schema_free(schema);
    return outcome;
}
