/*
 * The inside of steering: what its files share.
 */
#ifndef NORIA_STEERING_INTERNAL_H
#define NORIA_STEERING_INTERNAL_H

#include <uv.h>

#include "agent/agent.h"
#include "agent/steering/standing.h"
#include "agent/steering/store.h"

/** Who waits for an order to be on stable storage. */
struct steering_waiter {
    char *virtual_server; /**< Owned, as the address. */
    char *address;
    uint16_t port;
    struct steering_order before, after;
    bool failed; /**< The order could not be put, for want of memory. */
    void (*done)(void *arg, enum outcome outcome, struct error *err);
    void *arg;
    struct steering_waiter *next;
};

/** Waiters in the order in which they came. */
struct steering_waiters {
    struct steering_waiter *first, **last;
};

/** What is written, on a helper thread. */
struct steering_write {
    uv_work_t work;
    bool running;
    int folder;
    char *orders, *verdicts; /**< Contents, or NULL: that file stays. Owned. */
    size_t orders_size, verdicts_size;
    struct steering_waiters waiters; /**< Those who wait for the orders in it. */
    enum outcome orders_outcome, verdicts_outcome;
    struct error error; /**< Of the orders. */
};

/** Something that holds just now (standing.h). */
struct standing_fact {
    enum standing_kind kind;
    char *name; /**< Owned. */
    int value;
};

/** All of that. */
struct standing {
    struct standing_fact *facts; /**< Owned. */
    size_t count, room;
    struct standing_follower *followers;
};

/** Free what it owns, and empty it. */
void standing_clear(struct standing *standing);

/** The service. All belongs to the core thread but the table, which the lock guards for readers. */
struct steering {
    struct agent *agent;
    uv_mutex_t lock;
    struct steering_table table; /**< Written by the core thread alone, so it reads unlocked. */
    int folder;
    uv_idle_t turn;         /**< Runs once at the beginning of the next turn of the loop. */
    uv_idle_cb on_turn;     /**< What it does (life.c). Constant. */
    uv_timer_t verdict_due; /**< Runs while verdicts are to be stored. */
    uv_timer_t order_due;   /**< Runs while an order is to end by itself. */
    int64_t next_end;       /**< When the first of them ends, or 0. */
    struct steering_service *changed;
    uint64_t generation; /**< Rises with every change that is told. */
    struct steering_follower *followers;
    struct standing standing;
    struct steering_waiters waiters; /**< Orders that are to be stored. */
    bool verdicts_changed;
    bool orders_changed; /**< Though nobody waits for it. */
    bool unconfirmed;    /**< Something in the table is. */
    bool stopping;
    struct steering_write write;
    int handles; /**< That are not closed yet. */
};

/* changes.c */

/** Have what has changed told, and what is to be stored written, in the next turn of the loop. */
void steering_soon(struct steering *steering);

/** Note that something of a virtual server has changed. */
void steering_note(struct steering *steering, struct steering_service *service);

/** Tell those who follow what has changed. */
void steering_tell(struct steering *steering);

/** Remove what says nothing any more. Lock held. */
void steering_tidy(struct steering *steering, struct steering_record *record);

/* orders.c */

/** Begin to wait for the ends of the orders that were loaded. */
void steering_orders_begin(struct steering *steering);

/** Set an order in the table, and have it told. @return false for want of memory. */
bool steering_put_order(struct steering *steering, const struct steering_key *key,
                        const struct steering_order *order);

/** Tell those who waited for a write how it has ended; orders that it has not stored end. */
void steering_tell_waiters(struct steering *steering, struct steering_write *write);

/* writer.c */

/** Read the files. Damaged ones are logged, and what can be read of them is taken. */
enum outcome steering_load(struct steering *steering, struct error *err);

/** Note that verdicts are to be stored, in a few seconds. */
void steering_store_verdicts_later(struct steering *steering);

/** Begin to write what is to be stored, if nothing is being written. */
void steering_store_now(struct steering *steering, bool verdicts_too);

/** Write all that is to be stored, at once, on this thread; end what is under way. */
void steering_store_last(struct steering *steering);

/* forget.c */

/**
 * Forget what is not configured any more in running.
 * @param changes What has changed; NULL: look at all that is known.
 */
void steering_forget(struct steering *steering, const struct change_set *changes);

/** Forget what a transaction has ended, and bring its orders about: a transactions_follower. */
void steering_transaction_ended(struct agent *agent, const struct change_set *changes);

/* maintenance.c */

/** Bring the orders about that a transaction has configured; running shows it. */
void steering_maintain(struct steering *steering, const struct change_set *changes);

/** Bring the orders about that running has, after a start. */
void steering_maintain_all(struct steering *steering);

/* configured.c */

/** The node of a real server in a virtual server's, or NULL. Borrowed. */
const struct lyd_node *steering_configured_in(const struct lyd_node *server,
                                              const struct steering_key *key);

/** Whether the virtual server (without an address) or real server of a key is configured. */
bool steering_is_configured(const struct agent *agent, const struct steering_key *key);

/**
 * Whether something may be said of a key: it is configured, or may be at the end of the transaction
 * that runs.
 * @param[out] unconfirmed Whether it is the latter, which is noted.
 */
bool steering_is_known(struct steering *steering, const struct steering_key *key,
                       bool *unconfirmed);

/** The record of a key, made if it may be; NULL: what was said of it is dropped. */
struct steering_record *steering_record_for(struct steering *steering,
                                            const struct steering_key *key);

/** The key of a real server's node. Borrows from both. */
struct steering_key steering_key_of(const struct lyd_node *real, const char *virtual_server);

/** The order that a real server's node, or NULL, gives; kind NONE: it gives none. */
struct steering_order steering_order_in(const struct lyd_node *real);

/** Whether it and its virtual server are enabled, too. */
bool steering_is_enabled(const struct agent *agent, const struct steering_key *key);

#endif
