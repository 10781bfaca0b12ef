/*
 * Operations of backends: rpcs and actions (RFC 7950, 7.14 and 7.15) of their YANG modules.
 *
 * The session's thread checks the input and waits; the backend works on the core thread. Both hold
 * the call, so that a session may be killed, or the agent may end, while the backend is at work.
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/log.h"
#include "agent/netconf/rpc.h"

/* A call, with copies of all that the session would take with it. */
struct pending {
    struct backend_call call;
    const struct backend_operation *operation;
    struct snapshot *running;
    struct lyd_node *request; /* Copies of the operation's node; their trees are owned. */
    struct lyd_node *reply;
    struct origin origin; /* Strings owned. */
    enum outcome outcome;
    int bell; /* An eventfd: the backend is done. */
    atomic_uint refs;
};

static void free_whole_tree(struct lyd_node *node)
{
    while (node && lyd_parent(node))
        node = (struct lyd_node *)lyd_parent(node);
    lyd_free_all(node);
}

static void pending_unref(struct pending *pending)
{
    if (!pending || atomic_fetch_sub(&pending->refs, 1) != 1)
        return;
    free_whole_tree(pending->request);
    free_whole_tree(pending->reply);
    snapshot_unref(pending->running);
    free((char *)pending->origin.user);
    free((char *)pending->origin.host);
    error_clear(&pending->call.error);
    if (pending->bell >= 0)
        close(pending->bell);
    free(pending);
}

static void backend_done(struct backend_call *call, enum outcome outcome)
{
    struct pending *pending = (struct pending *)call;
    pending->outcome = outcome;
    if (write(pending->bell, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        log_error(AREA_NETCONF, "cannot wake a session: %s", strerror(errno));
    pending_unref(pending);
}

static bool copy_origin(const struct origin *origin, struct origin *copy)
{
    *copy = *origin;
    copy->user = strdup(origin->user);
    copy->host = origin->host ? strdup(origin->host) : NULL;
    return copy->user && (copy->host || !origin->host);
}

static struct pending *pending_new(const struct rpc *rpc, struct backend *backend,
                                   const struct backend_operation *operation)
{
    struct pending *pending = calloc(1, sizeof(*pending));
    if (!pending)
        return NULL;
    atomic_init(&pending->refs, 1);
    pending->operation = operation;
    pending->running = agent_running(rpc->agent);
    pending->bell = eventfd(0, EFD_CLOEXEC);
    if (!copy_origin(&rpc->origin, &pending->origin) || pending->bell < 0 ||
        lyd_dup_single(rpc->request, NULL,
                       LYD_DUP_RECURSIVE | LYD_DUP_WITH_PARENTS | LYD_DUP_WITH_FLAGS,
                       &pending->request) ||
        lyd_dup_single(rpc->request, NULL, LYD_DUP_WITH_PARENTS, &pending->reply)) {
        pending_unref(pending);
        return NULL;
    }
    pending->call = (struct backend_call){.backend = backend,
                                          .running = pending->running,
                                          .origin = &pending->origin,
                                          .request = pending->request,
                                          .reply = pending->reply,
                                          .done = backend_done};
    return pending;
}

/* What an action is invoked on. */

static enum outcome refuse_missing(struct rpc *rpc, const struct lyd_node *node)
{
    char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
    refuse(&rpc->error, TAG_DATA_MISSING, path,
           "%s is not in the running configuration, so there is nothing to do %s on.",
           path ? path : LYD_NAME(node), LYD_NAME(rpc->request));
    free(path);
    return REFUSED;
}

/* The entry that holds a node of a tree. @param[out] own The entry's own node in that tree. */
static const struct entry *entry_of(const struct schema *schema, const struct snapshot *running,
                                    const struct lyd_node *node, const struct lyd_node **own)
{
    const struct unit *unit;
    *own = schema_own_node(schema, node, &unit);
    char *key = unit ? entry_key_of(*own) : NULL;
    const struct entry *entry = key ? snapshot_find(running, unit, key) : NULL;
    free(key);
    return entry;
}

/*
 * Whether the node of an action is there (RFC 7950, 7.15). That of state is the backend's to know.
 * Refuses with the first of the nodes that is not.
 */
static enum outcome find_target(struct rpc *rpc, struct pending *pending,
                                const struct entry **entry)
{
    const struct lyd_node *target = lyd_parent(pending->request), *own;
    if (!target || !(target->schema->flags & LYS_CONFIG_W))
        return DONE;
    *entry = entry_of(rpc->agent->schema, pending->running, target, &own);
    if (!*entry)
        return refuse_missing(rpc, own);
    const struct lyd_node *here = (*entry)->node;
    while (own != target) {
        const struct lyd_node *next = target;
        struct lyd_node *found = NULL;
        while (lyd_parent(next) != own)
            next = lyd_parent(next);
        if (lyd_find_sibling_first(lyd_child(here), next, &found))
            return refuse_missing(rpc, next);
        here = found;
        own = next;
    }
    return DONE;
}

/* Input, and output. */

static struct lyd_node *top_of(struct lyd_node *node)
{
    while (lyd_parent(node))
        node = (struct lyd_node *)lyd_parent(node);
    return node;
}

/* Validate input or output, with its defaults. Messages are libyang's. */
static enum outcome validate(struct rpc *rpc, const struct entry *entry, struct lyd_node *node,
                             enum lyd_type type, struct error *err)
{
    struct lyd_node *company = NULL;
    if (entry &&
        lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &company))
        return fail_memory(err);
    enum outcome outcome = DONE;
    if (lyd_validate_op(top_of(node), company, type, NULL))
        outcome = schema_refuse(rpc->agent->schema, NULL, err, "The operation is not valid.");
    lyd_free_all(company);
    return outcome;
}

static enum outcome finish(struct rpc *rpc, struct pending *pending, const struct entry *entry)
{
    struct error error = {0};
    if (pending->outcome != DONE) {
        error_move(&rpc->error, &pending->call.error);
        return pending->outcome;
    }
    if (validate(rpc, entry, pending->reply, LYD_TYPE_REPLY_YANG, &error) != DONE) {
        log_error(AREA_NETCONF, "the backend %s gave output of %s that is not valid: %s",
                  pending->call.backend->ops->name, pending->operation->path,
                  error_message(&error));
        fail(&rpc->error, TAG_OPERATION_FAILED, NULL,
             "%s was done, but its output is not valid: report this as an error of noriad: %s",
             LYD_NAME(rpc->request), error_message(&error));
        error_clear(&error);
        return FAILED;
    }
    if (lyd_child(pending->reply)) {
        struct lyd_node *parents = (struct lyd_node *)lyd_parent(pending->reply);
        lyd_unlink_tree(pending->reply);
        free_whole_tree(parents);
        rpc->output = pending->reply;
        pending->reply = NULL;
    }
    return DONE;
}

/* The run. */

static void run_on_core(void *arg)
{
    struct pending *pending = arg;
    pending->operation->run(pending->call.backend, &pending->call);
}

/* Wait for the backend, or for the session's end. Returns whether the backend is done. */
static bool wait_for_backend(const struct rpc *rpc, const struct pending *pending)
{
    struct pollfd ready[] = {{.fd = pending->bell, .events = POLLIN},
                             {.fd = rpc->session->link->far}};
    uint64_t count;
    while (poll(ready, 2, -1) < 0 && errno == EINTR) {
    }
    /* To read it is to see all that was written before it was rung. */
    return ready[0].revents & POLLIN &&
           read(pending->bell, &count, sizeof(count)) == (ssize_t)sizeof(count);
}

static enum outcome carry_out(struct rpc *rpc, struct pending *pending, const struct entry *entry)
{
    struct backend *backend = pending->call.backend;
    atomic_fetch_add(&pending->refs, 1); /* given back by backend_done() */
    if (pending->operation->reads) {
        pending->operation->run(backend, &pending->call);
    } else if (!agent_post(rpc->agent, run_on_core, pending)) {
        atomic_fetch_sub(&pending->refs, 1);
        return fail(&rpc->error, TAG_OPERATION_FAILED, NULL, "The agent is ending.");
    }
    if (!wait_for_backend(rpc, pending)) {
        log_notice(AREA_NETCONF, "session %u: ends while %s runs, which goes on", rpc->session->id,
                   pending->operation->path);
        return fail(&rpc->error, TAG_OPERATION_FAILED, NULL,
                    "The session was ended while the operation ran.");
    }
    return finish(rpc, pending, entry);
}

static const struct backend_operation *find_operation(const struct rpc *rpc,
                                                      struct backend **backend)
{
    char path[512];
    if (!lysc_path(rpc->request->schema, LYSC_PATH_LOG, path, sizeof(path)))
        return NULL;
    for (size_t i = 0; i < rpc->agent->backend_count; i++) {
        *backend = &rpc->agent->backends[i];
        const struct backend_operation *operation = (*backend)->ops->operations;
        for (; operation && operation->path; operation++)
            if (!strcmp(operation->path, path))
                return operation;
    }
    return NULL;
}

enum outcome rpc_backend(struct rpc *rpc)
{
    struct backend *backend;
    const struct backend_operation *operation = find_operation(rpc, &backend);
    if (!operation)
        return rpc_refuse(rpc, TAG_OPERATION_NOT_SUPPORTED, NULL, "There is no operation %s here.",
                          LYD_NAME(rpc->request));
    struct pending *pending = pending_new(rpc, backend, operation);
    if (!pending)
        return fail_memory(&rpc->error);
    const struct entry *entry = NULL;
    enum outcome outcome = find_target(rpc, pending, &entry);
    if (outcome == DONE) {
        outcome = validate(rpc, entry, pending->request, LYD_TYPE_RPC_YANG, &rpc->error);
        rpc->protocol = outcome == REFUSED;
    }
    if (outcome == DONE)
        outcome = carry_out(rpc, pending, entry);
    pending_unref(pending);
    return outcome;
}
