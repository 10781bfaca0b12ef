/*
 * The agent's own events: each is declared here once, as a function that makes its YANG
 * notification and emits it (event.h). A wire that has another form for one, as an SNMP trap,
 * subscribes and looks at the node's name.
 *
 * Any thread. An agent without events (unit tests) emits nothing.
 */
#ifndef NORIA_EVENT_NOTICES_H
#define NORIA_EVENT_NOTICES_H

#include "agent/event/event.h"
#include "agent/transaction/operations.h"

/** Edits that one netconf-config-change names; the others are named by their container. */
#define NOTICE_EDITS_MAX 200

/** What happens to a confirmed commit (RFC 6241, 8.4). */
enum confirmed_commit {
    CONFIRMED_COMMIT_START,
    CONFIRMED_COMMIT_CANCEL,
    CONFIRMED_COMMIT_TIMEOUT,
    CONFIRMED_COMMIT_EXTEND,
    CONFIRMED_COMMIT_COMPLETE,
};

/* RFC 6470: */

/** Running has changed: netconf-config-change. @param origin NULL: the agent itself did it. */
void event_config_change(struct agent *agent, const struct origin *origin,
                         const struct change_set *changes);

/** netconf-session-start. */
void event_session_start(struct agent *agent, const struct origin *origin);

/**
 * netconf-session-end.
 * @param reason As the module has it: "closed", "killed", "dropped", "timeout", "bad-hello",
 *        "other".
 * @param killed_by Session that killed it, or 0.
 */
void event_session_end(struct agent *agent, const struct origin *origin, const char *reason,
                       uint32_t killed_by);

/**
 * netconf-confirmed-commit.
 * @param origin Who did it; not looked at for CONFIRMED_COMMIT_TIMEOUT.
 * @param timeout Seconds until the timeout, for START and EXTEND.
 */
void event_confirmed_commit(struct agent *agent, enum confirmed_commit kind,
                            const struct origin *origin, uint32_t timeout);

/** A capability that is not as it was. */
struct capability_change {
    const char *kind; /**< "added-capability", "deleted-capability" or "modified-capability". */
    const char *capability; /**< Its URI, of a modified one the new one. */
};

/** netconf-capability-change, by the server itself. */
void event_capability_change(struct agent *agent, const struct capability_change *changes,
                             size_t count);

/* noria-agent: */

/** backend-status-change. @param reason Why it is down, or NULL. */
void event_backend_status(struct agent *agent, const char *name, bool up, const char *reason);

/** self-test. */
void event_self_test(struct agent *agent, const char *message);

/* For one subscriber alone, so not emitted. To be freed; NULL for want of memory. */

/** events-lost. */
struct lyd_node *notice_events_lost(const struct ly_ctx *ctx, uint64_t count);

/** replayComplete and notificationComplete of nc-notifications (RFC 5277, 3.3 and 3.4). */
struct lyd_node *notice_complete(const struct ly_ctx *ctx, const char *name);

/* change.c */

/** Add to a netconf-config-change what was changed. @return false for want of memory. */
bool notice_add_edits(struct lyd_node *notification, const struct change_set *changes);

#endif
