#include "agent/life.h"

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

#include "agent/backends.h"
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

/* The end. */

static void stop_when_idle(uv_timer_t *timer)
{
    struct agent *agent = timer->data;
    if (transactions_idle(agent->transactions))
        uv_stop(&agent->loop);
}

static void begin_end(struct agent *agent)
{
    if (agent->ending)
        return;
    agent->ending = true;
    sd_notify(0, "STOPPING=1\nSTATUS=Stopping; services in the kernel go on");
    log_notice(AREA_AGENT, "stopping; services in the kernel go on");
    calls_close(&agent->calls);
    uv_timer_start(&agent->idle_timer, stop_when_idle, 0, IDLE_INTERVAL_MS);
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
    precedence_init(&agent->precedence);
    calls_begin(&agent->calls, &agent->loop);
    uv_timer_init(&agent->loop, &agent->idle_timer);
    agent->idle_timer.data = agent;
    for (size_t i = 0; i < AGENT_SIGNALS; i++) {
        uv_signal_init(&agent->loop, &agent->signals[i]);
        agent->signals[i].data = agent;
        uv_signal_start(&agent->signals[i], on_signal, numbers[i]);
    }
    agent->started_up = true;
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

enum outcome life_start(struct agent *agent, const struct agent_options *options, struct error *err)
{
    *agent = (struct agent){.options = *options, .started = clock_now(), .run_lock = -1};
    memory_set_up();
    enum outcome outcome = open_loop(agent, err);
    if (outcome == DONE)
        outcome = configuration_schema(options, &agent->schema, err);
    if (outcome == DONE)
        outcome = backends_make(agent, err);
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
        outcome = backends_start(agent, err);
    if (outcome == DONE)
        outcome = netconf_server_start(agent, err);
    if (outcome == DONE)
        outcome = snmp_agent_start(agent, err);
    return outcome;
}

void life_run(struct agent *agent)
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
    calls_end(&agent->calls);
    uv_close((uv_handle_t *)&agent->idle_timer, NULL);
    confirmed_close(agent->confirmed);
    for (size_t i = 0; i < AGENT_SIGNALS; i++)
        uv_close((uv_handle_t *)&agent->signals[i], NULL);
    uv_run(&agent->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&agent->loop))
        log_warning(AREA_AGENT, "a backend left something on the event loop");
    uv_mutex_destroy(&agent->running_lock);
    calls_destroy(&agent->calls);
    precedence_destroy(&agent->precedence);
}

void life_end(struct agent *agent)
{
    if (!agent->started_up)
        return;
    agent->ending = true;
    calls_close(&agent->calls);
    snmp_agent_stop(agent);
    netconf_server_stop(agent);
    if (agent->netconf) {
        /* A session computes on and cannot be stopped: what it reads must stay until the end. */
        log_warning(AREA_AGENT, "ending with a NETCONF operation under way");
        return;
    }
    backends_stop(agent);
    steering_stop(agent);
    alarms_stop(agent);
    events_stop(agent);
    close_handles(agent);
    backends_free(agent);
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
