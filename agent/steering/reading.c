/*
 * What others read of steering, on any thread.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/steering/internal.h"

void steering_read(struct agent *agent, const struct steering_key *key,
                   struct steering_server *server)
{
    struct steering *steering = agent->steering;
    steering_record_read(NULL, server);
    if (!steering)
        return;
    uv_mutex_lock(&steering->lock);
    steering_record_read(steering_table_find(&steering->table, key), server);
    uv_mutex_unlock(&steering->lock);
}

struct steering_sum steering_sum_of(struct agent *agent, const struct steering_key *key)
{
    struct steering *steering = agent->steering;
    struct steering_sum sum = {.present = true, .weight = STEERING_WEIGHT_CONFIGURED};
    if (!steering)
        return sum;
    uv_mutex_lock(&steering->lock);
    const struct steering_record *record = steering_table_find(&steering->table, key);
    if (record) {
        struct steering_server server;
        steering_record_read(record, &server);
        sum = steering_sum(&server);
    }
    uv_mutex_unlock(&steering->lock);
    return sum;
}

bool steering_quorum_lost(struct agent *agent, const char *virtual_server)
{
    struct steering *steering = agent->steering;
    if (!steering)
        return false;
    uv_mutex_lock(&steering->lock);
    const struct steering_service *service =
        steering_table_service(&steering->table, virtual_server);
    bool lost = service && service->quorum_lost;
    uv_mutex_unlock(&steering->lock);
    return lost;
}

static void copy_row(const struct steering_record *record, struct steering_row *row)
{
    row->port = record->port;
    snprintf(row->address, sizeof(row->address), "%s", record->address);
    steering_record_read(record, &row->server);
}

size_t steering_orders(struct agent *agent, const char *virtual_server, struct steering_row **rows)
{
    struct steering *steering = agent->steering;
    size_t count = 0, room = 0;
    *rows = NULL;
    if (!steering)
        return 0;
    uv_mutex_lock(&steering->lock);
    const struct steering_service *service =
        steering_table_service(&steering->table, virtual_server);
    const struct steering_record *record, *first = service ? service->records : NULL;
    for (record = first; record; record = record->next_of_service)
        room += record->order != NULL;
    if (room)
        *rows = calloc(room, sizeof(**rows));
    for (record = first; record && *rows; record = record->next_of_service)
        if (record->order)
            copy_row(record, &(*rows)[count++]);
    uv_mutex_unlock(&steering->lock);
    return count;
}

static bool has_order(const struct steering_service *service, enum steering_order_kind kind)
{
    const struct steering_record *record = service->records;
    while (record && (!record->order || record->order->kind != kind))
        record = record->next_of_service;
    return record;
}

size_t steering_ordered(struct agent *agent, enum steering_order_kind kind, char ***names)
{
    struct steering *steering = agent->steering;
    size_t count = 0;
    *names = NULL;
    if (!steering)
        return 0;
    uv_mutex_lock(&steering->lock);
    const struct steering_table *table = &steering->table;
    *names = calloc(table->service_count + 1, sizeof(**names));
    for (size_t i = 0; i < table->service_buckets && *names; i++)
        for (struct steering_service *at = table->services[i]; at; at = at->next)
            if (has_order(at, kind) && ((*names)[count] = strdup(at->name)))
                count++;
    uv_mutex_unlock(&steering->lock);
    return count;
}

void steering_names_free(char **names, size_t count)
{
    for (size_t i = 0; names && i < count; i++)
        free(names[i]);
    free(names);
}
