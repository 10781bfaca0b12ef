#include "backends/ipvs/operations.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/transaction/operations.h"
#include "backends/ipvs/adopt.h"
#include "backends/ipvs/connections.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/explain.h"
#include "backends/ipvs/group.h"
#include "backends/ipvs/tuning.h"

#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"

/* Find a director for a reader. @return A reference; NULL with the error filled. */
static struct ipvs_engine *take_engine(struct backend *backend, struct backend_call *call)
{
    const char *name = leaf_value(call->request, "director");
    struct ipvs_engine *found = NULL;
    size_t count;
    struct ipvs_engine **engines = ipvs_directors_take(backend->data, &count);
    for (size_t i = 0; engines && i < count && !found; i++)
        if (strcmp(engines[i]->name, name) == 0)
            found = ipvs_engine_ref(engines[i]);
    if (engines && !found)
        refuse(&call->error, TAG_DATA_MISSING, NULL,
               "There is no director %s: name one that is configured, or main.", name);
    else if (!engines)
        fail_memory(&call->error);
    ipvs_directors_give(engines, count);
    return found;
}

/* -- Adoption --------------------------------------------------------------------------------- */

static enum outcome read_held(struct ipvs_engine *engine, struct ipvs_table *table,
                              struct ipvs_settings *settings, struct error *err)
{
    struct ipvs_lease lease;
    if (!ipvs_engine_is_up(engine))
        return ipvs_engine_fail(engine, err);
    int error = ipvs_pool_take(engine->pool, &lease);
    if (!error) {
        error = ipvs_read_table(lease.sock, table);
        if (!error)
            error = ipvs_tuning_read(lease.sock, engine->path, settings);
        ipvs_pool_give(engine->pool, &lease, error);
    }
    return error ? fail(err, TAG_RESOURCE_DENIED, NULL, "The kernel's table cannot be read: %s",
                        ipvs_explain_down(error))
                 : DONE;
}

static enum outcome answer_adopt(struct backend_call *call, size_t count, struct lyd_node **tree)
{
    char number[24];
    snprintf(number, sizeof number, "%zu", count);
    if (lyd_new_term(call->reply, NULL, "virtual-servers", number, 1, NULL) ||
        (*tree &&
         lyd_new_any(call->reply, NULL, "configuration", *tree, 1, LYD_ANYDATA_DATATREE, 1, NULL)))
        return fail_memory(&call->error);
    *tree = NULL;
    return DONE;
}

static enum outcome adopt(struct ipvs_engine *engine, struct backend_call *call)
{
    struct error *err = &call->error;
    struct ipvs_table table = {0};
    struct ipvs_settings settings = {0};
    struct lyd_node *tree = NULL;
    const struct schema *schema = engine->backend->schema;
    size_t count = 0;
    bool show_only = strcmp(leaf_value(call->request, "show-only"), "true") == 0;
    enum outcome outcome = read_held(engine, &table, &settings, err);
    if (outcome == DONE)
        outcome = ipvs_adopt(schema, call->running, engine->name, &table, &tree, &count, err);
    if (outcome == DONE)
        outcome = ipvs_adopt_settings(schema, call->running, engine->name, &settings, &tree, err);
    if (outcome == DONE && tree && !show_only)
        outcome = datastore_edit(engine->backend->agent, DATASTORE_RUNNING, call->origin, tree,
                                 DEFAULT_MERGE, false, err);
    if (outcome == DONE)
        outcome = answer_adopt(call, count, &tree);
    lyd_free_all(tree);
    ipvs_settings_clear(&settings);
    ipvs_table_clear(&table);
    return outcome;
}

/* It runs on the asker's thread, where a change of running may be waited for. */
static void run_adopt(struct backend *backend, struct backend_call *call)
{
    struct ipvs_engine *engine = take_engine(backend, call);
    enum outcome outcome = engine                                ? adopt(engine, call)
                           : call->error.tag == TAG_DATA_MISSING ? REFUSED
                                                                 : FAILED;
    ipvs_engine_unref(engine);
    call_done(call, outcome);
}

/* -- Connections ------------------------------------------------------------------------------ */

static void run_connections(struct backend *backend, struct backend_call *call)
{
    struct ipvs_engine *engine = take_engine(backend, call);
    enum outcome outcome = engine ? ipvs_list_connections(engine, call)
                           : call->error.tag == TAG_DATA_MISSING ? REFUSED
                                                                 : FAILED;
    ipvs_engine_unref(engine);
    call_done(call, outcome);
}

/* -- Statistics from zero --------------------------------------------------------------------- */

/* Note that the counters of some services, of all if there are no ids, start from zero now. */
static void note_zero(struct ipvs_engine *engine, struct ipvs_service_id *ids, size_t count)
{
    struct ipvs_table held = {0};
    int error =
        ids ? ipvs_engine_read(engine, ids, count, &held) : ipvs_read_table(engine->sock, &held);
    for (size_t i = 0; i < held.count; i++) {
        const struct ipvs_service *service = &held.services[i];
        ipvs_since_set(engine->since, &service->id, NULL);
        for (size_t d = 0; d < service->count; d++)
            ipvs_since_set(engine->since, &service->id, &service->destinations[d].id);
    }
    ipvs_table_clear(&held);
    ipvs_cache_expire(engine->cache);
    if (error)
        ipvs_engine_lost(engine, error);
}

static enum outcome fail_zero(struct backend_call *call, int error)
{
    return fail(&call->error, TAG_OPERATION_FAILED, NULL,
                "The kernel does not begin to count from zero: %s", ipvs_explain_down(error));
}

static enum outcome zero_all(struct ipvs_engine *engine, struct backend_call *call)
{
    if (!engine->sock)
        return ipvs_engine_fail(engine, &call->error);
    int error = ipvs_zero(engine->sock, NULL, 0);
    if (error)
        return fail_zero(call, error);
    note_zero(engine, NULL, 0);
    return DONE;
}

static void run_zero_all(struct backend *backend, struct backend_call *call)
{
    struct ipvs_engine *engine = take_engine(backend, call);
    enum outcome outcome = engine                                ? zero_all(engine, call)
                           : call->error.tag == TAG_DATA_MISSING ? REFUSED
                                                                 : FAILED;
    ipvs_engine_unref(engine);
    call_done(call, outcome);
}

static enum outcome zero_one(struct ipvs_engine *engine, const struct lyd_node *server,
                             struct backend_call *call)
{
    struct ipvs_ids ids = {0};
    enum outcome outcome = ipvs_ids_of(server, &ids, &call->error);
    int error = outcome == DONE ? ipvs_zero(engine->sock, ids.list, ids.count) : 0;
    if (error == ESRCH)
        outcome = refuse(&call->error, TAG_DATA_MISSING, NULL,
                         "The virtual server is not in the kernel's table: enable it first.");
    else if (error)
        outcome = fail_zero(call, error);
    if (outcome == DONE)
        note_zero(engine, ids.list, ids.count);
    ipvs_ids_clear(&ids);
    return outcome;
}

static void run_zero_one(struct backend *backend, struct backend_call *call)
{
    /* The node of the call has no more than its key. */
    const struct unit *unit = schema_unit_find(backend->schema, SERVERS);
    char *key = entry_key_of(lyd_parent(call->request));
    const struct entry *entry = unit && key ? snapshot_find(call->running, unit, key) : NULL;
    struct ipvs_engine *engine =
        entry ? ipvs_directors_find(backend->data, ipvs_desired_director(entry->node)) : NULL;
    enum outcome outcome;
    free(key);
    if (!engine)
        outcome = refuse(&call->error, TAG_DATA_MISSING, NULL,
                         "The virtual server or its director has gone meanwhile.");
    else if (!engine->sock)
        outcome = ipvs_engine_fail(engine, &call->error);
    else
        outcome = zero_one(engine, entry->node, call);
    call_done(call, outcome);
}

const struct backend_operation ipvs_operations[] = {
    {.path = "/noria-ipvs:adopt", .run = run_adopt, .reads = true},
    {.path = "/noria-ipvs:show-connections", .run = run_connections, .reads = true},
    {.path = "/noria-ipvs:zero-statistics", .run = run_zero_all},
    {.path = "/noria-virtual-server:virtual-servers/virtual-server/noria-ipvs:zero-statistics",
     .run = run_zero_one},
    {0},
};
