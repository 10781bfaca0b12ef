/*
 * Orders: given, and ended when their time is over.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/log.h"
#include "agent/steering/internal.h"
#include "agent/steering/notices.h"
#include "agent/transaction/transaction.h"

/* The longest sleep until an order's end, so that a clock that was set is noticed. */
#define SLEEP_MS 60000

/* How often a drain that waits is told of, in nanoseconds. */
#define TELL_EVERY (10 * UINT64_C(1000000000))

static bool ends_by_itself(const struct steering_order *order)
{
    return order->until && order->kind != STEERING_ORDER_DRAIN &&
           order->kind != STEERING_ORDER_LEAVE;
}

static void on_order_due(uv_timer_t *timer);

static void sleep_until_end(struct steering *steering)
{
    if (!steering->next_end || steering->stopping)
        return;
    int64_t rest = (steering->next_end - clock_now()) / 1000000 + 1;
    rest = rest < 0 ? 0 : rest > SLEEP_MS ? SLEEP_MS : rest;
    uv_timer_start(&steering->order_due, on_order_due, (uint64_t)rest, 0);
}

static void expect_end(struct steering *steering, const struct steering_order *order)
{
    if (!ends_by_itself(order) || (steering->next_end && steering->next_end <= order->until))
        return;
    steering->next_end = order->until;
    sleep_until_end(steering);
}

/* The time of an order is over. Told when it is so; the key goes with the record. */
static void end_order(struct steering *steering, const struct steering_key *key)
{
    struct steering_order next;
    steering_configured_order(steering->agent, key, &next);
    char *server = strdup(key->virtual_server), *address = strdup(key->address);
    struct steering_key copy = {.virtual_server = server, .address = address, .port = key->port};
    steering_set_order(steering->agent, key, &next, NULL, NULL);
    if (server && address)
        notice_order(steering->agent, &copy, &next, NULL);
    free(server);
    free(address);
}

/* End the orders whose time is over, and find the next one. */
static void on_order_due(uv_timer_t *timer)
{
    struct steering *steering = timer->data;
    int64_t now = clock_now();
    steering->next_end = 0;
    for (size_t i = 0; i < steering->table.record_buckets; i++) {
        struct steering_record *next, *record = steering->table.records[i];
        for (; record; record = next) {
            next = record->next;
            if (!record->order || !ends_by_itself(record->order))
                continue;
            struct steering_key key = steering_record_key(record);
            if (record->order->until > now) {
                if (!steering->next_end || record->order->until < steering->next_end)
                    steering->next_end = record->order->until;
                continue;
            }
            end_order(steering, &key);
        }
    }
    sleep_until_end(steering);
}

/* Tell what an order does to the drain that it ends, and of the drain that it begins. */
static void tell_drain(struct agent *agent, struct steering_record *record,
                       const struct steering_order *order)
{
    struct steering_key key = steering_record_key(record);
    const struct steering_order *before = record->order;
    if (before && steering_drains(before) && !record->ended)
        notice_drain(agent, &key, before->kind, "cancelled", record->connections);
    record->ended = false;
    if (!steering_drains(order))
        return;
    record->told = uv_hrtime();
    notice_drain(agent, &key, order->kind, "started", -1);
}

bool steering_put_order(struct steering *steering, const struct steering_key *key,
                        const struct steering_order *order)
{
    struct steering_record *record = steering_record_for(steering, key);
    if (!record)
        return false;
    struct steering_service *service = record->service;
    /* A server leaves before running shows that it is gone. */
    if (order->kind == STEERING_ORDER_LEAVE &&
        transactions_unsettled(steering->agent->transactions))
        record->unconfirmed = steering->unconfirmed = true;
    tell_drain(steering->agent, record, order);
    uv_mutex_lock(&steering->lock);
    bool put = steering_record_order(record, order);
    steering_tidy(steering, record);
    uv_mutex_unlock(&steering->lock);
    steering_note(steering, service);
    expect_end(steering, order);
    return put;
}

/* Those who wait for an order to be stored. */

static void waiter_free(struct steering_waiter *waiter)
{
    free(waiter->virtual_server);
    free(waiter->address);
    free(waiter);
}

static struct steering_waiter *
wait_for_store(struct steering *steering, const struct steering_key *key,
               const struct steering_order *before, const struct steering_order *after,
               void (*done)(void *arg, enum outcome outcome, struct error *err), void *arg)
{
    struct steering_waiter *waiter = calloc(1, sizeof(*waiter));
    if (!waiter)
        return NULL;
    *waiter = (struct steering_waiter){
        .port = key->port, .before = *before, .after = *after, .done = done, .arg = arg};
    waiter->virtual_server = strdup(key->virtual_server);
    waiter->address = strdup(key->address);
    if (!waiter->virtual_server || !waiter->address) {
        waiter_free(waiter);
        return NULL;
    }
    if (!steering->waiters.first)
        steering->waiters.last = &steering->waiters.first;
    *steering->waiters.last = waiter;
    steering->waiters.last = &waiter->next;
    return waiter;
}

/* An order that could not be stored is taken back, if it has not been changed again since. */
static void take_back(struct steering *steering, const struct steering_waiter *waiter)
{
    struct steering_key key = {
        .virtual_server = waiter->virtual_server, .address = waiter->address, .port = waiter->port};
    struct steering_server now;
    steering_read(steering->agent, &key, &now);
    if (now.order.kind == waiter->after.kind && now.order.since == waiter->after.since)
        steering_put_order(steering, &key, &waiter->before);
}

void steering_tell_waiters(struct steering *steering, struct steering_write *write)
{
    struct steering_waiter *waiter = write->waiters.first, *next;
    write->waiters.first = NULL;
    for (; waiter; waiter = next) {
        struct error error = {0};
        enum outcome outcome = waiter->failed ? fail_memory(&error) : write->orders_outcome;
        next = waiter->next;
        if (outcome != DONE) {
            take_back(steering, waiter);
            fail(&error, write->error.tag, NULL, "%s", error_message(&write->error));
        }
        if (waiter->done)
            waiter->done(waiter->arg, outcome, &error);
        error_clear(&error);
        waiter_free(waiter);
    }
}

/* done() for an order that needs no storing, or cannot be; in the next turn of the loop. */
struct early {
    uv_idle_t idle;
    void (*done)(void *arg, enum outcome outcome, struct error *err);
    void *arg;
    enum outcome outcome;
    struct error error;
};

static void free_early(uv_handle_t *idle)
{
    free(idle->data);
}

static void end_early(uv_idle_t *idle)
{
    struct early *early = idle->data;
    early->done(early->arg, early->outcome, &early->error);
    error_clear(&early->error);
    uv_close((uv_handle_t *)idle, free_early);
}

static void done_early(struct agent *agent, enum outcome outcome, struct error *err,
                       void (*done)(void *arg, enum outcome outcome, struct error *err), void *arg)
{
    struct early *early = done ? calloc(1, sizeof(*early)) : NULL;
    if (!early && done)
        done(arg, outcome, err);
    if (!early) {
        error_clear(err);
        return;
    }
    *early = (struct early){.done = done, .arg = arg, .outcome = outcome, .error = *err};
    uv_idle_init(&agent->loop, &early->idle);
    early->idle.data = early;
    uv_idle_start(&early->idle, end_early);
}

void steering_set_order(struct agent *agent, const struct steering_key *key,
                        const struct steering_order *order,
                        void (*done)(void *arg, enum outcome outcome, struct error *err), void *arg)
{
    struct steering *steering = agent->steering;
    struct steering_server before;
    struct error error = {0};
    enum outcome outcome = DONE;
    steering_read(agent, key, &before);
    if (!before.order.kind && !order->kind) {
        done_early(agent, DONE, &error, done, arg);
        return;
    }
    struct steering_waiter *waiter = NULL;
    if (!steering_record_for(steering, key))
        outcome = refuse(&error, TAG_DATA_MISSING, NULL,
                         "There is no real server %s:%u of a virtual server %s.", key->address,
                         (unsigned)key->port, key->virtual_server);
    else if (!(waiter = wait_for_store(steering, key, &before.order, order, done, arg)))
        outcome = fail_memory(&error);
    else /* the key may belong to the record, which may go with its order */
        waiter->failed =
            !steering_put_order(steering,
                                &(struct steering_key){.virtual_server = waiter->virtual_server,
                                                       .address = waiter->address,
                                                       .port = waiter->port},
                                order);
    if (outcome != DONE)
        done_early(agent, outcome, &error, done, arg);
    steering_soon(steering);
}

void steering_orders_begin(struct steering *steering)
{
    for (size_t i = 0; i < steering->table.record_buckets; i++)
        for (struct steering_record *at = steering->table.records[i]; at; at = at->next)
            if (at->order)
                expect_end(steering, at->order);
}

void steering_set_connections(struct agent *agent, const struct steering_key *key,
                              uint64_t connections)
{
    struct steering *steering = agent->steering;
    struct steering_record *record = steering_table_find(&steering->table, key);
    uint64_t now = uv_hrtime();
    if (!record || !record->order || !steering_drains(record->order))
        return;
    uv_mutex_lock(&steering->lock);
    record->connections = (int64_t)connections;
    uv_mutex_unlock(&steering->lock);
    if (now - record->told < TELL_EVERY)
        return;
    record->told = now;
    notice_drain(agent, key, record->order->kind, "waiting", record->connections);
}

void steering_end_drain(struct agent *agent, const struct steering_key *key, bool timed_out)
{
    struct steering_record *record = steering_table_find(&agent->steering->table, key);
    if (!record || !record->order || !steering_drains(record->order))
        return;
    struct steering_order order = *record->order;
    notice_drain(agent, key, order.kind, timed_out ? "timed-out" : "ended", record->connections);
    record->ended = true;
    if (order.kind == STEERING_ORDER_DRAIN)
        order.drained = true;
    else
        order = (struct steering_order){0};
    steering_set_order(agent, key, &order, NULL, NULL);
}
