#include "backends/ipvs/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarms.h"
#include "agent/log.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/placement.h"

#define RETRY_MS 5000
#define PATIENCE_MS 250 /* doubles, up to the most */
#define MOST_PATIENCE_MS 64000
#define FEW 64 /* services up to which they are asked for one by one */

struct ipvs_engine *ipvs_engine_new(struct ipvs_directors *directors, const char *name, char *path,
                                    uv_timer_cb again)
{
    struct ipvs_engine *engine = calloc(1, sizeof *engine);
    if (!engine || uv_mutex_init(&engine->lock) != 0) {
        free(engine);
        free(path);
        return NULL;
    }
    atomic_init(&engine->refs, 1);
    engine->backend = directors->backend;
    engine->directors = directors;
    engine->path = path;
    engine->name = strdup(name);
    engine->since = ipvs_since_new();
    engine->pool = ipvs_pool_new(path);
    engine->cache = engine->pool ? ipvs_cache_new(engine->pool) : NULL;
    engine->placement = ipvs_placement_new(engine);
    if (!engine->name || !engine->since || !engine->cache || !engine->placement ||
        uv_timer_init(engine->backend->loop, &engine->retry) != 0) {
        ipvs_engine_unref(engine);
        return NULL;
    }
    engine->retry.data = engine;
    engine->again = again;
    engine->patience_ms = PATIENCE_MS;
    return engine;
}

struct ipvs_engine *ipvs_engine_ref(struct ipvs_engine *engine)
{
    atomic_fetch_add(&engine->refs, 1);
    return engine;
}

void ipvs_engine_unref(struct ipvs_engine *engine)
{
    if (!engine || atomic_fetch_sub(&engine->refs, 1) != 1)
        return;
    ipvs_since_free(engine->since);
    ipvs_cache_free(engine->cache);
    ipvs_pool_free(engine->pool);
    ipvs_placement_free(engine->placement);
    free(engine->status.reason);
    free(engine->name);
    free(engine->path);
    uv_mutex_destroy(&engine->lock);
    free(engine);
}

static void on_closed(uv_handle_t *handle)
{
    ipvs_engine_unref(handle->data);
}

void ipvs_engine_drop(struct ipvs_engine *engine)
{
    ipvs_close(engine->sock);
    engine->sock = NULL;
    ipvs_pool_renew(engine->pool);
    ipvs_placement_drop(engine->placement);
    ipvs_cache_expire(engine->cache);
    engine->missing = 0;
}

void ipvs_engine_close(struct ipvs_engine *engine)
{
    if (!engine)
        return;
    ipvs_engine_drop(engine);
    uv_close((uv_handle_t *)&engine->retry, on_closed);
}

/* -- Status ----------------------------------------------------------------------------------- */

bool ipvs_engine_is_up(struct ipvs_engine *engine)
{
    uv_mutex_lock(&engine->lock);
    bool up = engine->status.up;
    uv_mutex_unlock(&engine->lock);
    return up;
}

enum outcome ipvs_engine_fail(struct ipvs_engine *engine, struct error *err)
{
    uv_mutex_lock(&engine->lock);
    const char *reason = engine->status.reason ? engine->status.reason : "it has not started";
    if (engine->path)
        fail(err, TAG_RESOURCE_DENIED, NULL, "The director %s is down: %s", engine->name, reason);
    else
        fail(err, TAG_RESOURCE_DENIED, NULL, "the ipvs backend is down: %s", reason);
    uv_mutex_unlock(&engine->lock);
    return FAILED;
}

/* Takes the reason. @return Whether this is new. */
static bool set_status(struct ipvs_engine *engine, bool up, char *reason)
{
    struct ipvs_status *status = &engine->status;
    uv_mutex_lock(&engine->lock);
    bool same_reason =
        reason && status->reason ? strcmp(reason, status->reason) == 0 : reason == status->reason;
    bool news = !status->last_change || status->up != up || !same_reason;
    if (!status->last_change || status->up != up)
        status->last_change = clock_now();
    free(status->reason);
    status->reason = reason;
    status->up = up;
    if (engine->sock)
        status->info = engine->sock->info;
    uv_mutex_unlock(&engine->lock);
    return news;
}

/* Raise the alarm that a director is down, or clear it. */
static void set_alarm(struct ipvs_engine *engine, const char *reason)
{
    char resource[160];
    struct alarm_id id = {.resource = resource, .type = "director-down"};
    snprintf(resource, sizeof resource, "/noria-director:directors/director[name='%s']",
             engine->name);
    if (reason)
        alarm_raise(engine->backend->agent, &id, ALARM_MAJOR, "%s", reason);
    else
        alarm_clear(engine->backend->agent, &id, NULL);
}

void ipvs_engine_tell(struct ipvs_engine *engine)
{
    uv_mutex_lock(&engine->lock);
    char *reason = engine->status.reason ? strdup(engine->status.reason) : NULL;
    uv_mutex_unlock(&engine->lock);
    if (engine->path && engine->member)
        set_alarm(engine, reason);
    free(reason);
}

void ipvs_engine_tell_gone(struct ipvs_engine *engine)
{
    set_alarm(engine, NULL);
}

/* The backend fares as its main director does; the others are told of by themselves. */
void ipvs_engine_down(struct ipvs_engine *engine, const char *format, ...)
{
    char *reason;
    va_list args;
    va_start(args, format);
    if (vasprintf(&reason, format, args) < 0)
        reason = NULL;
    va_end(args);
    ipvs_engine_drop(engine);
    engine->patience_ms = PATIENCE_MS;
    if (!engine->path)
        backend_report_down(engine->backend, "%s", reason ? reason : "out of memory");
    if (set_status(engine, false, reason) && engine->path)
        log_warning(AREA_IPVS, "director %s is down: %s", engine->name, reason ? reason : "?");
    ipvs_engine_tell(engine);
    if (!uv_is_active((uv_handle_t *)&engine->retry))
        uv_timer_start(&engine->retry, engine->again, RETRY_MS, RETRY_MS);
}

void ipvs_engine_lost(struct ipvs_engine *engine, int error)
{
    ipvs_engine_down(engine, "%s", ipvs_explain_down(error));
}

void ipvs_engine_ready(struct ipvs_engine *engine)
{
    uv_timer_stop(&engine->retry);
    /*
     * What the kernel does not take now it may take soon: without a loopback that is up, a new
     * namespace knows no unicast address, and so takes no real server.
     */
    if (!engine->missing)
        engine->patience_ms = PATIENCE_MS;
    else if (uv_timer_start(&engine->retry, engine->again, engine->patience_ms, 0) == 0 &&
             engine->patience_ms < MOST_PATIENCE_MS)
        engine->patience_ms *= 2;
    if (set_status(engine, true, NULL) && engine->path)
        log_notice(AREA_IPVS, "director %s is up in %s", engine->name, engine->path);
    ipvs_engine_tell(engine);
    if (!engine->path)
        backend_report_up(engine->backend);
}

/* -- Sockets that fail ------------------------------------------------------------------------- */

/* The kernel may hold something else than it should: read all of it, and reconcile, soon. */
static void begin_doubt(struct ipvs_engine *engine)
{
    uv_timer_start(&engine->retry, engine->again, 0, 0);
}

/*
 * What a socket that has failed holds may be anything, as may be what it has lost: take another. If
 * the family is another by now, its module was loaded again, and the table was empty.
 * @return Why there is none.
 */
static int renew_socket(struct ipvs_engine *engine, int error)
{
    struct ipvs_socket *fresh = NULL;
    int failed = ipvs_open_in(engine->path, &fresh, NULL);
    if (failed)
        return failed;
    log_warning(AREA_IPVS,
                "director %s: a netlink socket failed (%s) and is replaced by another one",
                engine->name, strerrordesc_np(error));
    if (fresh->family != engine->sock->family)
        begin_doubt(engine);
    ipvs_close(engine->sock);
    engine->sock = fresh;
    return 0;
}

/* -- Reading ---------------------------------------------------------------------------------- */

static int order_ids(const void *a, const void *b)
{
    return ipvs_service_compare(a, b);
}

/* Move the services that are asked for from one table to another. */
static int pick(struct ipvs_table *all, const struct ipvs_service_id *ids, size_t count,
                struct ipvs_table *held)
{
    for (size_t i = 0; i < all->count; i++) {
        struct ipvs_service *service = &all->services[i];
        if (!bsearch(&service->id, ids, count, sizeof *ids, order_ids))
            continue;
        struct ipvs_service *copy = ipvs_table_add(held);
        if (!copy)
            return ENOMEM;
        *copy = *service; /* it has no destinations yet */
    }
    return 0;
}

static size_t sort_unique(struct ipvs_service_id *ids, size_t count)
{
    size_t kept = 0;
    if (count > 1)
        qsort(ids, count, sizeof *ids, order_ids);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || ipvs_service_compare(&ids[kept - 1], &ids[i]) != 0)
            ids[kept++] = ids[i];
    }
    return kept;
}

static int read_once(struct ipvs_engine *engine, const struct ipvs_service_id *ids, size_t count,
                     struct ipvs_table *held)
{
    int error;
    *held = (struct ipvs_table){0};
    if (count <= FEW) {
        error = ipvs_read_some(engine->sock, ids, count, held);
    } else {
        struct ipvs_table all = {0};
        error = ipvs_read_services(engine->sock, &all);
        if (!error)
            error = pick(&all, ids, count, held);
        ipvs_table_clear(&all);
    }
    for (size_t i = 0; i < held->count && !error; i++)
        error = ipvs_read_destinations(engine->sock, &held->services[i]);
    return error;
}

int ipvs_engine_read(struct ipvs_engine *engine, struct ipvs_service_id *ids, size_t count,
                     struct ipvs_table *held)
{
    count = sort_unique(ids, count);
    int error = read_once(engine, ids, count, held);
    if (!error || error == ENOMEM)
        return error;
    error = renew_socket(engine, error);
    if (!error) {
        ipvs_table_clear(held);
        error = read_once(engine, ids, count, held);
    }
    return error;
}

int ipvs_engine_read_desired(struct ipvs_engine *engine, const struct ipvs_table *desired,
                             struct ipvs_table *held)
{
    struct ipvs_service_id *ids = calloc(desired->count + 1, sizeof *ids);
    if (!ids)
        return ENOMEM;
    for (size_t i = 0; i < desired->count; i++)
        ids[i] = desired->services[i].id;
    int error = ipvs_engine_read(engine, ids, desired->count, held);
    free(ids);
    return error;
}

/* -- Writing ---------------------------------------------------------------------------------- */

/* Note what a done operation means for the counters. */
static void note_since(struct ipvs_since *since, const struct ipvs_operation *operation)
{
    const struct ipvs_service *old = operation->old_service;
    const struct ipvs_destination_id *destination =
        ipvs_on_destination(operation) ? ipvs_destination_of(operation) : NULL;

    if (operation->verb == IPVS_ADD)
        ipvs_since_set(since, operation->id, destination);
    if (operation->verb != IPVS_DELETE)
        return;
    ipvs_since_drop(since, operation->id, destination);
    for (size_t i = 0; !destination && i < old->count; i++)
        ipvs_since_drop(since, operation->id, &old->destinations[i].id);
}

/* The socket failed under way: nobody knows what was done. */
static void survive_cut(struct ipvs_engine *engine, int error)
{
    int gone = renew_socket(engine, error);
    if (gone)
        ipvs_engine_lost(engine, gone);
    else
        begin_doubt(engine);
}

int ipvs_engine_run(struct ipvs_engine *engine, struct ipvs_operations *operations, bool go_on)
{
    if (!engine->sock)
        return ENOTCONN; /* every operation is IPVS_NOT_RUN, as it was made */
    int error = ipvs_run(engine->sock, operations->list, operations->count, go_on);
    if (operations->count)
        ipvs_cache_expire(engine->cache);
    if (error && ipvs_operations_cut(operations, go_on))
        survive_cut(engine, error);
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        char text[3 * IPVS_TEXT_SIZE];
        if (operation->result == IPVS_NOT_RUN)
            continue;
        if (operation->result == 0)
            note_since(engine->since, operation);
        log_debug(AREA_IPVS, "%s: %s", ipvs_operation_text(operation, text),
                  operation->result == 0           ? "done"
                  : operation->result == IPVS_LOST ? "no answer"
                                                   : strerrorname_np(operation->result));
    }
    return error;
}
