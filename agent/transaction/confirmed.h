/*
 * Confirmed commits (RFC 6241, 8.4): a commit that is taken back unless it is confirmed in time.
 *
 * There is at most one. What running is to become again is kept in the file 'confirm' of the state
 * folder (stored.h) from before the commit is durable until it is confirmed or taken back, so that
 * no crash can make it permanent; configuration_load() looks for it at the start. While one is
 * pending, running is changed by it alone: other commits and edits are refused, since they would be
 * taken back with it.
 *
 * State belongs to the core thread; it changes in the hooks of transactions, in their order.
 */
#ifndef NORIA_TRANSACTION_CONFIRMED_H
#define NORIA_TRANSACTION_CONFIRMED_H

#include "agent/transaction/transaction.h"

struct confirmed;

/** What a commit says of confirmation. */
struct commit_terms {
    bool confirmed;         /**< It is to be confirmed by a later one. */
    uint32_t timeout;       /**< Seconds until it is taken back. */
    const char *persist;    /**< Token with which any session may confirm; NULL: this session. */
    const char *persist_id; /**< Token of the pending one, or NULL. */
};

/** The part that a change of running plays; a plain value of its owner. */
struct confirmed_part {
    struct confirmed *confirmed;
    const struct commit_terms *terms; /**< NULL: an edit, not a commit. Borrowed. */
    uint32_t session;
    bool nothing_new; /**< A commit of a candidate that has no edits. */
    bool locks;       /**< It changes nothing, and locks running for the session. */
    int role;         /**< For confirmed.c alone, as those that follow. */
    char *persist;
    bool stuck;
};

/** Begin without a pending one. Core thread. */
enum outcome confirmed_new(struct agent *agent, struct confirmed **confirmed, struct error *err);

/** End the timer; the loop must run out before confirmed_free(). NULL is legal. Core thread. */
void confirmed_close(struct confirmed *confirmed);

/** Free it, when no transaction runs; NULL is legal. */
void confirmed_free(struct confirmed *confirmed);

/**
 * Let a change of running be governed by what is pending. Any thread.
 * @param part Filled in up to locks; lives as long as the request, ended by
 *        confirmed_part_clear().
 */
enum outcome confirmed_govern(struct confirmed_part *part, struct transaction_request *request,
                              struct error *err);

/** Free what a part owns. */
void confirmed_part_clear(struct confirmed_part *part);

/** A session is gone: what it did and nobody else may confirm is taken back. Core thread. */
void confirmed_session_ended(struct confirmed *confirmed, uint32_t session);

/** Somebody who waits for a cancel-commit. */
struct confirmed_cancel {
    struct confirmed *confirmed;
    uint32_t session;
    const char *persist_id; /**< May be NULL. */
    /** The outcome. Core thread. */
    void (*done)(struct confirmed_cancel *cancel, enum outcome outcome, struct error *err);
    void *arg;
};

/** Take the pending one back now. Core thread. */
void confirmed_cancel(struct confirmed_cancel *cancel);

#endif
