#include "agent/snmp/action.h"

#include <stdlib.h>
#include <string.h>

#include "agent/access/access.h"
#include "agent/log.h"
#include "agent/transaction/operations.h"

/* A call that the SNMP thread waits for. */
struct waiter {
    struct backend_call call;
    const struct backend_operation *operation;
    uv_mutex_t lock;
    uv_cond_t ended;
    bool done;
    enum outcome outcome;
};

static void free_whole_tree(struct lyd_node *node)
{
    while (node && lyd_parent(node))
        node = (struct lyd_node *)lyd_parent(node);
    lyd_free_all(node);
}

/* The action's node, in a tree of its own. */
static struct lyd_node *make_node(struct agent *agent, const struct snmp_action *action, bool input)
{
    struct lyd_node *top = NULL, *node = NULL;

    if (lyd_new_path2(NULL, agent->schema->ctx, action->path, NULL, 0, 0, 0, &top, &node) ||
        (input && action->leaf &&
         lyd_new_term(node, NULL, action->leaf, action->value, false, NULL))) {
        ly_err_clean(agent->schema->ctx, NULL);
        lyd_free_all(top);
        return NULL;
    }
    return node;
}

static enum outcome check(struct agent *agent, const struct origin *origin,
                          const struct lyd_node *node, struct error *err)
{
    struct access access = {0};
    enum outcome outcome = access_begin(agent, origin->user, false, &access, err);

    if (outcome == DONE && !access_executes(&access, node)) {
        access_denied(&access, DENIED_OPERATIONS, node->schema->name);
        outcome = refuse(err, TAG_ACCESS_DENIED, NULL,
                         "The user %s may not execute %s: ask for a rule in "
                         "/ietf-netconf-acm:nacm that permits it.",
                         origin->user, node->schema->name);
    }
    access_end(&access);
    return outcome;
}

enum outcome snmp_action_check(struct agent *agent, const struct origin *origin,
                               const struct snmp_action *action, struct error *err)
{
    struct lyd_node *node = make_node(agent, action, true);

    if (!node)
        return fail_memory(err);
    enum outcome outcome = check(agent, origin, node, err);
    free_whole_tree(node);
    return outcome;
}

static void on_done(struct backend_call *call, enum outcome outcome)
{
    struct waiter *waiter = (struct waiter *)call;

    uv_mutex_lock(&waiter->lock);
    waiter->outcome = outcome;
    waiter->done = true;
    uv_cond_signal(&waiter->ended);
    uv_mutex_unlock(&waiter->lock);
}

static void run_on_core(void *arg)
{
    struct waiter *waiter = arg;
    waiter->operation->run(waiter->call.backend, &waiter->call);
}

static const struct backend_operation *
find_operation(struct agent *agent, const struct lysc_node *node, struct backend **backend)
{
    char path[512];

    if (!lysc_path(node, LYSC_PATH_LOG, path, sizeof(path)))
        return NULL;
    for (size_t i = 0; i < agent->backend_count; i++) {
        *backend = &agent->backends[i];
        const struct backend_operation *operation = (*backend)->ops->operations;
        for (; operation && operation->path; operation++)
            if (!strcmp(operation->path, path))
                return operation;
    }
    return NULL;
}

/* The waiter lives as long as the call: nothing but its end ends the waiting. */
static enum outcome wait_for(struct agent *agent, struct waiter *waiter, struct error *err)
{
    if (!agent_post(agent, run_on_core, waiter))
        return fail(err, TAG_OPERATION_FAILED, NULL, "The agent is ending.");
    uv_mutex_lock(&waiter->lock);
    while (!waiter->done)
        uv_cond_wait(&waiter->ended, &waiter->lock);
    uv_mutex_unlock(&waiter->lock);
    error_move(err, &waiter->call.error);
    return waiter->outcome;
}

static enum outcome run(struct agent *agent, const struct origin *origin,
                        const struct lyd_node *node, struct lyd_node *reply, struct error *err)
{
    struct waiter waiter = {0};
    struct backend *backend = NULL;
    struct snapshot *running = agent_running(agent);

    waiter.operation = find_operation(agent, node->schema, &backend);
    waiter.call = (struct backend_call){.backend = backend,
                                        .running = running,
                                        .origin = origin,
                                        .request = node,
                                        .reply = reply,
                                        .done = on_done};
    uv_mutex_init(&waiter.lock);
    uv_cond_init(&waiter.ended);
    enum outcome outcome = waiter.operation ? wait_for(agent, &waiter, err)
                                            : fail(err, TAG_OPERATION_NOT_SUPPORTED, NULL,
                                                   "There is no %s here.", node->schema->name);
    uv_cond_destroy(&waiter.ended);
    uv_mutex_destroy(&waiter.lock);
    snapshot_unref(running);
    return outcome;
}

enum outcome snmp_action_run(struct agent *agent, const struct origin *origin,
                             const struct snmp_action *action, struct error *err)
{
    struct lyd_node *node = make_node(agent, action, true);
    struct lyd_node *reply = make_node(agent, action, false);
    enum outcome outcome = node && reply ? run(agent, origin, node, reply, err) : fail_memory(err);

    free_whole_tree(node);
    free_whole_tree(reply);
    if (outcome == DONE)
        log_info(AREA_SNMP, "%s%s%s, by user %s", action->path, action->leaf ? " of " : "",
                 action->leaf ? action->value : "", origin->user);
    return outcome;
}
