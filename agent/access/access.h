/*
 * Access control: who may do what (RFC 8341, NACM).
 *
 * A request first begins an access: the rules in force, and those of them that are for its user.
 * All that it does is held against that; a commit that changes the rules meanwhile is for the
 * requests after it. An access is a plain value of one thread.
 *
 * The session of root over the local socket is the recovery session: it is never controlled, so
 * that nobody is locked out for good.
 */
#ifndef NORIA_ACCESS_ACCESS_H
#define NORIA_ACCESS_ACCESS_H

#include "agent/access/rules.h"
#include "agent/datastore/snapshot.h"

struct agent;
struct access_control;

/** What was denied since the agent's start (RFC 8341, 3.4). */
enum access_counter { DENIED_OPERATIONS, DENIED_DATA_WRITES, DENIED_NOTIFICATIONS, DENIED_COUNT };

/** What holds for a request. */
struct access {
    const char *user;           /**< Borrowed. */
    bool all;                   /**< Everything is permitted: NACM is off, or for recovery. */
    struct access_rules *rules; /**< One reference. */
    const struct rule **own;    /**< The rules for the user's groups, in order. Array owned. */
    size_t own_count;
    struct access_control *control; /**< Counts what is denied; NULL: nobody does. */
    unsigned char *known; /**< By unit: rights of which it is known whether the user has them... */
    unsigned char *covered; /**< ... on all that the unit holds. Both owned. */
};

/* backend.c */

/**
 * Begin the access of a request by the rules in force. Any thread.
 * @param user Login name; borrowed until access_end().
 * @param recovery It is the recovery session's.
 * @param[out] access To be ended with access_end(), also after a failure.
 */
enum outcome access_begin(struct agent *agent, const char *user, bool recovery,
                          struct access *access, struct error *err);

/** Count a denial, and log it. @param what What was denied; no secrets. Any thread. */
void access_denied(const struct access *access, enum access_counter counter, const char *what);

/* access.c */

/** access_begin() for given rules; unit_count is the schema's. */
enum outcome access_begin_with(struct access_rules *rules, size_t unit_count, const char *user,
                               bool recovery, struct access *access, struct error *err);

/** Free what an access owns, and empty it. */
void access_end(struct access *access);

/** Whether an operation (or an action, in its data) may be executed. Does not count. */
bool access_executes(const struct access *access, const struct lyd_node *operation);

/** Whether a notification (in its data, if it is of a node) may be received. Does not count. */
bool access_receives(const struct access *access, const struct lyd_node *notification);

/**
 * Whether there is a right to a node. What is above it is not looked at: a node can be read if this
 * is true of it and of all that are above it.
 * @param node In its tree up to the top.
 */
bool access_allows(const struct access *access, const struct lyd_node *node,
                   enum access_right right);

/** Whether a node can be read: itself, and all above it. */
bool access_reads(const struct access *access, const struct lyd_node *node);

/**
 * Whether there is a right to all that a unit holds or will hold; if not, its nodes are to be asked
 * about one by one. It is found out once for each unit.
 */
bool access_covers(struct access *access, const struct unit *unit, enum access_right right);

/**
 * Remove what cannot be read from a tree. An entry of a list whose key cannot be read is removed
 * whole.
 * @return Whether the top is left; if not, the tree is freed.
 */
bool access_prune(const struct access *access, struct lyd_node *top);

/* changes.c */

/**
 * Whether a user may change a configuration in this way: each node that is created, changed or
 * deleted is looked at, and no other one (RFC 8341, 3.2.5 to 3.2.8). Defaults that are in use are
 * no nodes here; what goes because another case of its choice comes needs no right.
 * @return REFUSED (access-denied), counted; the error names nothing that the user cannot read.
 */
enum outcome access_check_changes(struct access *access, const struct snapshot *before,
                                  const struct snapshot *after, struct error *err);

/* way_in.c */

/**
 * Whether an administrator can still get in: over SSH, and with the right to change the rules of
 * access. It is asked of those who are not root on the node, for whom there is always a way.
 * @return REFUSED if there was such a way before, and would be none after.
 */
enum outcome access_check_way_in(const struct schema *schema, const struct snapshot *before,
                                 const struct snapshot *after, struct error *err);

/* changes.c */

/**
 * What a user can read of a configuration, as a copy-config takes it (RFC 8341, 3.2.7).
 * @param[out] visible With one reference; the snapshot itself if the user reads all of it.
 */
enum outcome access_visible(struct access *access, const struct snapshot *snapshot,
                            struct snapshot **visible, struct error *err);

/**
 * An edit was refused because of what exists or does not: say that access is denied instead, to
 * those who may neither see nor make the difference.
 * @param edit The edit, first top-level node.
 */
void access_hide_presence(const struct access *access, const struct lyd_node *edit,
                          struct error *err);

#endif
