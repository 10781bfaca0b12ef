#include "backends/ipvs/engine.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/steered.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"
#define RETRY_MS 5000
#define FEW 64           /* services up to which they are asked for one by one */
#define LOGGED_ERRORS 10 /* of a whole table; more say nothing new */

struct ipvs_engine *ipvs_engine_new(struct backend *backend, const struct snapshot *running)
{
    struct ipvs_engine *engine = calloc(1, sizeof *engine);
    if (!engine)
        return NULL;
    engine->since = ipvs_since_new();
    engine->pool = ipvs_pool_new();
    if (!engine->since || !engine->pool || uv_timer_init(backend->loop, &engine->retry) != 0) {
        ipvs_since_free(engine->since);
        ipvs_pool_free(engine->pool);
        free(engine);
        return NULL;
    }
    engine->backend = backend;
    engine->retry.data = engine;
    engine->running = snapshot_ref(running);
    return engine;
}

static void on_closed(uv_handle_t *handle)
{
    struct ipvs_engine *engine = handle->data;
    ipvs_since_free(engine->since);
    ipvs_pool_free(engine->pool);
    free(engine);
}

void ipvs_engine_free(struct ipvs_engine *engine)
{
    ipvs_steered_end(engine->steered);
    ipvs_close(engine->sock);
    snapshot_unref(engine->running);
    uv_close((uv_handle_t *)&engine->retry, on_closed);
}

void ipvs_engine_set_running(struct ipvs_engine *engine, const struct snapshot *running)
{
    if (!running)
        return;
    struct snapshot *old = engine->running;
    engine->running = snapshot_ref(running);
    snapshot_unref(old);
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

int ipvs_engine_read(struct ipvs_engine *engine, struct ipvs_service_id *ids, size_t count,
                     struct ipvs_table *held)
{
    int error;
    *held = (struct ipvs_table){0};
    count = sort_unique(ids, count);
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

int ipvs_engine_run(struct ipvs_engine *engine, struct ipvs_operations *operations, bool go_on)
{
    int error = ipvs_run(engine->sock, operations->list, operations->count, go_on);
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

/* -- The whole table -------------------------------------------------------------------------- */

/* What the running configuration wants; what it cannot have is logged and left out. */
static bool desire_all(struct ipvs_engine *engine, struct ipvs_table *desired)
{
    const struct unit *unit = schema_unit_find(engine->backend->schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(engine->running, unit, &count) : 0;

    for (size_t i = 0; i < count; i++) {
        struct error err = {0};
        enum outcome outcome = ipvs_desired(engine->running->entries[first + i], desired, &err);
        if (outcome != DONE)
            log_error(AREA_IPVS, "%s is not served: %s", err.path ? err.path : "a virtual server",
                      error_message(&err));
        error_clear(&err);
        if (outcome == FAILED)
            return false;
    }
    return true;
}

static int read_desired(struct ipvs_engine *engine, const struct ipvs_table *desired,
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

static void log_errors(const struct ipvs_operations *operations)
{
    size_t errors = 0;
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        struct error err = {0};
        if (operation->result == 0 || ++errors > LOGGED_ERRORS)
            continue;
        ipvs_explain(operation, operation->result > 0 ? operation->result : ETIMEDOUT, "", &err);
        log_error(AREA_IPVS, "%s", error_message(&err));
        error_clear(&err);
    }
    if (errors > LOGGED_ERRORS)
        log_error(AREA_IPVS, "%zu operations more failed", errors - LOGGED_ERRORS);
}

static void log_summary(const struct ipvs_operations *operations, size_t services)
{
    size_t done[2][3] = {{0}};
    for (size_t i = 0; i < operations->count; i++) {
        const struct ipvs_operation *operation = &operations->list[i];
        if (operation->result == 0)
            done[ipvs_on_destination(operation)][operation->verb]++;
    }
    if (operations->count == 0)
        log_notice(AREA_IPVS, "the kernel's table is as configured: %zu services", services);
    else
        log_notice(AREA_IPVS,
                   "reconciled: %zu services added, %zu edited; "
                   "%zu real servers added, %zu edited, %zu deleted",
                   done[0][IPVS_ADD], done[0][IPVS_EDIT], done[1][IPVS_ADD], done[1][IPVS_EDIT],
                   done[1][IPVS_DELETE]);
}

/*
 * Make the kernel hold what the running configuration says. One service that it does not take
 * keeps no other from being served.
 * @return 0 or the errno of a reading that failed.
 */
static int reconcile(struct ipvs_engine *engine)
{
    struct ipvs_table desired = {0}, held = {0};
    struct ipvs_operations operations = {0};

    int error = desire_all(engine, &desired) ? read_desired(engine, &desired, &held) : ENOMEM;
    if (!error && (!ipvs_steer(engine->backend->agent, &desired, &held) ||
                   !ipvs_plan(&desired, &held, &operations)))
        error = ENOMEM;
    engine->generation++;
    if (!error) {
        if (ipvs_engine_run(engine, &operations, true) != 0)
            log_errors(&operations);
        log_summary(&operations, desired.count);
    }
    ipvs_operations_clear(&operations);
    ipvs_table_clear(&held);
    ipvs_table_clear(&desired);
    return error;
}

static void on_retry(uv_timer_t *timer)
{
    ipvs_engine_connect(timer->data);
}

void ipvs_engine_lost(struct ipvs_engine *engine, int error)
{
    ipvs_close(engine->sock);
    engine->sock = NULL;
    backend_report_down(engine->backend, "%s", ipvs_explain_down(error));
    if (!uv_is_active((uv_handle_t *)&engine->retry))
        uv_timer_start(&engine->retry, on_retry, RETRY_MS, RETRY_MS);
}

void ipvs_engine_connect(struct ipvs_engine *engine)
{
    int error = ipvs_open(&engine->sock);
    if (!error)
        error = reconcile(engine);
    if (error) {
        ipvs_engine_lost(engine, error);
        return;
    }
    uv_timer_stop(&engine->retry);
    backend_report_up(engine->backend);
}
