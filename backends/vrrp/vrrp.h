/*
 * The inside of the VRRP backend, for its files.
 *
 *     configuration ──generate──► keepalived.conf ──trial──► rename, SIGHUP ──► keepalived
 *     state of instances ◄──notice── FIFO ◄─────────────────────────────────────────┘
 *     orders, quorums ──► tracked files ──────────────────────────────────────────► │
 *
 * Core thread, but for the states, which have a lock.
 */
#ifndef NORIA_VRRP_VRRP_H
#define NORIA_VRRP_VRRP_H

#include "agent/steering/standing.h"
#include "agent/steering/steering.h"
#include "backends/vrrp/generate.h"
#include "backends/vrrp/process.h"
#include "backends/vrrp/states.h"

/** Name of the backend. */
#define VRRP_BACKEND "vrrp"

/** The backend's data. */
struct vrrp {
    struct backend *backend;
    char *folder;             /**< Of the files. Owned. */
    struct snapshot *running; /**< What keepalived was last told. One reference. */
    struct vrrp_memo memo;    /**< What was generated last. */
    unsigned trials;          /**< Numbers the files that are tried. */
    struct vrrp_process process;
    struct vrrp_states states;
    struct vrrp_lines lines;
    int fifo; /**< Or -1. */
    uv_poll_t listen;
    uv_fs_event_t watch;    /**< On the folder: an account has come. */
    uv_timer_t account_due; /**< When an account is asked for although nobody reads. */
    unsigned unanswered;    /**< How many times in a row it was asked for in vain. */
    uv_timer_t order_due;   /**< When the next order ends. */
    uv_timer_t rival_over;  /**< When it is looked whether other masters are gone. */
    unsigned handles;       /**< That are to be closed at the end. */
    struct steering_follower follower;
    struct standing_follower standing;
    struct vrrp_storing *storing; /**< Orders that are being stored, the first of them now. */
    int alive;                    /**< Held while the agent is (own.h), or -1. */
};

/** What a transaction will do. */
struct vrrp_plan {
    struct vrrp *vrrp;
    struct backend_step *step;
    struct vrrp_text text; /**< For keepalived. */
    enum outcome outcome;  /**< Of its generation, with the error, while keepalived tries a part. */
    struct error error;
    char *tried; /**< The file that keepalived tries. Owned. */
};

/* prepare.c: the first half of a transaction. As in struct backend_ops. */

void vrrp_prepare(struct backend *backend, struct backend_step *step);
void vrrp_release(struct backend *backend, void *plan);

/* fifo.c */

/** Make the FIFO if it is missing, and listen to it. @return false with errno. */
bool vrrp_fifo_open(struct vrrp *vrrp);

/** Listen no more; the handle is being closed. */
void vrrp_fifo_close(struct vrrp *vrrp, void (*closed)(uv_handle_t *handle));

/* account.c */

/** Be ready for keepalived's accounts of itself. */
void vrrp_account_open(struct vrrp *vrrp);

/** Somebody reads counters: have them renewed if they are old. Any thread. */
void vrrp_account_wanted(struct vrrp *vrrp);

/* notices.c */

/** An instance or a group has another state: tell it, and its cause. */
void vrrp_tell(struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before);

/** An instance or a group is not configured any more: its alarms end. */
void vrrp_tell_gone(struct vrrp *vrrp, const struct vrrp_item *item);

/** keepalived has ended: no instance takes part any more, which is told. */
void vrrp_tell_end(struct vrrp *vrrp);

/* masters.c */

/** An instance has another state, says the FIFO: find out why. */
void vrrp_masters_changed(struct vrrp *vrrp, struct vrrp_item *item);

/**
 * An account of an instance has come: tell why it is master, if that was not known yet, and errors.
 * @param before What was counted before; NULL: not known.
 */
void vrrp_masters_counted(struct vrrp *vrrp, const struct vrrp_dumped *dumped,
                          const struct vrrp_counters *before);

/* rivals.c */

/** Be ready for other masters. */
void vrrp_rivals_open(struct vrrp *vrrp);

/** An instance that is master hears another one: raise the alarm until none is heard for a while.
 */
void vrrp_rival_heard(struct vrrp *vrrp, const char *instance);

/* orders.c */

/** Read the orders that are stored. */
void vrrp_orders_load(struct vrrp *vrrp);

/** Put all orders into their files; orders whose time has come end. */
void vrrp_orders_write(struct vrrp *vrrp);

/** Store them, soon. */
void vrrp_orders_store(struct vrrp *vrrp);

/** Wait until all are stored that are to be. */
void vrrp_orders_finish(struct vrrp *vrrp);

/** The actions of instances. */
void vrrp_fail_over(struct backend *backend, struct backend_call *call);
void vrrp_override_priority(struct backend *backend, struct backend_call *call);
void vrrp_resume(struct backend *backend, struct backend_call *call);

#endif
