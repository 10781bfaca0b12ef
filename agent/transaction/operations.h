/*
 * Operations on datastores, as RFC 6241 defines them, without its protocol.
 *
 * NETCONF and SNMP are two clients of this header. Every function may be called on any thread but
 * the core's, and those that commit wait until the outcome is known; none waits for a lock that a
 * session holds: that is refused at once.
 */
#ifndef NORIA_TRANSACTION_OPERATIONS_H
#define NORIA_TRANSACTION_OPERATIONS_H

#include "agent/agent.h"

struct commit_terms;

/**
 * The datastores that can be named. Startup is a configuration that was put aside on purpose:
 * running itself survives every restart.
 */
enum datastore { DATASTORE_RUNNING, DATASTORE_CANDIDATE, DATASTORE_STARTUP, DATASTORE_COUNT };

/** Who asks. */
struct origin {
    const char *user;     /**< Login name. */
    const char *protocol; /**< "netconf", "snmp", "local". */
    uint32_t session;     /**< NETCONF session-id; 0 for those that have none. */
    const char *host;     /**< Address of the client, or NULL if it is this node. */
    bool recovery;        /**< The recovery session (RFC 8341), or the agent itself: access control
                             does not concern it. */
};

/** What an edit does to nodes that carry no operation (RFC 6241, 7.2). */
enum default_operation { DEFAULT_MERGE, DEFAULT_REPLACE, DEFAULT_NONE };

/**
 * The present content of running or candidate.
 * @return One reference, to be given back; never NULL.
 */
struct snapshot *datastore_read(struct agent *agent, enum datastore datastore);

/** The present content of any datastore; that of startup is read from its file. */
enum outcome datastore_fetch(struct agent *agent, enum datastore datastore,
                             struct snapshot **snapshot, struct error *err);

/** datastore_fetch() of what the asker can read. */
enum outcome datastore_fetch_visible(struct agent *agent, enum datastore datastore,
                                     const struct origin *origin, struct snapshot **snapshot,
                                     struct error *err);

/** A given whole configuration as a snapshot; it need not be valid. */
enum outcome datastore_fetch_config(struct agent *agent, const struct lyd_node *config,
                                    struct snapshot **snapshot, struct error *err);

/**
 * Edit a datastore (edit-config, RFC 6241, 7.2). All of the edit is made or none.
 * An edit of running is validated, applied and durable on return; one of candidate is only noted.
 * @param edit First top-level node of the <config>, as libyang parses it with LYD_PARSE_ONLY |
 *        LYD_PARSE_OPAQ: nodes with ietf-netconf:operation metadata; what is not data of the
 *        schema is an opaque node, which is refused with the right error. May be NULL. An edit of
 *        candidate that is made leaves behind what it did not take out of it.
 * @param test_only Only say whether it could be done and would be valid (test-option test-only).
 */
enum outcome datastore_edit(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, struct lyd_node *edit,
                            enum default_operation operation, bool test_only, struct error *err);

/** Replace all of a datastore by another one's content (copy-config). */
enum outcome datastore_copy(struct agent *agent, enum datastore target, enum datastore source,
                            const struct origin *origin, struct error *err);

/** Empty the startup datastore (delete-config). */
enum outcome datastore_delete_startup(struct agent *agent, const struct origin *origin,
                                      struct error *err);

/** Replace all of a datastore by a given configuration (copy-config with an inline <config>). */
enum outcome datastore_replace(struct agent *agent, enum datastore target,
                               const struct origin *origin, struct lyd_node *config,
                               struct error *err);

/** Whether a datastore's content is valid and could be applied as far as is known without doing it.
 */
enum outcome datastore_validate(struct agent *agent, enum datastore datastore, struct error *err);

/** Whether a given configuration is valid (validate with an inline <config>). */
enum outcome datastore_validate_config(struct agent *agent, const struct lyd_node *config,
                                       struct error *err);

/**
 * Make candidate the running configuration: validated, applied by every backend that it touches,
 * and on stable storage. On failure running and the engines are as before; candidate stays.
 * @param terms Whether it is to be confirmed, or confirms (confirmed.h). A plain commit of the
 *        session that has a confirmed commit pending confirms it.
 */
enum outcome datastore_commit(struct agent *agent, const struct origin *origin,
                              const struct commit_terms *terms, struct error *err);

/** Take the pending confirmed commit back now (cancel-commit). @param persist_id May be NULL. */
enum outcome datastore_cancel_commit(struct agent *agent, const struct origin *origin,
                                     const char *persist_id, struct error *err);

/** Make candidate equal to running again. */
enum outcome datastore_discard(struct agent *agent, const struct origin *origin, struct error *err);

/** Lock a datastore for a session (RFC 6241, 7.5). */
enum outcome datastore_lock(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, struct error *err);

/** Unlock it again. */
enum outcome datastore_unlock(struct agent *agent, enum datastore datastore,
                              const struct origin *origin, struct error *err);

/**
 * A session is gone: its locks are released, a candidate that it had locked is discarded, and a
 * confirmed commit that it alone could confirm is taken back, soon.
 */
void datastore_session_ended(struct agent *agent, uint32_t session);

#endif
