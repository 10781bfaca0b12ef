/*
 * Functions that other threads want run on the core thread.
 */
#ifndef NORIA_CALLS_H
#define NORIA_CALLS_H

#include <stdbool.h>
#include <uv.h>

/** The functions that wait. Any thread adds, the core thread runs them. */
struct calls {
    uv_async_t wake;    /**< Tells the core thread that some have come. */
    uv_mutex_t lock;    /**< Guards the two that follow. */
    struct call *first; /**< Newest first. */
    bool closed;        /**< No more are taken. */
};

/** Before everything else. Core thread; the calls stay where they are. */
void calls_begin(struct calls *calls, uv_loop_t *loop);

/**
 * Have a function run on the core thread, soon. Any thread.
 * @return Whether it will be run; false once they are closed.
 */
bool calls_post(struct calls *calls, void (*function)(void *arg), void *arg);

/** Take no more, and run those that wait. Core thread; again is no harm. */
void calls_close(struct calls *calls);

/** Close the handle on the loop, which is still to run. After calls_close(). */
void calls_end(struct calls *calls);

/** Free the rest, after the loop. */
void calls_destroy(struct calls *calls);

#endif
