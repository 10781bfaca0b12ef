/*
 * Datagrams that are sent again while no answer comes: after a time, then after twice that time,
 * and so on. Core thread.
 */
#ifndef NORIA_HEALTH_RESEND_H
#define NORIA_HEALTH_RESEND_H

#include <stdint.h>
#include <uv.h>

struct resend;

/**
 * Make one; it may be used for run after run.
 * @param again Sends; may call resend_stop(). Called with arg.
 * @return NULL for want of memory.
 */
struct resend *resend_new(uv_loop_t *loop, void (*again)(void *arg), void *arg);

/** Free it; NULL is legal. */
void resend_free(struct resend *resend);

/** Begin: again() is called after so many milliseconds for the first time. */
void resend_start(struct resend *resend, uint64_t first);

/** Stop; NULL is legal. */
void resend_stop(struct resend *resend);

#endif
