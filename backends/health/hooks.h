/*
 * Hooks: commands of the operator that are run when something has changed.
 *
 * A few run at once and the others wait for their turn, so that ten thousand changes do not make
 * ten thousand processes. One that takes too long is ended with its process group. Core thread.
 */
#ifndef NORIA_HEALTH_HOOKS_H
#define NORIA_HEALTH_HOOKS_H

#include <stdbool.h>
#include <uv.h>

struct hooks;

/** Arguments of ours at most, and variables of the environment. */
#define HOOK_ARGUMENTS_MAX 8
#define HOOK_VARIABLES_MAX 16

/** What is to be run. Texts are borrowed for the call. */
struct hook_order {
    const char *line; /**< The program and arguments of its own; NULL: nothing happens. */
    const char *user; /**< As whom; NULL: as the agent. */
    const char *arguments[HOOK_ARGUMENTS_MAX + 1]; /**< What follows. Ended by NULL. */
    struct hook_variable {
        const char *name, *value;        /**< Value NULL: it is left out. */
    } variables[HOOK_VARIABLES_MAX + 1]; /**< Beside PATH. Ended by the name NULL. */
};

/** Begin. @return NULL for want of memory. */
struct hooks *hooks_new(uv_loop_t *loop);

/** End, once all that was asked for has been run, or ten seconds later. NULL is legal. */
void hooks_free(struct hooks *hooks);

/** Whether a user is known on this node, so that commands can be run as it. */
bool hook_user_known(const char *name);

/** Run a command, soon. What goes wrong is logged. */
void hook_run(struct hooks *hooks, const struct hook_order *order);

#endif
