/*
 * The poller: watches the descriptors of checks.
 *
 * A second epoll instance inside the event loop's own. A run of a check costs one epoll_ctl(2), and
 * nothing is allocated; libuv's handles would cost three and a closing callback. Core thread.
 */
#ifndef NORIA_HEALTH_POLLER_H
#define NORIA_HEALTH_POLLER_H

#include <stdint.h>
#include <uv.h>

struct health_beat;
struct health_poller;

/** A descriptor that is watched; a part of whoever watches it. */
struct health_watch {
    int fd; /**< Or -1: nothing is watched. */
    /** @param events EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP (epoll_ctl(2)). */
    void (*ready)(struct health_watch *watch, uint32_t events);
    void *arg; /**< The watcher's own. */
};

/** Begin. @param beat Outlives it. @return NULL for want of memory or descriptors. */
struct health_poller *health_poller_new(uv_loop_t *loop, struct health_beat *beat);

/** End; what is freed is freed while the loop runs out. NULL is legal. */
void health_poller_free(struct health_poller *poller);

/**
 * Take in what has happened already. To be called before time-outs are acted on: if the thread was
 * held up, an answer that is there must not be taken for one that did not come.
 */
void health_poller_drain(struct health_poller *poller);

/** Watch watch->fd. @return 0 or an errno. */
int health_watch_start(struct health_poller *poller, struct health_watch *watch, uint32_t events);

/** Watch for other events. @return 0 or an errno. */
int health_watch_change(struct health_poller *poller, struct health_watch *watch, uint32_t events);

/** Leave out events that were fetched already: they are of what the descriptor was before. */
void health_watch_forget(struct health_poller *poller, const struct health_watch *watch);

/** Watch no more; the descriptor stays open and the watch may be freed. */
void health_watch_stop(struct health_poller *poller, struct health_watch *watch);

/**
 * Close the descriptor, which must not have been duplicated, and so watch it no more.
 * Nothing happens if there is none.
 */
void health_watch_close(struct health_poller *poller, struct health_watch *watch);

#endif
