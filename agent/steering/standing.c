/*
 * Standing.
 */
#include "agent/steering/standing.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/log.h"
#include "agent/steering/internal.h"

static struct standing_fact *find(const struct standing *standing, enum standing_kind kind,
                                  const char *name)
{
    for (size_t i = 0; i < standing->count; i++)
        if (standing->facts[i].kind == kind && !strcmp(standing->facts[i].name, name))
            return &standing->facts[i];
    return NULL;
}

static struct standing_fact *add(struct standing *standing, enum standing_kind kind,
                                 const char *name)
{
    char *copy = strdup(name);
    if (!copy ||
        !array_grow(&standing->facts, standing->count, &standing->room, sizeof(*standing->facts))) {
        log_error(AREA_STEERING, "no memory: what holds for %s is not known", name);
        free(copy);
        return NULL;
    }
    struct standing_fact *fact = &standing->facts[standing->count++];
    *fact = (struct standing_fact){.kind = kind, .name = copy};
    return fact;
}

void standing_set(struct agent *agent, enum standing_kind kind, const char *name, int value)
{
    if (!agent->steering)
        return;
    struct standing *standing = &agent->steering->standing;
    struct standing_fact *fact = find(standing, kind, name);
    if (fact && fact->value == value)
        return;
    if (!fact && !(fact = add(standing, kind, name)))
        return;
    fact->value = value;
    struct standing_follower *next, *follower = standing->followers;
    for (; follower; follower = next) {
        next = follower->next; /* it may unfollow */
        follower->changed(follower->arg, kind, name);
    }
}

int standing_get(const struct agent *agent, enum standing_kind kind, const char *name,
                 int otherwise)
{
    const struct standing_fact *fact =
        agent->steering ? find(&agent->steering->standing, kind, name) : NULL;
    return fact ? fact->value : otherwise;
}

void standing_follow(struct agent *agent, struct standing_follower *follower)
{
    follower->next = agent->steering->standing.followers;
    agent->steering->standing.followers = follower;
}

void standing_unfollow(struct agent *agent, struct standing_follower *follower)
{
    if (!agent->steering)
        return;
    struct standing_follower **at = &agent->steering->standing.followers;
    while (*at && *at != follower)
        at = &(*at)->next;
    if (*at)
        *at = follower->next;
}

void standing_clear(struct standing *standing)
{
    for (size_t i = 0; i < standing->count; i++)
        free(standing->facts[i].name);
    free(standing->facts);
    *standing = (struct standing){0};
}
