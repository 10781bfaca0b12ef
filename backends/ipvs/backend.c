#include "backends/ipvs/backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "backends/ipvs/adopt.h"
#include "backends/ipvs/commit.h"
#include "backends/ipvs/director.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/drains.h"
#include "backends/ipvs/drift.h"
#include "backends/ipvs/operations.h"
#include "backends/ipvs/rivals.h"
#include "backends/ipvs/state.h"
#include "backends/ipvs/steered.h"
#include "backends/ipvs/unsettled.h"

#define DIRECTORS "/noria-director:directors/director"
#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"
#define MOUNTS "/proc/self/mountinfo"

/* -- The end ---------------------------------------------------------------------------------- */

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

/* End work, and free what there is while the loop runs out. */
static void close_directors(struct ipvs_directors *directors)
{
    if (!directors)
        return;
    ipvs_family_unwatch(directors->family);
    ipvs_drains_end(directors->drains);
    ipvs_steered_end(directors->steered);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_drift_wait(directors->engines[i]->drift);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_director_close(directors->engines[i]);
    directors->count = 0;
    if (directors->mounts_file >= 0)
        uv_close((uv_handle_t *)&directors->mounts, on_closed);
    else
        free_directors(directors);
}

/* -- The start -------------------------------------------------------------------------------- */

static bool add_engine(struct ipvs_directors *directors, const char *name, char *path)
{
    struct ipvs_engine *engine = ipvs_director_new(directors, name, path);
    if (!engine)
        return false;
    if (ipvs_directors_exchange(directors, NULL, engine))
        return true;
    ipvs_director_close(engine);
    return false;
}

static bool add_engines(struct ipvs_directors *directors)
{
    const struct unit *unit = schema_unit_find(directors->backend->schema, DIRECTORS);
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

/* The directors that a configuration names; they do nothing yet. */
static struct ipvs_directors *new_directors(struct backend *backend, const struct snapshot *running)
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
    close_directors(directors);
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
        ipvs_director_follow(directors->engines[i]);
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
            ipvs_director_connect(engine);
    }
}

/* Begin work: connect every engine, and watch for namespaces. */
static void start_directors(struct ipvs_directors *directors)
{
    watch_mounts(directors);
    directors->family = ipvs_family_watch(directors->backend->loop, on_family, directors);
    for (size_t i = 0; i < directors->count; i++)
        ipvs_director_connect(directors->engines[i]);
    ipvs_unsettled_remove(directors);
}

/* -- The backend ------------------------------------------------------------------------------ */

static enum outcome ipvs_start(struct backend *backend, const struct snapshot *running,
                               struct error *err)
{
    struct ipvs_directors *directors = new_directors(backend, running);
    if (!directors)
        return fail_memory(err);
    backend->data = directors;
    start_directors(directors);
    return DONE;
}

static void ipvs_stop(struct backend *backend)
{
    close_directors(backend->data);
    backend->data = NULL;
}

static const char *const claims[] = {"/noria-virtual-server:virtual-servers",
                                     "/noria-director:directors", NULL};

const struct backend_ops ipvs_backend = {
    .name = "ipvs",
    .summary = "virtual servers in the kernel (IPVS), by generic netlink",
    .claims = claims,
    .operations = ipvs_operations,
    .adopt = ipvs_adopt_own,
    .start = ipvs_start,
    .prepare = ipvs_prepare,
    .apply = ipvs_apply,
    .revert = ipvs_revert,
    .release = ipvs_release,
    .operational = ipvs_operational,
    .stop = ipvs_stop,
};
