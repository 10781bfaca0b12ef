#include "backends/ipvs/director_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/ipvs/tuning.h"

#define UNIT "/noria-director:directors/director"

/* Copy the status; its reason is to be freed. */
static struct ipvs_status status_of(struct ipvs_engine *engine)
{
    uv_mutex_lock(&engine->lock);
    struct ipvs_status status = engine->status;
    if (status.reason)
        status.reason = strdup(status.reason);
    uv_mutex_unlock(&engine->lock);
    return status;
}

static enum outcome add_info(struct lyd_node *node, const struct ipvs_info *info, struct error *err)
{
    char version[16];
    snprintf(version, sizeof version, "%u.%u.%u", info->version >> 16 & 0xff,
             info->version >> 8 & 0xff, info->version & 0xff);
    enum outcome outcome = state_add(node, "kernel-version", version, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "connection-table-size", info->connection_table_size, err);
    return outcome;
}

/* A kernel that cannot be read now shows less; the core thread finds out why. */
static enum outcome add_settings(struct ipvs_engine *engine, struct lyd_node *node,
                                 struct error *err)
{
    struct ipvs_lease lease;
    int error = ipvs_pool_take(engine->pool, &lease);
    if (error)
        return DONE;
    enum outcome outcome = ipvs_tuning_state(engine, lease.sock, node, &error, err);
    ipvs_pool_give(engine->pool, &lease, error);
    return outcome;
}

static enum outcome add_drift(struct ipvs_engine *engine, struct lyd_node *node, struct error *err)
{
    uv_mutex_lock(&engine->lock);
    struct ipvs_drift_counts counts = engine->drift_counts;
    uv_mutex_unlock(&engine->lock);
    const struct {
        const char *leaf;
        uint64_t count;
    } leaves[] = {
        {"reconciliation/comparisons", counts.comparisons},
        {"reconciliation/differences", counts.differences},
        {"reconciliation/drifts", counts.drifts},
        {"reconciliation/repairs", counts.repairs},
    };
    enum outcome outcome = DONE;
    if (counts.last)
        outcome = state_add_time(node, "reconciliation/last-comparison", counts.last, err);
    for (size_t i = 0; i < sizeof leaves / sizeof *leaves && outcome == DONE; i++)
        outcome = state_add_number(node, leaves[i].leaf, leaves[i].count, err);
    return outcome;
}

static enum outcome fill(struct ipvs_engine *engine, struct lyd_node *node, struct error *err)
{
    struct ipvs_status status = status_of(engine);
    enum outcome outcome = state_add(node, "oper-status", status.up ? "up" : "down", err);
    if (outcome == DONE && status.reason)
        outcome = state_add(node, "reason", status.reason, err);
    if (outcome == DONE && status.last_change)
        outcome = state_add_time(node, "last-change", status.last_change, err);
    if (outcome == DONE)
        outcome = add_drift(engine, node, err);
    if (outcome == DONE && status.up)
        outcome = add_info(node, &status.info, err);
    if (outcome == DONE && status.up)
        outcome = add_settings(engine, node, err);
    free(status.reason);
    return outcome;
}

/* Whether main has an entry; else it is there all the same. */
static bool has_main(const struct backend *backend, const struct snapshot *running)
{
    const struct unit *unit = schema_unit_find(backend->schema, UNIT);
    return unit && snapshot_find(running, unit, "[name='" IPVS_MAIN "']");
}

static enum outcome add_main(struct ipvs_engine *engine, struct lyd_node *container,
                             struct error *err)
{
    struct lyd_node *node;
    if (lyd_new_list(container, NULL, "director", 0, &node, IPVS_MAIN))
        return fail_memory(err);
    return fill(engine, node, err);
}

enum outcome ipvs_directors_state(struct ipvs_engine *const *engines, size_t count,
                                  const struct state_request *request, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        const struct entry *entry = request->entries[i];
        if (strcmp(entry->unit->top->name, "directors") != 0)
            continue;
        const char *name = entry->unit->list ? leaf_value(entry->node, "name") : NULL;
        for (size_t e = 0; name && e < count && outcome == DONE; e++)
            if (strcmp(engines[e]->name, name) == 0)
                outcome = fill(engines[e], request->nodes[i], err);
        if (!name && count && !has_main(engines[0]->backend, request->running))
            outcome = add_main(engines[0], request->nodes[i], err);
    }
    return outcome;
}
