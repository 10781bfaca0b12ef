/*
 * The operational state.
 */
#include "agent/datastore/operational.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"

/* Pick the entries out of the snapshot; whole units are passed over by their range. */
static void pick_entries(struct agent *agent,
                         bool (*wanted)(const struct unit *, const struct entry *, void *),
                         void *arg, struct operational *state)
{
    for (size_t u = 0; u < agent->schema->unit_count; u++) {
        const struct unit *unit = &agent->schema->units[u];
        if (wanted && !wanted(unit, NULL, arg))
            continue;
        size_t count, first = snapshot_range(state->running, unit, &count);
        for (size_t i = first; i < first + count; i++) {
            const struct entry *entry = state->running->entries[i];
            if (!wanted || wanted(unit, entry, arg))
                state->entries[state->count++] = entry;
        }
    }
}

static enum outcome copy_tree(const struct entry *entry, struct lyd_node **tree,
                              struct lyd_node **node, struct error *err)
{
    if (lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, tree))
        return fail_memory(err);
    *node = *tree;
    if (entry->unit->list) {
        LY_LIST_FOR(lyd_child(*tree), *node)
        {
            if ((*node)->schema == entry->unit->list)
                break;
        }
    }
    return DONE;
}

static enum outcome add_backend_status(struct lyd_node *container, struct backend *backend,
                                       struct error *err)
{
    struct lyd_node *node;
    if (lyd_new_list(container, NULL, "backend", 0, &node, backend->ops->name))
        return fail_memory(err);
    uv_mutex_lock(&backend->lock);
    enum outcome outcome = state_add(node, "oper-status", backend->up ? "up" : "down", err);
    if (outcome == DONE && backend->reason)
        outcome = state_add(node, "reason", backend->reason, err);
    if (outcome == DONE && backend->last_change)
        outcome = state_add_time(node, "last-change", backend->last_change, err);
    uv_mutex_unlock(&backend->lock);
    return outcome;
}

/* /noria-agent:agent, which no backend claims. */
static enum outcome add_agent_state(struct agent *agent, const struct snapshot *running,
                                    struct lyd_node *node, struct error *err)
{
    enum outcome outcome = state_add(node, "version", NORIA_VERSION, err);
    if (outcome == DONE)
        outcome = state_add_time(node, "start-time", agent->started, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "revision", running->revision, err);
    if (outcome == DONE && running->committed)
        outcome = state_add_time(node, "last-commit-time", running->committed, err);
    for (size_t i = 0; i < agent->backend_count && outcome == DONE; i++)
        outcome = add_backend_status(node, &agent->backends[i], err);
    return outcome;
}

static enum outcome ask_backend(struct agent *agent, struct backend *backend,
                                const struct operational *state, struct error *err)
{
    struct state_request request = {.running = state->running};
    const struct entry **entries = malloc((state->count + 1) * sizeof(*entries));
    struct lyd_node **nodes = malloc((state->count + 1) * sizeof(*nodes));
    enum outcome outcome = DONE;
    if (!entries || !nodes) {
        outcome = fail_memory(err);
        goto out;
    }
    for (size_t i = 0; i < state->count; i++) {
        if (!agent_concerns(agent, backend, state->entries[i]->unit))
            continue;
        entries[request.count] = state->entries[i];
        nodes[request.count++] = state->nodes[i];
    }
    request.entries = entries;
    request.nodes = nodes;
    if (request.count)
        outcome = backend->ops->operational(backend, &request, err);
out:
    free(entries);
    free(nodes);
    return outcome;
}

enum outcome operational_read(struct agent *agent,
                              bool (*wanted)(const struct unit *unit, const struct entry *entry,
                                             void *arg),
                              void *arg, struct operational *state, struct error *err)
{
    enum outcome outcome = DONE;
    *state = (struct operational){.running = agent_running(agent)};
    size_t room = state->running->count + 1;
    state->entries = calloc(room, sizeof(*state->entries));
    state->trees = calloc(room, sizeof(*state->trees));
    state->nodes = calloc(room, sizeof(*state->nodes));
    if (!state->entries || !state->trees || !state->nodes) {
        outcome = fail_memory(err);
        goto out;
    }
    pick_entries(agent, wanted, arg, state);
    for (size_t i = 0; i < state->count && outcome == DONE; i++) {
        outcome = copy_tree(state->entries[i], &state->trees[i], &state->nodes[i], err);
        if (outcome == DONE && !agent->owners[state->entries[i]->unit->rank])
            outcome = add_agent_state(agent, state->running, state->nodes[i], err);
    }
    for (size_t i = 0; i < agent->backend_count && outcome == DONE; i++)
        if (agent->backends[i].ops->operational)
            outcome = ask_backend(agent, &agent->backends[i], state, err);
out:
    if (outcome != DONE)
        operational_free(state);
    return outcome;
}

void operational_free(struct operational *state)
{
    for (size_t i = 0; state->trees && i < state->count; i++)
        lyd_free_all(state->trees[i]);
    free(state->trees);
    free(state->nodes);
    free(state->entries);
    snapshot_unref(state->running);
    *state = (struct operational){0};
}
