/*
 * The inside of transactions, for the files that make them up.
 *
 *     waiting ──► running ──► applied ──► being stored ──► published
 *     (queue)     (steps)     (store.c: the journal writes all that wait at once)
 *
 * While some are being stored, the next one runs on top of what they applied: the newest snapshot,
 * which readers do not see yet. If the journal fails, all that was applied and is not stored is
 * taken back, newest first. Core thread, but where it is said.
 */
#ifndef NORIA_TRANSACTION_INTERNAL_H
#define NORIA_TRANSACTION_INTERNAL_H

#include "agent/datastore/journal.h"
#include "agent/datastore/references.h"
#include "agent/datastore/unique.h"
#include "agent/transaction/transaction.h"

/** One backend's part in a transaction. */
struct transaction_part {
    struct backend_step step;
    struct change_set changes;
    bool prepared, applied;
};

/** What a transaction is at. */
enum transaction_phase { PREPARING, APPLYING, STORING, REVERTING };

/** A transaction, from its submission to its end. */
struct transaction {
    struct transactions *queue;
    struct transaction_request *request;
    struct transaction *next;       /**< In the list that it is in. */
    struct snapshot *after;         /**< The target with its revision. One reference. */
    struct change_set changes;      /**< Owned. */
    struct transaction_part *parts; /**< As in agent->backends; those without changes are passed
                                         over. Owned. */
    size_t at;                      /**< The part whose step runs. */
    bool indexed;                   /**< The indexes have the change. */
    bool begun;                     /**< The hooks know of it. */
    bool alone;                     /**< Nothing else is stored with it or runs on top of it. */
    bool journaled;
    bool stale; /**< To be made anew: what it was made on top of is no more. */
    enum transaction_phase phase;
    enum outcome outcome;
    struct error error;
};

/** Transactions in order. */
struct transaction_list {
    struct transaction *first, *last;
};

/** All transactions. */
struct transactions {
    struct agent *agent;
    transactions_follower *follower; /**< Or NULL. */
    uv_mutex_t turn; /**< Who makes a target holds it until that is applied, or is not. */
    struct unique_index unique;
    struct reference_index references;
    struct transaction_list waiting;
    struct transaction *running;     /**< The one whose steps run, or NULL. */
    struct transaction_list applied; /**< They wait for the journal. */
    struct transaction_list writing; /**< The journal has them in hand. */
    struct transaction_list undoing; /**< The journal failed; the last one is reverted next. */
    bool failed;                     /**< There is something to be undone. */
    uv_mutex_t newest_lock;          /**< Guards the pointer that follows. */
    struct snapshot *newest;         /**< What the engines hold, stored or not. One reference. */
    uv_work_t store_work;
    bool stored; /**< The last attempt to store has worked, and no alarm says otherwise. */
    bool folding;
    uv_work_t fold_work;
    struct journal_fold_job fold;
};

/** Append to a list. */
void transaction_list_add(struct transaction_list *list, struct transaction *transaction);

/** Take the first of a list; NULL if it is empty. */
struct transaction *transaction_list_take(struct transaction_list *list);

/* transaction.c */

/** Begin the next transaction if it may run now. */
void transaction_start_next(struct transactions *queue);

/** Revert what a transaction applied, release its plans and end it. It is in no list. */
void transaction_undo(struct transaction *transaction);

/** End a transaction: release, publish or take out of the indexes, and tell who asked. Frees it. */
void transaction_finish(struct transaction *transaction);

/** Take another snapshot for the newest. */
void transactions_set_newest(struct transactions *queue, struct snapshot *newest);

/* store.c */

/** Whether anything waits for the journal or is in its hands. */
bool store_is_busy(const struct transactions *queue);

/** Whether what is stored now lets nothing run on top of it. */
bool store_wants_quiet(const struct transactions *queue);

/** Hand over an applied transaction, the newest; it is stored with all that wait by then. */
void store_add(struct transaction *transaction);

/** Go on taking back what could not be stored: the running transaction or one undone has ended. */
void store_undo_next(struct transactions *queue);

/* fold.c */

/** Fold the journal in the background if it has grown long. Nothing may be in the store's hands. */
void fold_if_long(struct transactions *queue);

#endif
