/*
 * The journal: where running is kept so that nothing acknowledged is lost.
 *
 * In the state folder: 'running', the configuration as it was at some revision, and 'journal.N',
 * the commits that follow revision N, in checksummed records. Both are made of the same records.
 * When a journal has grown, running is written anew (temporary file, fsync, rename, fsync of the
 * folder) and the journals that it covers are removed.
 *
 * One thread at a time, which may be a helper thread; journal_fold() alone may run beside others.
 */
#ifndef NORIA_DATASTORE_JOURNAL_H
#define NORIA_DATASTORE_JOURNAL_H

#include "agent/datastore/snapshot.h"

struct journal;

/**
 * Open the state folder (made if missing, mode 0700) and lock it against a second agent.
 * @param[out] journal To be closed with journal_close().
 */
enum outcome journal_open(const struct schema *schema, const char *folder, struct journal **journal,
                          struct error *err);

/**
 * Read back what is stored. A record that was being written when the agent or the machine went down
 * was never acknowledged and is dropped. Where the last commits were acknowledged (acknowledged.h)
 * and cannot be read, an error is logged, what was in their place is kept in 'lost.N', and the rest
 * is given. Any other damage is an error that names file and offset.
 * @param[out] running With one reference; NULL if nothing was ever stored.
 */
enum outcome journal_load(struct journal *journal, struct snapshot **running, struct error *err);

/**
 * The file that is kept since acknowledged commits were lost, by this start or by an earlier one,
 * so long as nobody has removed it; NULL if there is none. Belongs to the journal.
 */
const char *journal_loss(const struct journal *journal);

/** Give numbers to entries that have none. */
void journal_number(struct journal *journal, const struct change_set *changes);

/**
 * Append commits, each of which follows the one before, and wait until they are on stable storage.
 * They are one record, so that no crash lets a part of them survive. On failure nothing was
 * appended.
 * @param count At least one.
 */
enum outcome journal_append(struct journal *journal, const struct change_set *const *commits,
                            size_t count, struct error *err);

/** How much is stored, in octets. */
struct journal_sizes {
    uint64_t journal; /**< The commits since running was last written as a whole. */
    uint64_t running; /**< That. */
};

/** What the journal has grown to. Any thread. */
void journal_sizes(const struct journal *journal, struct journal_sizes *sizes);

/** Whether the journal has grown so much that it should be folded. */
bool journal_is_long(const struct journal *journal);

/** Begin a new journal after a revision, so that the ones before it can be folded. */
enum outcome journal_rotate(struct journal *journal, uint64_t revision, struct error *err);

/** What journal_fold() needs to know of the journal, taken while nothing is appended. */
struct journal_fold_job {
    struct journal *journal;
    struct snapshot *snapshot; /**< At whose revision the journal was rotated. One reference. */
    uint32_t *numbers;         /**< Highest numbers given, by the units' rank. Owned. */
};

/** Prepare a fold. @param[out] job To be ended with journal_fold_end(). */
enum outcome journal_fold_begin(struct journal *journal, const struct snapshot *snapshot,
                                struct journal_fold_job *job, struct error *err);

/** Write the snapshot and drop the journals that it covers. May run beside journal_append(). */
enum outcome journal_fold(struct journal_fold_job *job, struct error *err);

/** Free what the job owns. */
void journal_fold_end(struct journal_fold_job *job);

/** Close and unlock; NULL is legal. */
void journal_close(struct journal *journal);

#endif
