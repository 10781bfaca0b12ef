#include "backends/ipvs/director.h"

#include <errno.h>
#include <string.h>

#include "agent/log.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/drift.h"
#include "backends/ipvs/table.h"

bool ipvs_director_path(const struct lyd_node *node, char **path)
{
    const char *name = leaf_value(node, "network-namespace");
    *path = name ? ipvs_namespace_path(name) : NULL;
    return !name || *path;
}

static void on_again(uv_timer_t *timer)
{
    ipvs_director_connect(timer->data);
}

struct ipvs_engine *ipvs_director_new(struct ipvs_directors *directors, const char *name,
                                      char *path)
{
    struct ipvs_engine *engine = ipvs_engine_new(directors, name, path, on_again);
    if (!engine)
        return NULL;
    engine->drift = ipvs_drift_begin(engine);
    if (engine->drift)
        return engine;
    ipvs_director_close(engine);
    return NULL;
}

void ipvs_director_close(struct ipvs_engine *engine)
{
    if (!engine)
        return;
    ipvs_drift_end(engine->drift);
    ipvs_engine_close(engine);
}

/* The namespace cannot be entered. */
static void set_unreachable(struct ipvs_engine *engine, int error)
{
    engine->absent = error == ENOENT;
    if (error == ENOENT)
        ipvs_engine_down(
            engine,
            "there is no network namespace %s: create it ('ip netns add'), or configure "
            "another",
            engine->path);
    else if (error == EPERM || error == EACCES)
        ipvs_engine_down(
            engine,
            "the network namespace %s may not be entered: run noriad as root, or give its "
            "service CAP_SYS_ADMIN",
            engine->path);
    else
        ipvs_engine_down(engine, "the network namespace %s cannot be entered: %s", engine->path,
                         strerrordesc_np(error));
}

void ipvs_director_collide(struct ipvs_engine *engine, const char *other)
{
    engine->absent = false;
    ipvs_engine_down(engine, "the network namespace %s is that of the director %s: name another",
                     engine->path, other);
}

bool ipvs_director_open(struct ipvs_engine *engine)
{
    bool entered = false;
    if (engine->sock)
        return true;
    int error = ipvs_namespace_find(engine->path, &engine->id);
    const char *other = error ? NULL : ipvs_directors_in(engine->directors, engine);
    if (other) {
        ipvs_director_collide(engine, other);
        return false;
    }
    if (!error)
        error = ipvs_open_in(engine->path, &engine->sock, &entered);
    if (!entered) {
        set_unreachable(engine, error);
        return false;
    }
    engine->absent = false;
    if (error)
        ipvs_engine_lost(engine, error);
    return error == 0;
}

void ipvs_director_connect(struct ipvs_engine *engine)
{
    if (!ipvs_director_open(engine))
        return;
    bool listed = false;
    int error = ipvs_engine_reconcile(engine, &listed);
    if (listed)
        ipvs_drift_soon(engine->drift);
    if (error)
        ipvs_engine_lost(engine, error);
    else if (engine->sock)
        ipvs_engine_ready(engine);
}

void ipvs_director_follow(struct ipvs_engine *engine)
{
    struct ipvs_namespace_id now;
    if (!engine->path)
        return;
    /* While a socket is open, the namespace lives on, and no other has its number. */
    int error = ipvs_namespace_find(engine->path, &now);
    if (engine->sock && !error && ipvs_namespace_same(&engine->id, &now))
        return;
    if (engine->sock && error) {
        set_unreachable(engine, error);
    } else if (engine->sock) {
        log_notice(AREA_IPVS, "director %s: %s is another network namespace now", engine->name,
                   engine->path);
        ipvs_engine_drop(engine);
    }
    if (!error)
        ipvs_director_connect(engine);
}
