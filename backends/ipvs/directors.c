#include "backends/ipvs/directors.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/array.h"
#include "agent/log.h"
#include "backends/ipvs/drains.h"
#include "backends/ipvs/rivals.h"
#include "backends/ipvs/steered.h"
#include "backends/ipvs/unsettled.h"

#define UNIT "/noria-director:directors/director"
#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"
#define MOUNTS "/proc/self/mountinfo"

bool ipvs_director_path(const struct lyd_node *node, char **path)
{
    const char *name = leaf_value(node, "network-namespace");
    *path = name ? ipvs_namespace_path(name) : NULL;
    return !name || *path;
}

/* -- The set ---------------------------------------------------------------------------------- */

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

/* -- Start and end ---------------------------------------------------------------------------- */

static bool add_engine(struct ipvs_directors *directors, const char *name, char *path)
{
    struct ipvs_engine *engine = ipvs_engine_new(directors, name, path);
    if (!engine)
        return false;
    if (ipvs_directors_exchange(directors, NULL, engine))
        return true;
    ipvs_engine_close(engine);
    return false;
}

static bool add_engines(struct ipvs_directors *directors)
{
    const struct unit *unit = schema_unit_find(directors->backend->schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(directors->running, unit, &count) : 0;
    bool added = add_engine(directors, IPVS_MAIN, NULL);

    for (size_t i = 0; i < count && added; i++) {
        const struct lyd_node *node = directors->running->entries[first + i]->node;
        char *path;
        if (strcmp(leaf_value(node, "name"), IPVS_MAIN) != 0)
            added = ipvs_director_path(node, &path) &&
                    add_engine(directors, leaf_value(node, "name"), path);
    }
    return added;
}

struct ipvs_directors *ipvs_directors_new(struct backend *backend, const struct snapshot *running)
{
    struct ipvs_directors *directors = calloc(1, sizeof *directors);
    if (!directors || uv_mutex_init(&directors->lock) != 0) {
        free(directors);
        return NULL;
    }
    directors->backend = backend;
    directors->running = snapshot_ref(running);
    directors->mounts_file = -1;
    const struct unit *unit = schema_unit_find(backend->schema, SERVERS);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;
    directors->groups =
        ipvs_groups_in((const struct entry *const *)&running->entries[first], count);
    directors->steered = ipvs_steered_begin(directors);
    directors->drains = ipvs_drains_begin(directors);
    if (directors->steered && directors->drains && add_engines(directors))
        return directors;
    ipvs_directors_close(directors);
    return NULL;
}

/*
 * Namespaces come and go with their mounts, and the kernel tells when those change. (To watch the
 * folder would tell too early: 'ip netns add' makes the file first and mounts the namespace later.)
 */
static void on_mounts(uv_poll_t *mounts, int status, int events)
{
    struct ipvs_directors *directors = mounts->data;
    for (size_t i = 0; i < directors->count; i++)
        ipvs_engine_follow(directors->engines[i]);
}

static void watch_mounts(struct ipvs_directors *directors)
{
    directors->mounts_file = open(MOUNTS, O_RDONLY | O_CLOEXEC);
    int error =
        directors->mounts_file < 0
            ? -errno
            : uv_poll_init(directors->backend->loop, &directors->mounts, directors->mounts_file);
    if (!error) {
        directors->mounts.data = directors;
        error = uv_poll_start(&directors->mounts, UV_PRIORITIZED, on_mounts);
    } else if (directors->mounts_file >= 0) {
        close(directors->mounts_file);
        directors->mounts_file = -1;
    }
    if (error)
        log_warning(AREA_IPVS,
                    "%s cannot be watched (%s): network namespaces that go are not noticed", MOUNTS,
                    uv_strerror(error));
}

/*
 * With the module the tables of all namespaces have gone, and with it they come, empty. An engine
 * that has loaded the module itself is at work already.
 */
static void on_family(void *arg, enum ipvs_family_event event)
{
    struct ipvs_directors *directors = arg;
    for (size_t i = 0; i < directors->count; i++) {
        struct ipvs_engine *engine = directors->engines[i];
        if (event == IPVS_FAMILY_GONE && engine->sock)
            ipvs_engine_lost(engine, ENOENT);
        else if (event == IPVS_FAMILY_MISSED || (event == IPVS_FAMILY_CAME && !engine->sock))
            ipvs_engine_connect(engine);
    }
}

void ipvs_directors_start(struct ipvs_directors *directors)
{
    watch_mounts(directors);
    directors->family = ipvs_family_watch(directors->backend->loop, on_family, directors);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_engine_connect(directors->engines[i]);
    ipvs_unsettled_remove(directors);
}

static void free_directors(struct ipvs_directors *directors)
{
    snapshot_unref(directors->running);
    free(directors->engines);
    uv_mutex_destroy(&directors->lock);
    free(directors);
}

static void on_closed(uv_handle_t *handle)
{
    struct ipvs_directors *directors = handle->data;
    close(directors->mounts_file);
    free_directors(directors);
}

void ipvs_directors_close(struct ipvs_directors *directors)
{
    if (!directors)
        return;
    ipvs_family_unwatch(directors->family);
    ipvs_drains_end(directors->drains);
    ipvs_steered_end(directors->steered);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_drift_wait(directors->engines[i]->drift);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_engine_close(directors->engines[i]);
    directors->count = 0;
    if (directors->mounts_file >= 0)
        uv_close((uv_handle_t *)&directors->mounts, on_closed);
    else
        free_directors(directors);
}
