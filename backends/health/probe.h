/*
 * A probe: one check of one address, run again and again for all who want to know.
 *
 * Checks that ask the same of the same address at the same times are one probe, however many
 * virtual servers have them: probes are told apart by a text that holds all of that. Core thread,
 * but for the results, which health_engine.lock guards.
 */
#ifndef NORIA_HEALTH_PROBE_H
#define NORIA_HEALTH_PROBE_H

#include "backends/health/check.h"
#include "backends/health/latency.h"
#include "backends/health/timers.h"

struct health_engine;
struct health_probe;

/** When a probe runs; nanoseconds. */
struct probe_timing {
    uint64_t interval;
    uint64_t timeout;
    uint64_t retry; /**< In place of interval while a subscriber's verdict may change. */
};

/** How a run ended, for subscribers. */
struct probe_result {
    enum check_ending ending;
    int32_t weight;    /**< That the real server is to have, or CHECK_WEIGHT_NONE. */
    int32_t adjust;    /**< What is to be added to its weight. */
    uint64_t latency;  /**< Nanoseconds. */
    const char *error; /**< Or NULL. Borrowed for the call. */
};

/** Who wants to know; a part of whoever does. */
struct probe_subscriber {
    struct health_probe *probe; /**< Acquired, or NULL. */
    struct probe_subscriber *next, **link;
    uint64_t warmup; /**< The first run is spread over this time. */
    /**
     * Take a result in; not for CHECK_UNABLE. Must neither subscribe nor unsubscribe.
     * @return Whether the next one is wanted soon (timing.retry).
     */
    bool (*noted)(struct probe_subscriber *subscriber, const struct probe_result *result);
};

/** Results of a probe, guarded by health_engine.lock. */
struct probe_status {
    int64_t last_run;       /**< Nanoseconds since 1970 UTC; 0: none yet. */
    struct latency latency; /**< Of runs that were passed. */
    uint64_t runs, failures;
    int64_t counting_since; /**< Since when those are counted, in nanoseconds since 1970 UTC. */
    char *error;            /**< Of the last failure, or NULL. Owned. */
};

/** What a probe is made of. */
struct probe_wish {
    const struct checker *checker;
    struct check_target target;
    struct probe_timing timing;
    const struct lyd_node *config; /**< The checker's container. */
    /* As configured; see struct check_job. */
    const char *server, *server_port, *virtual_name, *virtual_address, *virtual_port;
};

/**
 * The probe for a wish: one that is there, or a new one. It runs when somebody subscribes.
 * @param[out] probe To be given back by probe_release().
 */
enum outcome probe_acquire(struct health_engine *engine, const struct probe_wish *wish,
                           struct health_probe **probe, struct error *err);

/** Give a probe back; the last one frees it. NULL is legal. */
void probe_release(struct health_probe *probe);

/** Be told of results from now on. */
void probe_subscribe(struct probe_subscriber *subscriber);

/** Be told no more; nothing happens if it was not subscribed. */
void probe_unsubscribe(struct probe_subscriber *subscriber);

/** Its results; to be read under the lock. */
const struct probe_status *probe_status(const struct health_probe *probe);

#endif
