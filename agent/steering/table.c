/*
 * What steering knows.
 */
#include "agent/steering/table.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "agent/clock.h"

#define FIRST_BUCKETS 64

/* FNV-1a, 64 bits. */
static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    while (length--)
        hash = (hash ^ *at++) * 0x100000001b3;
    return hash;
}

static uint64_t hash_name(const char *name)
{
    return hash_bytes(0xcbf29ce484222325, name, strlen(name) + 1);
}

static uint64_t hash_key(const struct steering_key *key)
{
    uint64_t hash = hash_bytes(hash_name(key->virtual_server), key->address, strlen(key->address));
    return hash_bytes(hash, &key->port, sizeof(key->port));
}

struct steering_key steering_record_key(const struct steering_record *record)
{
    return (struct steering_key){
        .virtual_server = record->service->name, .address = record->address, .port = record->port};
}

/* Virtual servers. */

static bool grow_services(struct steering_table *table)
{
    size_t room = table->service_buckets ? table->service_buckets * 2 : FIRST_BUCKETS;
    struct steering_service **buckets = calloc(room, sizeof(*buckets)), *next;
    if (!buckets)
        return table->service_buckets > 0; /* it becomes slower, that is all */
    for (size_t i = 0; i < table->service_buckets; i++) {
        for (struct steering_service *service = table->services[i]; service; service = next) {
            size_t bucket = hash_name(service->name) % room;
            next = service->next;
            service->next = buckets[bucket];
            buckets[bucket] = service;
        }
    }
    free(table->services);
    table->services = buckets;
    table->service_buckets = room;
    return true;
}

struct steering_service *steering_table_service(const struct steering_table *table,
                                                const char *name)
{
    if (!table->service_count)
        return NULL;
    struct steering_service *service = table->services[hash_name(name) % table->service_buckets];
    while (service && strcmp(service->name, name) != 0)
        service = service->next;
    return service;
}

struct steering_service *steering_table_add_service(struct steering_table *table, const char *name)
{
    struct steering_service *service = steering_table_service(table, name);
    if (service)
        return service;
    if (table->service_count >= table->service_buckets && !grow_services(table))
        return NULL;
    service = calloc(1, sizeof(*service));
    if (!service || !(service->name = strdup(name))) {
        free(service);
        return NULL;
    }
    struct steering_service **bucket = &table->services[hash_name(name) % table->service_buckets];
    service->next = *bucket;
    *bucket = service;
    table->service_count++;
    return service;
}

void steering_table_remove_service(struct steering_table *table, struct steering_service *service)
{
    struct steering_service **at =
        &table->services[hash_name(service->name) % table->service_buckets];
    while (*at != service)
        at = &(*at)->next;
    *at = service->next;
    table->service_count--;
    free(service->name);
    free(service);
}

/* Real servers. */

static bool grow_records(struct steering_table *table)
{
    size_t room = table->record_buckets ? table->record_buckets * 2 : FIRST_BUCKETS;
    struct steering_record **buckets = calloc(room, sizeof(*buckets)), *next;
    if (!buckets)
        return table->record_buckets > 0;
    for (size_t i = 0; i < table->record_buckets; i++) {
        for (struct steering_record *record = table->records[i]; record; record = next) {
            struct steering_key key = steering_record_key(record);
            size_t bucket = hash_key(&key) % room;
            next = record->next;
            record->next = buckets[bucket];
            buckets[bucket] = record;
        }
    }
    free(table->records);
    table->records = buckets;
    table->record_buckets = room;
    return true;
}

struct steering_record *steering_table_find(const struct steering_table *table,
                                            const struct steering_key *key)
{
    if (!table->record_count)
        return NULL;
    struct steering_record *record = table->records[hash_key(key) % table->record_buckets];
    while (record && (record->port != key->port || strcmp(record->address, key->address) != 0 ||
                      strcmp(record->service->name, key->virtual_server) != 0))
        record = record->next;
    return record;
}

struct steering_record *steering_table_add(struct steering_table *table,
                                           const struct steering_key *key)
{
    struct steering_record *record = steering_table_find(table, key);
    if (record)
        return record;
    struct steering_service *service = steering_table_add_service(table, key->virtual_server);
    if (!service || (table->record_count >= table->record_buckets && !grow_records(table)))
        return NULL;
    record = calloc(1, sizeof(*record));
    if (!record || !(record->address = strdup(key->address))) {
        free(record);
        return NULL;
    }
    struct steering_record **bucket = &table->records[hash_key(key) % table->record_buckets];
    record->port = key->port;
    record->service = service;
    record->verdict.weight = STEERING_WEIGHT_CONFIGURED;
    record->connections = -1;
    record->next = *bucket;
    *bucket = record;
    record->next_of_service = service->records;
    record->at_service = &service->records;
    if (service->records)
        service->records->at_service = &record->next_of_service;
    service->records = record;
    table->record_count++;
    return record;
}

void steering_table_remove(struct steering_table *table, struct steering_record *record)
{
    struct steering_key key = steering_record_key(record);
    struct steering_record **at = &table->records[hash_key(&key) % table->record_buckets];
    while (*at != record)
        at = &(*at)->next;
    *at = record->next;
    *record->at_service = record->next_of_service;
    if (record->next_of_service)
        record->next_of_service->at_service = record->at_service;
    table->record_count--;
    free(record->address);
    free(record->order);
    free(record);
}

void steering_record_read(const struct steering_record *record, struct steering_server *server)
{
    *server =
        (struct steering_server){.verdict.weight = STEERING_WEIGHT_CONFIGURED, .connections = -1};
    if (record) {
        server->verdict = record->verdict;
        server->connections = record->connections;
    }
    if (record && record->order)
        server->order = *record->order;
}

/* By a clock that nobody sets: a jump of the time of day must not cut connections off. */
static void set_due(struct steering_order *order)
{
    int64_t rest = order->until ? order->until - clock_now() : 0;
    order->begun = uv_hrtime();
    order->due = order->until ? order->begun + (uint64_t)(rest > 0 ? rest : 0) : 0;
}

bool steering_record_order(struct steering_record *record, const struct steering_order *order)
{
    if (order->kind == STEERING_ORDER_NONE) {
        free(record->order);
        record->order = NULL;
        return true;
    }
    if (!record->order && !(record->order = malloc(sizeof(*record->order))))
        return false;
    *record->order = *order;
    set_due(record->order);
    record->connections = -1;
    return true;
}

bool steering_record_is_empty(const struct steering_record *record)
{
    return !record->order && record->verdict.health == STEERING_UNCHECKED;
}

void steering_table_clear(struct steering_table *table)
{
    for (size_t i = 0; i < table->service_buckets; i++) {
        while (table->services[i]) {
            while (table->services[i]->records)
                steering_table_remove(table, table->services[i]->records);
            steering_table_remove_service(table, table->services[i]);
        }
    }
    free(table->records);
    free(table->services);
    *table = (struct steering_table){0};
}
