#include "backends/ipvs/directors.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "backends/ipvs/drift.h"

struct ipvs_engine *ipvs_directors_find(const struct ipvs_directors *directors, const char *name)
{
    for (size_t i = 0; i < directors->count; i++)
        if (strcmp(directors->engines[i]->name, name) == 0)
            return directors->engines[i];
    return NULL;
}

const char *ipvs_directors_in(const struct ipvs_directors *directors,
                              const struct ipvs_engine *engine)
{
    for (size_t i = 0; i < directors->count; i++) {
        const struct ipvs_engine *other = directors->engines[i];
        if (strcmp(other->name, engine->name) != 0 && other->sock && !other->leaving &&
            ipvs_namespace_same(&other->id, &engine->id))
            return other->name;
    }
    return NULL;
}

bool ipvs_directors_exchange(struct ipvs_directors *directors, struct ipvs_engine *out,
                             struct ipvs_engine *in)
{
    size_t at = 0;
    uv_mutex_lock(&directors->lock);
    while (at < directors->count && directors->engines[at] != out)
        at++;
    bool room = !in || at < directors->count ||
                array_grow(&directors->engines, directors->count, &directors->room,
                           sizeof(*directors->engines));
    if (room && at < directors->count && !in)
        memmove(directors->engines + at, directors->engines + at + 1,
                (--directors->count - at) * sizeof(*directors->engines));
    else if (room && in)
        directors->engines[at] = in;
    if (room && in && at == directors->count)
        directors->count++;
    if (room && out)
        out->member = false;
    if (room && in)
        in->member = true;
    uv_mutex_unlock(&directors->lock);
    return room;
}

struct ipvs_engine **ipvs_directors_take(struct ipvs_directors *directors, size_t *count)
{
    uv_mutex_lock(&directors->lock);
    struct ipvs_engine **engines = calloc(directors->count + 1, sizeof(struct ipvs_engine *));
    *count = engines ? directors->count : 0;
    for (size_t i = 0; i < *count; i++)
        engines[i] = ipvs_engine_ref(directors->engines[i]);
    uv_mutex_unlock(&directors->lock);
    return engines;
}

void ipvs_directors_give(struct ipvs_engine **engines, size_t count)
{
    for (size_t i = 0; i < count; i++)
        ipvs_engine_unref(engines[i]);
    free(engines);
}

void ipvs_directors_set_running(struct ipvs_directors *directors, const struct snapshot *running)
{
    if (!running)
        return;
    struct snapshot *old = directors->running;
    directors->running = snapshot_ref(running);
    snapshot_unref(old);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_drift_schedule(directors->engines[i]->drift);
}
