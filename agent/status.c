#include "agent/status.h"

#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "agent/agent.h"
#include "agent/datastore/snapshot.h"
#include "agent/log.h"

#define STATUS_SIZE 1024

/* A message to systemd has a line for each of its assignments. */
static void send_status(char *text)
{
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ')
            *at = ' ';
    sd_notify(0, text);
}

/* What is known of a backend; the reason is copied. @return Whether it has reported anything. */
static bool look_at(struct backend *backend, bool *up, char *reason, size_t size)
{
    uv_mutex_lock(&backend->lock);
    bool reported = backend->last_change;
    *up = backend->up;
    snprintf(reason, size, "%s", backend->reason ? backend->reason : "the reason is not known");
    uv_mutex_unlock(&backend->lock);
    return reported;
}

void status_tell(const struct agent *agent)
{
    char text[STATUS_SIZE], reason[STATUS_SIZE / 2];
    bool up;
    size_t length =
        (size_t)snprintf(text, sizeof(text), "STATUS=%s", agent->ready ? "Ready" : "Starting");
    for (size_t i = 0; i < agent->backend_count && length < sizeof(text); i++)
        if (look_at(&agent->backends[i], &up, reason, sizeof(reason)) && !up)
            length += (size_t)snprintf(text + length, sizeof(text) - length, "; %s is down: %s",
                                       agent->backends[i].ops->name, reason);
    send_status(text);
}

void status_tell_failure(const char *reason)
{
    char text[STATUS_SIZE];
    snprintf(text, sizeof(text), "STATUS=Cannot start: %s", reason);
    send_status(text);
}

void status_log(struct agent *agent)
{
    char reason[STATUS_SIZE];
    bool up;
    struct snapshot *running = agent_running(agent);
    log_notice(AREA_AGENT, "noriad " NORIA_VERSION ": %zu entries at revision %llu, state in %s",
               running->count, (unsigned long long)running->revision, agent->options.state_dir);
    snapshot_unref(running);
    for (size_t i = 0; i < agent->backend_count; i++) {
        const char *name = agent->backends[i].ops->name;
        if (!look_at(&agent->backends[i], &up, reason, sizeof(reason)))
            continue;
        if (up)
            log_notice(AREA_AGENT, "backend %s is up", name);
        else
            log_notice(AREA_AGENT, "backend %s is down: %s", name, reason);
    }
}
