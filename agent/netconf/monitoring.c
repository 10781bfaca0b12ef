/*
 * /ietf-netconf-monitoring:netconf-state (RFC 6022).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/netconf/reading.h"
#include "agent/transaction/candidate.h"

/* The names are those of the model. */
static const char *const counters[COUNTERS] = {
    [COUNT_IN_RPCS] = "in-rpcs",
    [COUNT_IN_BAD_RPCS] = "in-bad-rpcs",
    [COUNT_OUT_RPC_ERRORS] = "out-rpc-errors",
    [COUNT_OUT_NOTIFICATIONS] = "out-notifications",
};

void session_count(struct session *session, enum counter counter)
{
    pthread_mutex_lock(&session->server->lock);
    session->counts[counter]++;
    session->server->counts[counter]++;
    pthread_mutex_unlock(&session->server->lock);
}

static bool add(struct lyd_node *parent, const char *name, const char *value)
{
    return !lyd_new_term(parent, NULL, name, value, 0, NULL);
}

static bool add_number(struct lyd_node *parent, const char *name, uint32_t value)
{
    char text[16];
    snprintf(text, sizeof(text), "%" PRIu32, value);
    return add(parent, name, text);
}

static bool add_time(struct lyd_node *parent, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    return add(parent, name, clock_text(time, text));
}

static bool add_counts(struct lyd_node *parent, const uint32_t *counts)
{
    bool good = true;
    for (size_t i = 0; i < COUNTERS && good; i++)
        good = add_number(parent, counters[i], counts[i]);
    return good;
}

static bool add_inner(struct lyd_node *parent, const char *name, struct lyd_node **node)
{
    return !lyd_new_inner(parent, NULL, name, 0, node);
}

static bool add_capabilities(struct rpc *rpc, struct lyd_node *state)
{
    struct lyd_node *node;
    struct ly_ctx *ctx = rpc->agent->schema->ctx;
    const char **all = nc_server_get_cpblts(ctx);
    bool good = all && add_inner(state, "capabilities", &node);
    for (size_t i = 0; all && all[i]; i++) {
        good = good && add(node, "capability", all[i]);
        lydict_remove(ctx, all[i]);
    }
    free(all);
    return good;
}

static bool add_datastore(struct rpc *rpc, struct lyd_node *parent, enum datastore datastore,
                          const char *name)
{
    struct lyd_node *node, *lock;
    uint32_t holder;
    int64_t since;
    if (lyd_new_list(parent, NULL, "datastore", 0, &node, name))
        return false;
    if (!locks_holder(rpc->agent->locks, datastore, &holder, &since))
        return true;
    return add_inner(node, "locks", &lock) && add_inner(lock, "global-lock", &lock) &&
           add_number(lock, "locked-by-session", holder) && add_time(lock, "locked-time", since);
}

static bool add_datastores(struct rpc *rpc, struct lyd_node *state)
{
    struct lyd_node *node;
    return add_inner(state, "datastores", &node) &&
           add_datastore(rpc, node, DATASTORE_RUNNING, "running") &&
           add_datastore(rpc, node, DATASTORE_CANDIDATE, "candidate") &&
           add_datastore(rpc, node, DATASTORE_STARTUP, "startup");
}

/* Both formats that get-schema has. */
static bool add_schema(struct lyd_node *schemas, const char *name, const char *revision,
                       const char *namespace)
{
    static const char *const formats[] = {"ietf-netconf-monitoring:yang",
                                          "ietf-netconf-monitoring:yin"};
    bool good = true;
    for (size_t i = 0; i < 2 && good; i++) {
        struct lyd_node *node;
        good = !lyd_new_list(schemas, NULL, "schema", 0, &node, name, revision ? revision : "",
                             formats[i]) &&
               add(node, "namespace", namespace) && add(node, "location", "NETCONF");
    }
    return good;
}

static bool add_schemas(struct rpc *rpc, struct lyd_node *state)
{
    struct lyd_node *node;
    const struct lys_module *module;
    uint32_t index = 0;
    bool good = add_inner(state, "schemas", &node);
    while (good && (module = ly_ctx_get_module_iter(rpc->agent->schema->ctx, &index))) {
        const struct lysp_include *includes = module->parsed->includes;
        good = add_schema(node, module->name, module->revision, module->ns);
        for (LY_ARRAY_COUNT_TYPE i = 0; i < LY_ARRAY_COUNT(includes) && good; i++) {
            const struct lysp_submodule *sub = includes[i].submodule;
            if (!includes[i].injected)
                good =
                    add_schema(node, sub->name, sub->revs ? sub->revs[0].date : NULL, module->ns);
        }
    }
    return good;
}

static bool add_session(struct lyd_node *sessions, const struct session *session)
{
    struct lyd_node *node;
    char id[16];
    snprintf(id, sizeof(id), "%" PRIu32, session->id);
    if (lyd_new_list(sessions, NULL, "session", 0, &node, id) ||
        !add(node, "transport",
             session->host ? "ietf-netconf-monitoring:netconf-ssh" : "noria-agent:netconf-unix") ||
        !add(node, "username", session->user))
        return false;
    /* A name of the client that the model has no form for is not worth failing for. */
    if (session->host && !add(node, "source-host", session->host))
        ly_err_clean((struct ly_ctx *)LYD_CTX(node), NULL);
    return add_time(node, "login-time", session->login) && add_counts(node, session->counts);
}

static bool add_sessions(struct netconf_server *server, struct lyd_node *state)
{
    struct lyd_node *sessions, *node;
    if (!add_inner(state, "sessions", &sessions) || !add_inner(state, "statistics", &node))
        return false;
    bool good = true;
    pthread_mutex_lock(&server->lock);
    for (struct session *session = server->sessions; session && good; session = session->next)
        good = !session->id || add_session(sessions, session);
    good = good && add_time(node, "netconf-start-time", server->started) &&
           add_number(node, "in-bad-hellos", server->bad_hellos) &&
           add_number(node, "in-sessions", server->session_count) &&
           add_number(node, "dropped-sessions", server->dropped_sessions) &&
           add_counts(node, server->counts);
    pthread_mutex_unlock(&server->lock);
    return good;
}

/* What is used of the limits. The names are those of noria-agent. */
static bool add_usage(struct netconf_server *server, struct lyd_node *state)
{
    struct lyd_node *usage, *node;
    uint32_t sessions = 0;
    bool good = add_inner(state, "usage", &usage);
    pthread_mutex_lock(&server->lock);
    for (const struct session *s = server->sessions; s && good; s = s->next) {
        const struct session *other = server->sessions;
        uint32_t own = 0;
        sessions += !s->local;
        while (other != s && (other->local || strcmp(other->user, s->user)))
            other = other->next;
        if (s->local || other != s)
            continue; /* the user has been counted */
        for (; other; other = other->next)
            own += !other->local && !strcmp(other->user, s->user);
        good = !lyd_new_list(usage, NULL, "user", 0, &node, s->user) &&
               add_number(node, "sessions", own);
    }
    good = good && add_number(usage, "connections", (uint32_t)server->connection_count) &&
           add_number(usage, "logins", (uint32_t)server->login_count) &&
           add_number(usage, "sessions", sessions);
    pthread_mutex_unlock(&server->lock);
    return good;
}

enum outcome monitoring_limits(struct netconf_server *server, struct lyd_node *state,
                               struct error *err)
{
    static const char *const names[LIMITS] = {
        [LIMIT_CONNECTIONS] = "max-connections",   [LIMIT_LOGINS] = "max-logins",
        [LIMIT_SESSIONS] = "max-sessions",         [LIMIT_USER_SESSIONS] = "max-sessions-per-user",
        [LIMIT_LOGIN_ATTEMPTS] = "login-attempts", [LIMIT_LOGIN_TIME] = "login-timeout",
        [LIMIT_HELLO_TIME] = "hello-timeout",      [LIMIT_IDLE_TIME] = "idle-timeout",
        [LIMIT_MESSAGE] = "max-message-size",
    };
    struct lyd_node *met;
    bool good = add_usage(server, state) && add_inner(state, "limits-met", &met);
    for (size_t i = 0; i < LIMITS && good; i++)
        good = add_number(met, names[i], atomic_load(&server->hits[i]));
    return good ? DONE : fail_memory(err);
}

enum outcome monitoring_read(struct rpc *rpc, struct lyd_node **tree)
{
    struct ly_ctx *ctx = rpc->agent->schema->ctx;
    const struct lys_module *module = ly_ctx_get_module_implemented(ctx, "ietf-netconf-monitoring");
    if (!lyd_new_inner(NULL, module, "netconf-state", 0, tree) && add_capabilities(rpc, *tree) &&
        add_datastores(rpc, *tree) && add_schemas(rpc, *tree) &&
        add_sessions(rpc->session->server, *tree))
        return DONE;
    const char *message = ly_errmsg(ctx);
    fail(&rpc->error, TAG_OPERATION_FAILED, NULL, "The state of NETCONF cannot be read: %s",
         message ? message : "out of memory");
    ly_err_clean(ctx, NULL);
    return FAILED;
}
