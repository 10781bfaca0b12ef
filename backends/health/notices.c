/*
 * What health checks tell: events, lines in the log, alarms.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/agent.h"
#include "agent/event/alarms.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "backends/health/service.h"

#define VIRTUAL_SERVERS "/noria-virtual-server:virtual-servers"

static struct lyd_node *begin(const struct health_engine *engine, const char *name)
{
    struct lyd_node *notice = NULL;
    const struct agent *agent = engine->backend->agent;
    const struct lys_module *module =
        agent->events ? ly_ctx_get_module_implemented(agent->schema->ctx, "noria-health") : NULL;
    if (!module || lyd_new_inner(NULL, module, name, 0, &notice))
        return NULL;
    return notice;
}

/* What cannot be added is left out: part of an event is better than none. */
static void add(struct lyd_node *notice, const char *name, const char *value)
{
    if (notice && value)
        lyd_new_term(notice, NULL, name, value, 0, NULL);
}

static void add_number(struct lyd_node *notice, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    add(notice, name, text);
}

void notice_failure(const struct health_check *check, const struct probe_result *result)
{
    const struct health_server *server = check->server;
    log_line(LOG_LEVEL_NOTICE, AREA_HEALTH,
             "check %s of real server %s port %" PRIu16 " of %s failed: %s", check->name,
             server->address, server->port, server->service->name,
             result->error ? result->error : "it does not say why");
}

void notice_server(const struct health_server *server, const struct health_occasion *occasion)
{
    const struct health_service *service = server->service;
    const struct health_check *check = occasion->check;
    const struct probe_result *result = occasion->result;
    const char *error = result ? result->error : NULL;
    const char *state = health_state_name(occasion->health);
    log_line(occasion->health == STEERING_DOWN ? LOG_LEVEL_WARNING
             : occasion->first                 ? LOG_LEVEL_INFO
                                               : LOG_LEVEL_NOTICE,
             AREA_HEALTH, "real server %s port %" PRIu16 " of %s is %s%s%s%s%s", server->address,
             server->port, service->name, state, check ? ": check " : "", check ? check->name : "",
             error ? ": " : "", error ? error : "");
    notice_down(server, occasion->health == STEERING_DOWN, error);
    struct lyd_node *notice = begin(service->engine, "real-server-state-change");
    if (!notice)
        return;
    add(notice, "virtual-server", service->name);
    add(notice, "address", server->address);
    add_number(notice, "port", server->port);
    add(notice, "state", state);
    add(notice, "cause", health_cause_name(occasion->cause));
    add(notice, "check", check ? check->name : NULL);
    add(notice, "error", error);
    if (result && result->latency)
        add_number(notice, "latency", result->latency / 1000);
    event_emit(service->engine->backend->agent, notice);
}

void notice_quorum(const struct health_service *service, const struct health_quorum *quorum)
{
    log_line(quorum->lost ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, AREA_HEALTH,
             "the quorum of %s is %s: real servers of weight %" PRIu64
             " serve, the quorum is %" PRIu32,
             service->name, quorum->lost ? "lost" : "met", quorum->weight_up, service->quorum);
    notice_quorum_alarm(service, quorum);
    struct lyd_node *notice = begin(service->engine, "quorum-change");
    if (!notice)
        return;
    add(notice, "virtual-server", service->name);
    add(notice, "state", quorum->lost ? "lost" : "met");
    add_number(notice, "weight-up", quorum->weight_up);
    add_number(notice, "quorum", service->quorum);
    event_emit(service->engine->backend->agent, notice);
}

/* @return To be freed; NULL for want of memory. */
static char *resource_of(const struct health_server *server)
{
    char *resource;
    if (asprintf(&resource,
                 VIRTUAL_SERVERS "/virtual-server[name='%s']/real-server[address='%s']"
                                 "[port='%" PRIu16 "']",
                 server->service->name, server->address, server->port) < 0)
        return NULL;
    return resource;
}

void notice_down(const struct health_server *server, bool down, const char *error)
{
    struct agent *agent = server->service->engine->backend->agent;
    char *resource = agent->alarms ? resource_of(server) : NULL;
    struct alarm_id id = {.resource = resource, .type = "real-server-down"};
    if (resource && down)
        alarm_raise(agent, &id, ALARM_MAJOR, "%s",
                    error ? error : "It was down when the agent started.");
    else if (resource)
        alarm_clear(agent, &id, "It is not down any more, or not checked.");
    free(resource);
}

void notice_start(struct agent *agent)
{
    static const char *const types[] = {"real-server-down", "flapping", "quorum-lost"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        alarm_clear_left(agent, types[i]);
}

void notice_flapping(const struct health_server *server, bool flapping)
{
    log_line(flapping ? LOG_LEVEL_WARNING : LOG_LEVEL_NOTICE, AREA_HEALTH,
             "real server %s port %" PRIu16 " of %s %s", server->address, server->port,
             server->service->name,
             flapping ? "goes up and down: it is kept down" : "is steady again, or not damped");
    notice_flapping_alarm(server, flapping);
}

void notice_flapping_alarm(const struct health_server *server, bool flapping)
{
    struct agent *agent = server->service->engine->backend->agent;
    char *resource = agent->alarms ? resource_of(server) : NULL;
    struct alarm_id id = {.resource = resource, .type = "flapping"};
    if (resource && flapping)
        alarm_raise(agent, &id, ALARM_MINOR,
                    "It goes up and down, and is kept down until its checks are steady.");
    else if (resource)
        alarm_clear(agent, &id, "Its checks are steady, or flaps are not damped any more.");
    free(resource);
}

void notice_quorum_alarm(const struct health_service *service, const struct health_quorum *quorum)
{
    struct agent *agent = service->engine->backend->agent;
    char *resource;
    if (asprintf(&resource, VIRTUAL_SERVERS "/virtual-server[name='%s']", service->name) < 0)
        return;
    struct alarm_id id = {.resource = resource, .type = "quorum-lost"};
    if (quorum->lost)
        alarm_raise(agent, &id, ALARM_CRITICAL,
                    "Real servers of weight %" PRIu64 " are left, and the quorum is %" PRIu32 ".",
                    quorum->weight_up, service->quorum);
    else
        alarm_clear(agent, &id, "The quorum is met.");
    free(resource);
}
