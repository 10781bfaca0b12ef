/*
 * The candidate datastore, and the locks of the datastores. Any thread.
 *
 * A candidate without edits is running itself, and follows it.
 */
#ifndef NORIA_TRANSACTION_CANDIDATE_H
#define NORIA_TRANSACTION_CANDIDATE_H

#include "agent/transaction/operations.h"

struct candidate;
struct datastore_locks;

/** Make a candidate without edits. @return NULL for want of memory. */
struct candidate *candidate_new(void);

/** Free it; NULL is legal. */
void candidate_free(struct candidate *candidate);

/** The edited candidate with one reference more, or NULL if it has no edits. */
struct snapshot *candidate_get(struct candidate *candidate);

/**
 * Begin an edit; other edits wait until candidate_end().
 * @return What is to be edited, with one reference more.
 */
struct snapshot *candidate_begin(struct candidate *candidate, struct agent *agent);

/** End an edit. @param edited What it made; taken. NULL leaves the candidate as it was. */
void candidate_end(struct candidate *candidate, struct snapshot *edited);

/** Drop all edits. */
void candidate_discard(struct candidate *candidate);

/** Drop the edits if they are still those that were committed. */
void candidate_committed(struct candidate *candidate, const struct snapshot *committed);

/** Make the locks, all free. @return NULL for want of memory. */
struct datastore_locks *locks_new(void);

/** Free them; NULL is legal. */
void locks_free(struct datastore_locks *locks);

/** Refuse (in-use) if another session than this one has locked the datastore. */
enum outcome locks_check(struct datastore_locks *locks, enum datastore datastore, uint32_t session,
                         struct error *err);

/**
 * Begin a change of the candidate or of startup; neither another change nor a lock comes before
 * locks_end_change(). Refuses at once (in-use) if another session has locked the datastore.
 */
enum outcome locks_begin_change(struct datastore_locks *locks, enum datastore datastore,
                                uint32_t session, struct error *err);

/** End it. The thread that began it, if that was DONE. */
void locks_end_change(struct datastore_locks *locks, enum datastore datastore);

/** Refuse (lock-denied) if the datastore is locked, by whomever. */
enum outcome locks_check_free(struct datastore_locks *locks, enum datastore datastore,
                              struct error *err);

/**
 * Lock for a session, when a change that goes on has ended; refuse at once (lock-denied) if it is
 * locked, also by this session.
 */
enum outcome locks_take(struct datastore_locks *locks, enum datastore datastore, uint32_t session,
                        struct error *err);

/** Unlock; refuse if the session does not hold the lock. */
enum outcome locks_release(struct datastore_locks *locks, enum datastore datastore,
                           uint32_t session, struct error *err);

/**
 * Who has locked a datastore.
 * @param[out] since When, in nanoseconds since 1970 UTC.
 * @return Whether it is locked.
 */
bool locks_holder(struct datastore_locks *locks, enum datastore datastore, uint32_t *session,
                  int64_t *since);

/** Unlock if the session holds the lock. @return Whether it did. */
bool locks_drop(struct datastore_locks *locks, enum datastore datastore, uint32_t session);

#endif
