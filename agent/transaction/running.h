/*
 * How a worker changes running: make the new snapshot, submit it, wait, and begin anew if running
 * has moved on meanwhile. Any thread but the core's. For this folder alone.
 */
#ifndef NORIA_TRANSACTION_RUNNING_H
#define NORIA_TRANSACTION_RUNNING_H

#include "agent/transaction/confirmed.h"
#include "agent/transaction/operations.h"

/** How to make the snapshot that a datastore is to become, from what it is. */
struct change_maker {
    enum outcome (*make)(const struct schema *schema, const struct snapshot *base, const void *arg,
                         struct snapshot **target, struct error *err);
    const void *arg;
    const struct lyd_node *edit; /**< What it is made from, if it is made by an edit; else NULL. */
};

/**
 * Make a target of a datastore that holds base, if the asker may (RFC 8341). What is not allowed is
 * said before what is not valid, so that nobody learns from errors what he cannot read.
 * @param[out] target With one reference if DONE.
 */
enum outcome running_make_target(struct agent *agent, const struct change_maker *maker,
                                 const struct origin *origin, const struct snapshot *base,
                                 struct snapshot **target, struct error *err);

/** A maker of a given snapshot, its arg. */
enum outcome make_given(const struct schema *schema, const struct snapshot *base, const void *arg,
                        struct snapshot **target, struct error *err);

/** A maker of running as it is: for a commit of a candidate without edits. */
enum outcome make_same(const struct schema *schema, const struct snapshot *base, const void *arg,
                       struct snapshot **target, struct error *err);

/**
 * Change running.
 * @param terms Of a commit; NULL for an edit of running.
 * @param nothing_new The commit is one of a candidate without edits.
 */
enum outcome running_change(struct agent *agent, const struct change_maker *maker,
                            const struct origin *origin, const struct commit_terms *terms,
                            bool nothing_new, struct error *err);

/**
 * Lock running, when nothing of anybody else's is on its way to it: what a session finds after that
 * stays. Refused at once if it is locked, or a confirmed commit of another's is pending.
 */
enum outcome running_lock(struct agent *agent, const struct origin *origin, struct error *err);

/** Only say whether running could be changed so. */
enum outcome running_check(struct agent *agent, const struct change_maker *maker,
                           const struct origin *origin, struct error *err);

#endif
