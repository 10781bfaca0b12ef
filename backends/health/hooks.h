/*
 * Hooks: commands of the operator that are run when something has changed.
 *
 * A few run at once and the others wait for their turn, so that ten thousand changes do not make
 * ten thousand processes. One that takes too long is ended with its process group. Core thread.
 */
#ifndef NORIA_HEALTH_HOOKS_H
#define NORIA_HEALTH_HOOKS_H

#include <uv.h>

struct hooks;

/** Arguments of a hook at most, without the program. */
#define HOOK_ARGUMENTS_MAX 8

/** Begin. @return NULL for want of memory. */
struct hooks *hooks_new(uv_loop_t *loop);

/** End, once all that was asked for has been run. NULL is legal. */
void hooks_free(struct hooks *hooks);

/**
 * Run a command, soon. What goes wrong is logged.
 * @param path The program; NULL: nothing happens.
 * @param arguments Ended by NULL; copied.
 */
void hook_run(struct hooks *hooks, const char *path, const char *const *arguments);

#endif
