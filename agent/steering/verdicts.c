/*
 * Verdicts, and quorums.
 */
#include "agent/steering/internal.h"

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
        (!service && !steering_is_known(steering, &key, &unconfirmed)))
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
