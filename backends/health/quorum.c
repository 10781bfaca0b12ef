/*
 * The real servers of a virtual server together: those that serve, and whether they are enough.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "backends/health/announcements.h"

static int compare(const struct health_server *a, const char *address, uint16_t port)
{
    int order = strcmp(a->address, address);
    return order ? order : (a->port > port) - (a->port < port);
}

int server_compare(const void *a, const void *b)
{
    const struct health_server *other = b;
    return compare(a, other->address, other->port);
}

struct health_server *service_find(const struct health_service *service, const char *address,
                                   uint16_t port)
{
    size_t low = 0, high = service->server_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = compare(&service->servers[middle], address, port);
        if (!order)
            return &service->servers[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

uint32_t server_weight_up(const struct health_server *server)
{
    return verdict_weight_up(server->health, server->weight, server->order, server->order_weight);
}

void service_count_servers(struct health_service *service)
{
    service->weight_up = 0;
    service->down = 0;
    for (size_t i = 0; i < service->server_count; i++) {
        service->down += service->servers[i].health == STEERING_DOWN;
        service->weight_up += server_weight_up(&service->servers[i]);
    }
}

/* Few have an order. */
bool service_read_orders(struct health_service *service)
{
    struct steering_row *rows = NULL;
    struct agent *agent = service->engine->backend->agent;
    size_t count = agent->steering ? steering_orders(agent, service->name, &rows) : 0;
    bool any = count;
    for (size_t i = 0; i < service->server_count; i++) {
        any = any || service->servers[i].order != STEERING_ORDER_NONE;
        service->servers[i].order = STEERING_ORDER_NONE;
    }
    for (size_t i = 0; i < count; i++) {
        struct health_server *server = service_find(service, rows[i].address, rows[i].port);
        if (!server)
            continue;
        server->order = rows[i].server.order.kind;
        server->order_weight = rows[i].server.order.weight;
    }
    free(rows);
    return any;
}

void service_note_quorum(struct health_service *service)
{
    bool lost = verdict_quorum_lost(service->lost, service->weight_up, service->quorum,
                                    service->hysteresis);
    if (lost == service->lost)
        return;
    uv_mutex_lock(&service->engine->lock);
    service->lost = lost;
    service->lost_since = clock_now();
    uv_mutex_unlock(&service->engine->lock);
    steering_set_quorum_lost(service->engine->backend->agent, service->name, lost, false);
    announce_quorum(service);
}

void service_note_orders(struct health_service *service)
{
    uv_mutex_lock(&service->engine->lock);
    bool any = service_read_orders(service);
    if (any)
        service_count_servers(service);
    uv_mutex_unlock(&service->engine->lock);
    if (any)
        service_note_quorum(service);
}
