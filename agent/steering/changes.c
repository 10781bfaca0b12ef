/*
 * What has changed, and who is told of it, once per turn of the loop.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/steering/internal.h"

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

void steering_tell(struct steering *steering)
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

void steering_soon(struct steering *steering)
{
    if (!steering->stopping)
        uv_idle_start(&steering->turn, steering->on_turn);
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
