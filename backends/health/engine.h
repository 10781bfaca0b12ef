/*
 * The engine of the health checks: what all of them share.
 *
 *     virtual server ── real server ── check ──┐
 *     virtual server ── real server ── check ──┴── probe ── checker (tcp, http, ...)
 *       (service.h)      (server.h)                (probe.h)   (check.h)
 *
 * A probe runs a check and tells its subscribers the result; each of them counts retries
 * (verdict.h). What the checks of a real server come to goes to the steering (agent/steering), and
 * to those who listen to events; the sum of those that serve makes the quorum.
 *
 * A commit builds new services beside the old ones (prepare), swaps them (apply), or swaps them
 * back (revert). What is the same in both is carried over: a probe that both have goes on running.
 *
 * The core thread does everything and never blocks; there is no thread and no process per check.
 * Readers (state.c) look at services, servers and results under the lock, on any thread; so the
 * core thread takes it where it changes what they read, and nowhere else.
 */
#ifndef NORIA_HEALTH_ENGINE_H
#define NORIA_HEALTH_ENGINE_H

#include "agent/steering/steering.h"
#include "backends/backend.h"
#include "backends/health/addresses.h"
#include "backends/health/beat.h"
#include "backends/health/check.h"
#include "backends/health/hooks.h"
#include "backends/health/poller.h"
#include "backends/health/table.h"
#include "backends/health/timers.h"

/** How long lateness is counted together, in nanoseconds. */
#define HEALTH_LATENESS_WINDOW (10 * HEALTH_SECOND)

/** Classes of lateness, each this many microseconds wide; the last one has all the rest. */
#define HEALTH_LATENESS_WIDTH 500
#define HEALTH_LATENESS_CLASSES 1024

/** How the engine gets along. */
struct health_figures {
    uint64_t runs, failures, unable;
    /** Runs by their lateness, of two windows of time: that which is now, and the one before. */
    uint64_t late[2][HEALTH_LATENESS_CLASSES];
    uint64_t window;   /**< When the window began (uv_hrtime()). */
    uint64_t late_max; /**< Microseconds. */
    unsigned probes, running;
};

struct health_probe;

/** Probes that are due and wait for others to end, in order. */
struct health_queue {
    struct health_probe *first, *last;
    unsigned admitted; /**< Have left the queue and not yet begun. */
};

/** Checkers at most. */
#define HEALTH_CHECKERS_MAX 64

/** What all runs of one checker share. */
struct health_share {
    const struct checker *checker; /**< NULL: this one and those behind it are free. */
    void *data;                    /**< The checker's own. */
};

/** The engine. */
struct health_engine {
    struct backend *backend;
    struct health_beat beat; /**< What time it is. */
    struct health_poller *poller;
    struct health_timers *timers;
    struct hooks *hooks;
    struct announcements *announcements;
    struct health_fifos *fifos; /**< NULL until the backend has begun. Owned. */
    struct text_table probes;   /**< By their texts. */
    struct text_table services; /**< By name; guarded by lock. */
    uv_mutex_t lock;
    struct health_figures figures; /**< Guarded by lock. */
    unsigned running_max;          /**< Runs at once, by the descriptors. */
    struct health_queue queue;
    uint64_t spread; /**< Where the next first run is put. */
    struct health_share shared[HEALTH_CHECKERS_MAX];
    uint64_t lacked; /**< When a run last could not be begun (uv_hrtime()); 0: not lately. */
    struct address_watch *addresses;   /**< NULL until a service asks for it. */
    bool addresses_unknown;            /**< They cannot be watched; told once. */
    struct steering_follower follower; /**< Told of orders. */
};

/** Make an engine. @return NULL for want of memory or descriptors. */
struct health_engine *health_engine_new(struct backend *backend);

/** The agent has started: an alarm about the engine is of an earlier one. */
void health_engine_begin(struct health_engine *engine);

/** Free it; services and probes must be gone. NULL is legal. */
void health_engine_free(struct health_engine *engine);

/** What all runs of a checker share, begun if it is not yet. @return Whether it is there. */
bool health_engine_share(struct health_engine *engine, const struct checker *checker,
                         void **shared);

/** Note that descriptors were used up by as many runs as there are: fewer run at once for a while.
 */
void health_engine_crowded(struct health_engine *engine);

/** Note that a run could not be begun, or that it could again. Raises or clears the alarm. */
void health_engine_lacks(struct health_engine *engine, const char *error);

#endif
