#include "agent/backends.h"

#include <stdlib.h>
#include <string.h>

/* Whether a unit is in one of the containers of a list that may be NULL. */
static bool within(const char *const *paths, const struct unit *unit)
{
    for (const char *const *path = paths; path && *path; path++) {
        size_t length = strlen(*path);
        if (!strncmp(unit->path, *path, length) &&
            (unit->path[length] == '/' || !unit->path[length]))
            return true;
    }
    return false;
}

/* A node that nobody applies, or that two apply, must not be configurable. */
static enum outcome find_owners(struct agent *agent, struct error *err)
{
    agent->owners = calloc(agent->schema->unit_count, sizeof(*agent->owners));
    agent->concerned =
        calloc(agent->schema->unit_count * agent->backend_count, sizeof(*agent->concerned));
    if (!agent->owners || !agent->concerned)
        return fail_memory(err);
    for (size_t u = 0; u < agent->schema->unit_count; u++) {
        const struct unit *unit = &agent->schema->units[u];
        for (size_t b = 0; b < agent->backend_count; b++) {
            bool claims = within(agent->backends[b].ops->claims, unit);
            agent->concerned[u * agent->backend_count + b] =
                claims || within(agent->backends[b].ops->follows, unit);
            if (!claims)
                continue;
            if (agent->owners[u])
                return fail(err, TAG_OPERATION_FAILED, unit->path,
                            "The backends %s and %s both claim %s.", agent->owners[u]->ops->name,
                            agent->backends[b].ops->name, unit->path);
            agent->owners[u] = &agent->backends[b];
        }
        if (unit->config && !agent->owners[u])
            return fail(err, TAG_OPERATION_FAILED, unit->path, "No backend claims %s.", unit->path);
    }
    return DONE;
}

/* An operation that no module has could never be asked for. */
static enum outcome check_operations(const struct agent *agent, struct error *err)
{
    for (size_t b = 0; b < agent->backend_count; b++) {
        const struct backend_ops *ops = agent->backends[b].ops;
        const struct backend_operation *operation = ops->operations;
        for (; operation && operation->path; operation++) {
            const struct lysc_node *node =
                lys_find_path(agent->schema->ctx, NULL, operation->path, 0);
            if (!node || !(node->nodetype & (LYS_RPC | LYS_ACTION)))
                return fail(err, TAG_OPERATION_FAILED, operation->path,
                            "The backend %s has an operation %s that is in no module.", ops->name,
                            operation->path);
        }
    }
    return DONE;
}

/* Whoever is to claim what a backend claims: itself, or its stand-in. */
static const struct backend_ops *at_work(const struct agent *agent, const struct backend_ops *ops)
{
    for (size_t i = 0; agent->options.null_stand_ins && backend_stand_ins[i]; i++)
        if (ops->claims[0] && !strcmp(backend_stand_ins[i]->claims[0], ops->claims[0]))
            return backend_stand_ins[i];
    return ops;
}

enum outcome backends_make(struct agent *agent, struct error *err)
{
    size_t count = 0;
    while (backend_registry[count])
        count++;
    agent->backends = calloc(count, sizeof(*agent->backends));
    if (!agent->backends)
        return fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct backend_ops *ops = at_work(agent, backend_registry[i]);
        /* A backend whose module was not loaded has nothing to do. */
        if (!schema_unit_find(agent->schema, ops->claims[0] ? ops->claims[0] : ops->follows[0]))
            continue;
        struct backend *backend = &agent->backends[agent->backend_count++];
        *backend = (struct backend){.ops = ops, .loop = &agent->loop, .schema = agent->schema};
        backend->agent = agent;
        uv_mutex_init(&backend->lock);
    }
    enum outcome outcome = find_owners(agent, err);
    return outcome == DONE ? check_operations(agent, err) : outcome;
}

enum outcome backends_start(struct agent *agent, struct error *err)
{
    for (size_t i = 0; i < agent->backend_count; i++) {
        struct backend *backend = &agent->backends[i];
        if (backend->ops->start(backend, agent->running, err) != DONE)
            return FAILED;
        backend->started = true;
    }
    return DONE;
}

void backends_stop(struct agent *agent)
{
    for (size_t i = agent->backend_count; i-- > 0;) {
        struct backend *backend = &agent->backends[i];
        if (backend->started && backend->ops->stop)
            backend->ops->stop(backend);
    }
}

void backends_free(struct agent *agent)
{
    for (size_t i = 0; i < agent->backend_count; i++) {
        free(agent->backends[i].reason);
        uv_mutex_destroy(&agent->backends[i].lock);
    }
    free(agent->backends);
    free(agent->owners);
    free(agent->concerned);
}
