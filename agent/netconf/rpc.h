/*
 * Requests: from their text to the operation of each, and back to the text of a reply.
 *
 * Runs on the threads of sessions. A file per family of operations; reply.c makes the replies.
 */
#ifndef NORIA_NETCONF_RPC_H
#define NORIA_NETCONF_RPC_H

#include "agent/access/access.h"
#include "agent/netconf/internal.h"
#include "agent/transaction/operations.h"

/** A request at work. */
struct rpc {
    struct session *session;
    struct agent *agent;
    struct origin origin;
    struct access access;           /**< What its user may do. */
    const struct lyd_node *request; /**< The node of the rpc or action. Borrowed. */
    struct error error;             /**< Why it was not done. */
    bool protocol;                  /**< The error is in the request, not in the data. */
    bool close;                     /**< The session ends after the reply. */
    char *data;                     /**< For the output node "data", where there is one. Owned. */
    bool data_is_text;              /**< It is text, else XML. */
    struct lyd_node *output;        /**< The operation's node with its output. Owned. */
};

/**
 * Serve the message that a session's link holds. The session's thread.
 * @param[out] reply The reply as a whole message, or failed; to be ended with text_free().
 * @return false if there is none, so that the session has to end.
 */
bool rpc_serve(struct session *session, struct text *reply);

/*
 * The operations. Each runs on its session's thread and returns DONE, or REFUSED or FAILED with
 * rpc->error.
 */

/** get (RFC 6241, 7.7). */
enum outcome rpc_get(struct rpc *rpc);
/** get-config (RFC 6241, 7.1). */
enum outcome rpc_get_config(struct rpc *rpc);
/** edit-config (RFC 6241, 7.2). */
enum outcome rpc_edit_config(struct rpc *rpc);
/** copy-config (RFC 6241, 7.3). */
enum outcome rpc_copy_config(struct rpc *rpc);
/** delete-config (RFC 6241, 7.4). */
enum outcome rpc_delete_config(struct rpc *rpc);
/** lock (RFC 6241, 7.5). */
enum outcome rpc_lock(struct rpc *rpc);
/** unlock (RFC 6241, 7.6). */
enum outcome rpc_unlock(struct rpc *rpc);
/** close-session (RFC 6241, 7.8). */
enum outcome rpc_close_session(struct rpc *rpc);
/** kill-session (RFC 6241, 7.9). */
enum outcome rpc_kill_session(struct rpc *rpc);
/** commit (RFC 6241, 8.3.4.1). */
enum outcome rpc_commit(struct rpc *rpc);
/** cancel-commit (RFC 6241, 8.4.4.1). */
enum outcome rpc_cancel_commit(struct rpc *rpc);
/** discard-changes (RFC 6241, 8.3.4.2). */
enum outcome rpc_discard_changes(struct rpc *rpc);
/** validate (RFC 6241, 8.6.4.1). */
enum outcome rpc_validate(struct rpc *rpc);
/** get-schema (RFC 6022, 3.1). */
enum outcome rpc_get_schema(struct rpc *rpc);
enum outcome rpc_get_data(struct rpc *rpc);
enum outcome rpc_edit_data(struct rpc *rpc);

/** The operations of notifications (RFC 5277, 2.1.1; noria-agent). */
enum outcome rpc_create_subscription(struct rpc *rpc);
enum outcome rpc_emit_self_test(struct rpc *rpc);

/** An operation that a backend serves (backend.h); refuses what none does. */
enum outcome rpc_backend(struct rpc *rpc);

/* rpc_parameter.c */

/** A parameter of the request by name, or NULL. */
const struct lyd_node *rpc_parameter(const struct rpc *rpc, const char *name);

/** The value of a parameter that is a leaf, or a fallback. */
const char *rpc_value(const struct rpc *rpc, const char *name, const char *fallback);

/** refuse() for an error in the request: error-type protocol. */
enum outcome rpc_refuse(struct rpc *rpc, enum error_tag tag, const char *element,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

/* rpc_place.c */

/**
 * The datastore that a parameter names by a child (<source>, <target>).
 * @param[out] inline_config The node <config> if that is what it has; NULL: it is not allowed.
 */
enum outcome rpc_datastore(struct rpc *rpc, const char *parameter, enum datastore *datastore,
                           const struct lyd_node **inline_config);

/** Where a configuration is: exactly one of the three. */
struct rpc_place {
    bool is_datastore;
    enum datastore datastore;
    const struct lyd_node *config; /**< An inline <config>. Borrowed. */
    const char *url;               /**< Borrowed. */
};

/** The place that a parameter (<source>, <target>) names by its child. */
enum outcome rpc_place(struct rpc *rpc, const char *parameter, struct rpc_place *place);

/** The parameter default-operation of an edit; merge, if there is none. */
enum default_operation rpc_default_operation(const struct rpc *rpc);

/**
 * The configuration in an inline <config>.
 * @param[out] data First top-level node; NULL with DONE is an empty one.
 */
enum outcome rpc_inline(struct rpc *rpc, const struct lyd_node *config, struct lyd_node **data);

/**
 * The configuration of a place that is no datastore.
 * @param[out] owner What holds it if it is a file's; to be freed with lyd_free_all().
 */
enum outcome rpc_place_config(struct rpc *rpc, const struct rpc_place *place,
                              struct lyd_node **owner, struct lyd_node **data);

/**
 * The datastore that a leaf of the type datastore-ref names (RFC 8342, ietf-datastores), if it is
 * one that has configuration. Else rpc_refuse_datastore().
 */
enum outcome rpc_datastore_named(struct rpc *rpc, const struct lyd_node *leaf, const char *good,
                                 enum datastore *datastore);

/** Refuse the datastore that a leaf names, with invalid-value. @param good Those there are. */
enum outcome rpc_refuse_datastore(struct rpc *rpc, const struct lyd_node *leaf, const char *good);

/* reply.c */

/** An error as an <rpc-error>. @return To be freed or given away; NULL for want of memory. */
struct lyd_node *reply_error_node(const struct ly_ctx *ctx, const struct error *err, bool protocol);

/**
 * Write the reply to a request that has been carried out or not.
 * @param envelope The element <rpc>: its prefix and its attributes are the reply's.
 */
void reply_write(struct rpc *rpc, enum outcome outcome, const struct lyd_node *envelope,
                 struct text *reply);

/**
 * Write a reply that is an error.
 * @param envelope As in reply_write(); NULL if the request had none that could be read.
 * @param error Taken; NULL for want of memory.
 */
void reply_write_error(const struct ly_ctx *ctx, const struct lyd_node *envelope,
                       struct lyd_node *error, struct text *reply);

#endif
