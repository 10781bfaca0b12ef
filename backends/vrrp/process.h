/*
 * The keepalived that speaks VRRP for the agent: found, started, watched, reloaded, ended.
 *
 * It is a session leader of its own and outlives the agent: the next agent finds it by its file of
 * process identifiers and goes on with it. If it ends by itself it is started again, later and
 * later while it does not stay up. Core thread.
 */
#ifndef NORIA_VRRP_PROCESS_H
#define NORIA_VRRP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

/** The process, from the backend's start to its stop. */
struct vrrp_process {
    uv_loop_t *loop;
    const char *folder; /**< Of its files. Borrowed. */
    /** It runs, or does not and why: a text. Core thread. */
    void (*changed)(struct vrrp_process *process, const char *reason);
    void *arg;

    bool wanted;       /**< It is to run. */
    bool looked;       /**< Whether one runs that an agent before this one has started. */
    pid_t pid;         /**< 0: it does not. */
    bool ending;       /**< It was told to end. */
    int64_t since;     /**< When it was started or found, in nanoseconds since 1970 UTC. */
    uint32_t restarts; /**< How often it was started again. */
    unsigned failures; /**< Ends in a row without having stayed up. */
    bool reload_due;   /**< As soon as it can take a signal. */
    bool account_due;  /**< Likewise, and when the last reload is over. */
    uint64_t settled;  /**< When that is, on the loop's clock. */
    uv_poll_t *exit;   /**< On a pidfd: it has ended. NULL: it does not run. */
    int pidfd;         /**< Or -1. */
    struct vrrp_program *version; /**< That is being asked for, or NULL. */
    bool usable;                  /**< The keepalived that is installed is new enough. */
    uv_timer_t again;             /**< Until the next attempt, or until it can take a signal. */
    void (*closed)(void *arg);    /**< See vrrp_process_close(). */
};

/** Prepare; the members up to arg are set. @return false if the loop has no room. */
bool vrrp_process_open(struct vrrp_process *process);

/**
 * Let it run from now on: one that runs already with our configuration is taken over.
 * @return Whether it ran before, and so has not read the configuration as it is now.
 */
bool vrrp_process_want(struct vrrp_process *process);

/** Have it read its configuration again. */
void vrrp_process_reload(struct vrrp_process *process);

/** Have it write an account of its instances (dump.h). */
void vrrp_process_account(struct vrrp_process *process);

/** End it: it gives its addresses up. */
void vrrp_process_end(struct vrrp_process *process);

/** Let it run on without the agent. @param closed Called when the handles are closed. */
void vrrp_process_close(struct vrrp_process *process, void (*closed)(void *arg));

#endif
