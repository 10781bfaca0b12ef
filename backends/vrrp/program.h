/*
 * A program that is run to its end, within a time, for what it says. Core thread.
 */
#ifndef NORIA_VRRP_PROGRAM_H
#define NORIA_VRRP_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

/** What has become of it. */
struct vrrp_ran {
    int spawned;      /**< 0, or an error as libuv has them: it could not be run. */
    int64_t status;   /**< Its exit status. */
    int signal;       /**< That ended it, or 0. */
    bool late;        /**< It did not end in time, and was ended. */
    const char *said; /**< On standard error; so much of it as there was room for. */
};

struct vrrp_program;

/**
 * Run a program.
 * @param arguments Its name, found by PATH, and its arguments, ended by NULL. Copied by the kernel.
 * @param limit_ms After which it is ended.
 * @param done Called once: from the loop when it has ended; ran is NULL if it was forgotten.
 * @return NULL for want of memory, and done() is not called; else it frees itself after done().
 */
struct vrrp_program *vrrp_program_run(uv_loop_t *loop, char **arguments, uint64_t limit_ms,
                                      void (*done)(void *arg, const struct vrrp_ran *ran),
                                      void *arg);

/** Nobody waits for it any more: done() is called now, without a result. NULL is legal. */
void vrrp_program_forget(struct vrrp_program *program);

#endif
