/*
 * Commands of the operator, and what they are told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "backends/health/service.h"

/* Room for numbers of a hook as texts. */
#define NUMBER_SIZE 24

void hook_server(const struct health_server *server, const struct health_occasion *occasion)
{
    const struct health_service *service = server->service;
    const char *state = health_state_name(occasion->health);
    bool down = occasion->health == STEERING_DOWN;
    const char *own = down ? server->notify_down : server->notify_up;
    char port[NUMBER_SIZE], latency[NUMBER_SIZE];
    snprintf(port, sizeof(port), "%" PRIu16, server->port);
    snprintf(latency, sizeof(latency), "%" PRIu64,
             occasion->result ? occasion->result->latency / 1000 : 0);
    struct hook_order order = {
        .line = own    ? own
                : down ? service->notify_down
                       : service->notify_up,
        .user = service->hook_user,
        .arguments = {state, service->name, service->virtual_address, service->virtual_port,
                      server->address, port},
        .variables = {{"NORIA_STATE", state},
                      {"NORIA_VIRTUAL_SERVER", service->name},
                      {"NORIA_VIRTUAL_ADDRESS", service->virtual_address},
                      {"NORIA_VIRTUAL_PORT", service->virtual_port},
                      {"NORIA_PROTOCOL", service->protocol},
                      {"NORIA_REAL_ADDRESS", server->address},
                      {"NORIA_REAL_PORT", port},
                      {"NORIA_CAUSE", health_cause_name(occasion->cause)},
                      {"NORIA_CHECK", occasion->check ? occasion->check->name : NULL},
                      {"NORIA_ERROR", occasion->result ? occasion->result->error : NULL},
                      {"NORIA_LATENCY",
                       occasion->result && occasion->result->latency ? latency : NULL}},
    };
    hook_run(service->engine->hooks, &order);
}

/* As ldirectord calls its fallbackcommand. */
static void hook_fallback(const struct health_service *service, const struct hook_order *quorum,
                          bool lost)
{
    struct hook_order order = *quorum;
    char *where;
    if (asprintf(&where, "%s:%s", service->virtual_address, service->virtual_port) < 0)
        return;
    order.line = service->fallback_command;
    order.arguments[0] = lost ? "start" : "stop";
    order.arguments[1] = where;
    order.arguments[2] = service->protocol;
    order.arguments[3] = NULL;
    hook_run(service->engine->hooks, &order);
    free(where);
}

void hook_quorum(const struct health_service *service, const struct health_quorum *quorum)
{
    char weight[NUMBER_SIZE], needed[NUMBER_SIZE];
    snprintf(weight, sizeof(weight), "%" PRIu64, quorum->weight_up);
    snprintf(needed, sizeof(needed), "%" PRIu32, service->quorum);
    struct hook_order order = {
        .line = quorum->lost ? service->quorum_down : service->quorum_up,
        .user = service->hook_user,
        .arguments = {quorum->lost ? "down" : "up", service->name, service->virtual_address,
                      service->virtual_port},
        .variables = {{"NORIA_STATE", quorum->lost ? "down" : "up"},
                      {"NORIA_VIRTUAL_SERVER", service->name},
                      {"NORIA_VIRTUAL_ADDRESS", service->virtual_address},
                      {"NORIA_VIRTUAL_PORT", service->virtual_port},
                      {"NORIA_PROTOCOL", service->protocol},
                      {"NORIA_WEIGHT_UP", weight},
                      {"NORIA_QUORUM", needed}},
    };
    hook_run(service->engine->hooks, &order);
    if (service->fallback_command)
        hook_fallback(service, &order, quorum->lost);
}
