/*
 * Steering: verdicts, what has changed, and who is told of it.
 */
#include "agent/steering/steering.h"

#include <stdlib.h>
#include <string.h>

#include "agent/steering/internal.h"
#include "agent/transaction/transaction.h"

/* How long verdicts wait to be stored with others. */
#define VERDICTS_MS 3000

/* What has changed, once per turn of the loop. */

static void drop_service_if_empty(struct steering *steering, struct steering_service *service)
{
    if (service->changed || service->quorum_lost || service->records)
        return;
    uv_mutex_lock(&steering->lock);
    steering_table_remove_service(&steering->table, service);
    uv_mutex_unlock(&steering->lock);
}

/* The names that have changed, and nothing is changed any more. */
static char **take_changed(struct steering *steering, size_t *count)
{
    struct steering_service *service, *next;
    size_t room = 0;
    *count = 0;
    for (service = steering->changed; service; service = service->next_changed)
        room++;
    char **names = calloc(room + 1, sizeof(*names));
    service = steering->changed;
    steering->changed = NULL;
    for (; service; service = next) {
        next = service->next_changed;
        service->changed = false;
        if (names && (names[*count] = strdup(service->name)))
            (*count)++;
        drop_service_if_empty(steering, service);
    }
    return names;
}

static void tell_followers(struct steering *steering)
{
    size_t count;
    char **names = take_changed(steering, &count);
    struct steering_follower *next, *follower = steering->followers;
    for (; follower && count; follower = next) {
        next = follower->next; /* it may unfollow */
        follower->changed(follower->arg, (const char *const *)names, count);
    }
    steering_names_free(names, count);
}

static void on_turn(uv_idle_t *turn)
{
    struct steering *steering = turn->data;
    uv_idle_stop(turn);
    tell_followers(steering);
    steering_store_now(steering, false);
}

void steering_soon(struct steering *steering)
{
    if (!steering->stopping)
        uv_idle_start(&steering->turn, on_turn);
}

void steering_note(struct steering *steering, struct steering_service *service)
{
    steering->generation++;
    if (!service->changed) {
        service->changed = true;
        service->next_changed = steering->changed;
        steering->changed = service;
    }
    steering_soon(steering);
}

void steering_tidy(struct steering *steering, struct steering_record *record)
{
    if (steering_record_is_empty(record))
        steering_table_remove(&steering->table, record);
}

/* Verdicts. */

static void on_verdicts_due(uv_timer_t *timer)
{
    struct steering *steering = timer->data;
    steering_store_now(steering, true);
    if (steering->verdicts_changed) /* a write was under way */
        uv_timer_start(timer, on_verdicts_due, VERDICTS_MS, 0);
}

void steering_store_verdicts_later(struct steering *steering)
{
    if (!steering->verdicts_changed && !steering->stopping)
        uv_timer_start(&steering->verdict_due, on_verdicts_due, VERDICTS_MS, 0);
    steering->verdicts_changed = true;
}

/*
 * Whether something may be said of a key: it is configured, or may be at the end of the transaction
 * that runs.
 */
static bool is_known(struct steering *steering, const struct steering_key *key, bool *unconfirmed)
{
    struct agent *agent = steering->agent;
    *unconfirmed = !steering_is_configured(agent, key);
    if (*unconfirmed && !transactions_unsettled(agent->transactions))
        return false;
    steering->unconfirmed = steering->unconfirmed || *unconfirmed;
    return true;
}

struct steering_record *steering_record_for(struct steering *steering,
                                            const struct steering_key *key)
{
    bool unconfirmed;
    struct steering_record *record = steering_table_find(&steering->table, key);
    if (record || !is_known(steering, key, &unconfirmed))
        return record;
    uv_mutex_lock(&steering->lock);
    record = steering_table_add(&steering->table, key);
    if (record)
        record->unconfirmed = unconfirmed;
    uv_mutex_unlock(&steering->lock);
    return record;
}

/* What the engine is to do with a real server; NULL: nothing is known of it. */
static struct steering_sum sum_of(const struct steering_record *record)
{
    struct steering_server server;
    steering_record_read(record, &server);
    return steering_sum(&server);
}

/* Most verdicts change nothing for the engine: that what served unchecked is up, above all. */
static bool same_sum(const struct steering_sum *a, const struct steering_sum *b)
{
    return a->present == b->present && (!a->present || a->weight == b->weight);
}

void steering_set_verdict(struct agent *agent, const struct steering_key *key,
                          const struct steering_verdict *verdict)
{
    struct steering *steering = agent->steering;
    struct steering_record *record = steering ? steering_table_find(&steering->table, key) : NULL;
    if (!steering || (!record && verdict->health == STEERING_UNCHECKED) ||
        !(record = steering_record_for(steering, key)))
        return;
    struct steering_sum before = sum_of(record);
    struct steering_service *service = record->service;
    uv_mutex_lock(&steering->lock);
    record->verdict = *verdict;
    record->recalled = false;
    if (verdict->health == STEERING_UNCHECKED)
        record->verdict = (struct steering_verdict){.weight = STEERING_WEIGHT_CONFIGURED};
    struct steering_sum after = sum_of(record);
    steering_tidy(steering, record);
    uv_mutex_unlock(&steering->lock);
    if (!same_sum(&before, &after))
        steering_note(steering, service);
    steering_store_verdicts_later(steering);
}

void steering_set_quorum_lost(struct agent *agent, const char *virtual_server, bool lost,
                              bool otherwise)
{
    struct steering *steering = agent->steering;
    struct steering_key key = {.virtual_server = virtual_server};
    struct steering_service *service =
        steering ? steering_table_service(&steering->table, virtual_server) : NULL;
    bool unconfirmed = false;
    if (service)
        service->recalled = false;
    if (!steering || lost == (service && service->quorum_lost) ||
        (!service && !is_known(steering, &key, &unconfirmed)))
        return;
    uv_mutex_lock(&steering->lock);
    if (!service && (service = steering_table_add_service(&steering->table, virtual_server)))
        service->unconfirmed = unconfirmed;
    if (service)
        service->quorum_lost = lost;
    if (service)
        service->otherwise = otherwise;
    uv_mutex_unlock(&steering->lock);
    if (service)
        steering_note(steering, service);
    steering_store_verdicts_later(steering);
}

/* Who follows. */

uint64_t steering_generation(const struct agent *agent)
{
    return agent->steering ? agent->steering->generation : 0;
}

void steering_follow(struct agent *agent, struct steering_follower *follower)
{
    follower->next = agent->steering->followers;
    agent->steering->followers = follower;
}

void steering_unfollow(struct agent *agent, struct steering_follower *follower)
{
    struct steering_follower **at = &agent->steering->followers;
    while (*at && *at != follower)
        at = &(*at)->next;
    if (*at)
        *at = follower->next;
}
