/*
 * The agent's own events.
 */
#include "agent/event/notices.h"

#include <inttypes.h>
#include <stdio.h>

/* A notification that is being made; once something fails it stays NULL. */
struct notice {
    struct lyd_node *node;
};

static struct notice begin(const struct ly_ctx *ctx, const char *module, const char *name)
{
    struct notice notice = {0};
    const struct lys_module *found = ly_ctx_get_module_implemented(ctx, module);
    if (!found || lyd_new_inner(NULL, found, name, 0, &notice.node))
        notice.node = NULL;
    return notice;
}

static struct notice begin_agents(struct agent *agent, const char *module, const char *name)
{
    return agent && agent->events ? begin(agent->schema->ctx, module, name) : (struct notice){0};
}

static void add(struct notice *notice, struct lyd_node *parent, const char *name, const char *value)
{
    if (!notice->node || !lyd_new_term(parent, NULL, name, value, 0, NULL))
        return;
    lyd_free_all(notice->node);
    notice->node = NULL;
}

static void add_number(struct notice *notice, const char *name, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, value);
    add(notice, notice->node, name, text);
}

/* Who it was. A host that YANG has no type for is left out. */
static void add_origin(struct notice *notice, struct lyd_node *parent, const struct origin *origin)
{
    char session[16];
    snprintf(session, sizeof(session), "%" PRIu32, origin->session);
    add(notice, parent, "username", origin->user);
    add(notice, parent, "session-id", session);
    if (notice->node && origin->host)
        lyd_new_term(parent, NULL, "source-host", origin->host, 0, NULL);
}

void event_config_change(struct agent *agent, const struct origin *origin,
                         const struct change_set *changes)
{
    struct notice notice =
        begin_agents(agent, "ietf-netconf-notifications", "netconf-config-change");
    struct lyd_node *by = NULL;
    if (!notice.node || lyd_new_inner(notice.node, NULL, "changed-by", 0, &by)) {
        lyd_free_all(notice.node);
        return;
    }
    if (origin)
        add_origin(&notice, by, origin);
    else
        add(&notice, by, "server", "");
    add(&notice, notice.node, "datastore", "running");
    if (notice.node)
        notice_add_edits(notice.node, changes);
    event_emit(agent, notice.node);
}

void event_capability_change(struct agent *agent, const struct capability_change *changes,
                             size_t count)
{
    struct notice notice =
        begin_agents(agent, "ietf-netconf-notifications", "netconf-capability-change");
    struct lyd_node *by = NULL;
    if (!notice.node || lyd_new_inner(notice.node, NULL, "changed-by", 0, &by)) {
        lyd_free_all(notice.node);
        return;
    }
    add(&notice, by, "server", "");
    for (size_t i = 0; i < count; i++)
        add(&notice, notice.node, changes[i].kind, changes[i].capability);
    event_emit(agent, notice.node);
}

void event_session_start(struct agent *agent, const struct origin *origin)
{
    struct notice notice =
        begin_agents(agent, "ietf-netconf-notifications", "netconf-session-start");
    add_origin(&notice, notice.node, origin);
    event_emit(agent, notice.node);
}

void event_session_end(struct agent *agent, const struct origin *origin, const char *reason,
                       uint32_t killed_by)
{
    struct notice notice = begin_agents(agent, "ietf-netconf-notifications", "netconf-session-end");
    add_origin(&notice, notice.node, origin);
    if (killed_by)
        add_number(&notice, "killed-by", killed_by);
    add(&notice, notice.node, "termination-reason", reason);
    event_emit(agent, notice.node);
}

void event_confirmed_commit(struct agent *agent, enum confirmed_commit kind,
                            const struct origin *origin, uint32_t timeout)
{
    static const char *const names[] = {
        [CONFIRMED_COMMIT_START] = "start",       [CONFIRMED_COMMIT_CANCEL] = "cancel",
        [CONFIRMED_COMMIT_TIMEOUT] = "timeout",   [CONFIRMED_COMMIT_EXTEND] = "extend",
        [CONFIRMED_COMMIT_COMPLETE] = "complete",
    };
    struct notice notice =
        begin_agents(agent, "ietf-netconf-notifications", "netconf-confirmed-commit");
    if (kind != CONFIRMED_COMMIT_TIMEOUT)
        add_origin(&notice, notice.node, origin);
    add(&notice, notice.node, "confirm-event", names[kind]);
    if (kind == CONFIRMED_COMMIT_START || kind == CONFIRMED_COMMIT_EXTEND)
        add_number(&notice, "timeout", timeout);
    event_emit(agent, notice.node);
}

void event_backend_status(struct agent *agent, const char *name, bool up, const char *reason)
{
    struct notice notice = begin_agents(agent, "noria-agent", "backend-status-change");
    add(&notice, notice.node, "name", name);
    add(&notice, notice.node, "oper-status", up ? "up" : "down");
    if (reason)
        add(&notice, notice.node, "reason", reason);
    event_emit(agent, notice.node);
}

void event_self_test(struct agent *agent, const char *message)
{
    struct notice notice = begin_agents(agent, "noria-agent", "self-test");
    add(&notice, notice.node, "message", message);
    event_emit(agent, notice.node);
}

struct lyd_node *notice_events_lost(const struct ly_ctx *ctx, uint64_t count)
{
    struct notice notice = begin(ctx, "noria-agent", "events-lost");
    add_number(&notice, "count", count);
    return notice.node;
}

struct lyd_node *notice_complete(const struct ly_ctx *ctx, const char *name)
{
    return begin(ctx, "nc-notifications", name).node;
}
