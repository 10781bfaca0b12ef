/*
 * What is not configured any more is forgotten.
 */
#include <string.h>

#include "agent/steering/internal.h"
#include "agent/steering/notices.h"
#include "agent/transaction/transaction.h"

/* Whether what is known of a real server is to be kept. */
static bool is_kept(const struct steering *steering, const struct steering_record *record)
{
    struct steering_key key = steering_record_key(record);
    struct steering_key server = {.virtual_server = key.virtual_server};
    /* Running may not show yet what the one who said it knows. */
    if (record->unconfirmed && transactions_unsettled(steering->agent->transactions))
        return true;
    if (record->order && record->order->kind == STEERING_ORDER_LEAVE)
        return steering_is_enabled(steering->agent, &server) &&
               !steering_is_enabled(steering->agent, &key);
    return steering_is_configured(steering->agent, &key);
}

static void forget_record(struct steering *steering, struct steering_record *record)
{
    struct steering_service *service = record->service;
    struct steering_key key = steering_record_key(record);
    if (record->order && steering_drains(record->order))
        notice_drain(steering->agent, &key, record->order->kind, "cancelled", record->connections);
    /* Else it would be known again if the same is configured anew before the next start. */
    if (record->order)
        steering->orders_changed = true;
    else
        steering_store_verdicts_later(steering);
    uv_mutex_lock(&steering->lock);
    steering_table_remove(&steering->table, record);
    uv_mutex_unlock(&steering->lock);
    steering_note(steering, service);
}

static void check_service(struct steering *steering, struct steering_service *service)
{
    struct steering_record *record = service->records, *next;
    struct steering_key key = {.virtual_server = service->name};
    for (; record; record = next) {
        next = record->next_of_service;
        if (!is_kept(steering, record))
            forget_record(steering, record);
        else if (!transactions_unsettled(steering->agent->transactions))
            record->unconfirmed = false;
    }
    if (!transactions_unsettled(steering->agent->transactions))
        service->unconfirmed = false;
    if (service->quorum_lost && !service->unconfirmed &&
        !steering_is_configured(steering->agent, &key)) {
        uv_mutex_lock(&steering->lock);
        service->quorum_lost = false;
        uv_mutex_unlock(&steering->lock);
        steering_note(steering, service);
        steering_store_verdicts_later(steering);
    }
}

static bool is_unconfirmed(const struct steering_service *service)
{
    const struct steering_record *record = service->records;
    while (record && !record->unconfirmed)
        record = record->next_of_service;
    return service->unconfirmed || record;
}

static void check_all(struct steering *steering, bool unconfirmed_alone)
{
    for (size_t i = 0; i < steering->table.service_buckets; i++) {
        struct steering_service *service = steering->table.services[i];
        for (; service; service = service->next)
            if (!unconfirmed_alone || is_unconfirmed(service))
                check_service(steering, service);
    }
}

static void check_changed(struct steering *steering, const struct change *change)
{
    if (!change->unit->list || strcmp(change->unit->list->name, "virtual-server") != 0)
        return;
    const struct entry *entry = change->after ? change->after : change->before;
    struct steering_service *service =
        steering_table_service(&steering->table, leaf_value(entry->node, "name"));
    if (service)
        check_service(steering, service);
}

void steering_forget(struct steering *steering, const struct change_set *changes)
{
    if (!changes)
        check_all(steering, false);
    for (size_t i = 0; changes && i < changes->count; i++)
        check_changed(steering, &changes->changes[i]);
}

static void forget_unchecked(struct steering *steering, struct steering_service *service)
{
    static const struct steering_verdict none = {.weight = STEERING_WEIGHT_CONFIGURED};
    struct steering_record *record = service->records, *next;
    for (; record; record = next) {
        struct steering_key key = steering_record_key(record);
        next = record->next_of_service;
        if (record->recalled && !record->verdict.otherwise)
            steering_set_verdict(steering->agent, &key, &none);
    }
    if (service->recalled && !service->otherwise)
        steering_set_quorum_lost(steering->agent, service->name, false, false);
}

void steering_forget_unchecked(struct agent *agent)
{
    struct steering *steering = agent->steering;
    for (size_t i = 0; steering && i < steering->table.service_buckets; i++) {
        struct steering_service *service = steering->table.services[i];
        for (; service; service = service->next)
            forget_unchecked(steering, service);
    }
}

void steering_transaction_ended(struct agent *agent, const struct change_set *changes)
{
    struct steering *steering = agent->steering;
    if (!steering)
        return;
    if (changes) {
        steering_forget(steering, changes);
        steering_maintain(steering, changes);
    }
    if (!steering->unconfirmed || transactions_unsettled(agent->transactions))
        return;
    check_all(steering, true);
    steering->unconfirmed = false;
}
