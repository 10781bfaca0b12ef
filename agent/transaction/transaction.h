/*
 * Transactions: how running changes from one snapshot to the next, in all backends or in none.
 *
 *     unique → prepare in each backend → apply in each → journal → running is the new snapshot
 *                     │ refused, failed      │ failed        │ failed
 *                     ▼                      ▼               ▼
 *                  release all        revert those that applied, in reverse order; release all
 *
 * In the order of submission, on the core thread; none of the steps blocks the thread. One at a
 * time up to the journal. The next is prepared and applied while the journal stores those before
 * it, and all that wait for the journal are stored at once.
 */
#ifndef NORIA_TRANSACTION_TRANSACTION_H
#define NORIA_TRANSACTION_TRANSACTION_H

#include "agent/agent.h"

struct transactions;
struct transaction_request;

/**
 * What goes on beside a change of running (confirmed.h). All are called, in this order, also where
 * nothing changes; none for a check.
 */
struct transaction_hooks {
    /**
     * Asked first: whether nothing may be stored together with it or run on top of it before it has
     * ended. If not, store, unstore and stored have nothing to do and are not called. Core thread.
     */
    bool (*alone)(const struct transaction_request *request);
    /** Its turn has come: may it be? Core thread. */
    enum outcome (*begin)(struct transaction_request *request, struct error *err);
    /** The engines have it and the journal is next. Failure takes the change back. Helper. */
    enum outcome (*store)(struct transaction_request *request, struct error *err);
    /** The journal failed: take back what store did. Helper. */
    void (*unstore)(struct transaction_request *request);
    /** The journal has it. Failure is the outcome of the request, but the change stays. Helper. */
    enum outcome (*stored)(struct transaction_request *request, struct error *err);
    /** It has ended, and running is published; only if begin said DONE. Core thread. */
    void (*ended)(struct transaction_request *request, enum outcome outcome);
};

/** What is asked of a transaction. The caller keeps it until finished() is called. */
struct transaction_request {
    struct snapshot *base;   /**< The newest snapshot when target was made. Borrowed. */
    struct snapshot *target; /**< Its entries are validated. Borrowed; snapshot_own() of it. */
    bool only_check;         /**< End after prepare: could it be done? */
    const char *user;        /**< Who asked, for the log. */
    const char *protocol;
    const struct transaction_hooks *hooks; /**< May be NULL. */
    void *hook;                            /**< Theirs. */
    const char *host;                      /**< Where from, or NULL. */
    uint32_t session;                      /**< NETCONF session-id, or 0. */

    /**
     * The engines have it, and the next target may be made from transactions_newest(). Not called
     * if it comes to its end before. Core thread. May be NULL.
     */
    void (*applied)(struct transaction_request *request);

    /**
     * The outcome. No transaction may be submitted from here. Core thread.
     * @param stale The newest snapshot is not base any more: nothing was done, make target anew.
     */
    void (*finished)(struct transaction_request *request, enum outcome outcome, bool stale,
                     struct error *err);
    void *arg;
};

/** Make the queue; running is what journal_load() gave. Core thread. */
enum outcome transactions_new(struct agent *agent, const struct snapshot *running,
                              struct transactions **transactions, struct error *err);

/**
 * What the engines hold, or will when what runs now has ended: running, and what is not stored yet.
 * Targets are made from it. Any thread. @return With one reference.
 */
struct snapshot *transactions_newest(struct transactions *transactions);

/**
 * Wait for one's turn to make a target and submit it. Those who take turns do not make each other's
 * targets stale, so that many who change running at once do not redo each other's work. Any thread
 * but the core's.
 */
void transactions_take_turn(struct transactions *transactions);

/** The turn is over: it is applied, or has ended. The thread that took it. */
void transactions_end_turn(struct transactions *transactions);

/** Submit a request. Core thread. */
void transactions_submit(struct transactions *transactions, struct transaction_request *request);

/**
 * What is told of the end of each transaction, before who asked for it is. Core thread.
 * @param changes What has changed in running, or NULL if nothing has; the transaction's.
 */
typedef void transactions_follower(struct agent *agent, const struct change_set *changes);

/** Have one follower told of each end from now on; NULL: none. Core thread. */
void transactions_follow(struct transactions *transactions, transactions_follower *follower);

/** Whether engines may have been told what running does not show, or not yet. Core thread. */
bool transactions_unsettled(const struct transactions *transactions);

/** Whether nothing is queued and nothing runs. Core thread. */
bool transactions_idle(const struct transactions *transactions);

/** Free the queue, when it is idle; NULL is legal. */
void transactions_free(struct transactions *transactions);

/**
 * A snapshot whose entries are all validated, from one that may be a candidate. Any thread.
 * Entries that turn out to be as they are in base are shared with it.
 * @param[out] valid With one reference.
 */
enum outcome transaction_validate(const struct schema *schema, const struct snapshot *base,
                                  const struct snapshot *target, struct snapshot **valid,
                                  struct error *err);

#endif
