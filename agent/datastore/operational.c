/*
 * The operational state.
 */
#include "agent/datastore/operational.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/datastore/digest.h"
#include "agent/datastore/journal.h"
#include "agent/memory.h"

static enum outcome count_entry(const struct entry *entry, void *arg)
{
    ++*(size_t *)arg;
    return DONE;
}

static enum outcome pick_entry(const struct entry *entry, void *arg)
{
    struct operational *state = arg;
    state->entries[state->count++] = entry;
    return DONE;
}

static void each_entry(const struct agent *agent, const struct entry_choice *choices,
                       const struct snapshot *running,
                       enum outcome (*function)(const struct entry *entry, void *arg), void *arg)
{
    for (size_t u = 0; u < agent->schema->unit_count; u++)
        snapshot_each(running, &agent->schema->units[u], &choices[u], function, arg);
}

static enum outcome pick_entries(const struct agent *agent, const struct entry_choice *choices,
                                 struct operational *state, struct error *err)
{
    size_t room = 1;
    each_entry(agent, choices, state->running, count_entry, &room);
    state->entries = calloc(room, sizeof(*state->entries));
    state->trees = calloc(room, sizeof(*state->trees));
    state->nodes = calloc(room, sizeof(*state->nodes));
    if (!state->entries || !state->trees || !state->nodes)
        return fail_memory(err);
    each_entry(agent, choices, state->running, pick_entry, state);
    return DONE;
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

static enum outcome add_journal_state(const struct agent *agent, struct lyd_node *node,
                                      struct error *err)
{
    struct journal_sizes sizes;
    journal_sizes(agent->journal, &sizes);
    enum outcome outcome = state_add_number(node, "journal/size", sizes.journal, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "journal/running-size", sizes.running, err);
    if (outcome == DONE && journal_loss(agent->journal))
        outcome = state_add(node, "journal/lost-file", journal_loss(agent->journal), err);
    return outcome;
}

/* /noria-agent:agent, which no backend claims. */
static enum outcome add_agent_state(struct agent *agent, const struct snapshot *running,
                                    struct lyd_node *node, struct error *err)
{
    char digest[DIGEST_TEXT_SIZE];
    enum outcome outcome = snapshot_digest(running, digest, err);
    if (outcome == DONE)
        outcome = state_add(node, "version", NORIA_VERSION, err);
    if (outcome == DONE)
        outcome = state_add_time(node, "start-time", agent->started, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "revision", running->revision, err);
    if (outcome == DONE && running->committed)
        outcome = state_add_time(node, "last-commit-time", running->committed, err);
    if (outcome == DONE)
        outcome = state_add(node, "configuration-hash", digest, err);
    if (outcome == DONE)
        outcome = add_journal_state(agent, node, err);
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

enum outcome operational_read(struct agent *agent, const struct entry_choice *choices,
                              struct operational *state, struct error *err)
{
    *state = (struct operational){.running = agent_running(agent)};
    enum outcome outcome = pick_entries(agent, choices, state, err);
    for (size_t i = 0; i < state->count && outcome == DONE; i++) {
        outcome = copy_tree(state->entries[i], &state->trees[i], &state->nodes[i], err);
        if (outcome == DONE && !agent->owners[state->entries[i]->unit->rank])
            outcome = add_agent_state(agent, state->running, state->nodes[i], err);
    }
    for (size_t i = 0; i < agent->backend_count && outcome == DONE; i++)
        if (agent->backends[i].ops->operational)
            outcome = ask_backend(agent, &agent->backends[i], state, err);
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
    memory_freed(state->count);
    *state = (struct operational){0};
}
