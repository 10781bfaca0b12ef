/*
 * The kernel's IPVS in one network namespace as an engine: whether it is there, and what is done
 * to it. A director is an engine at work (directors.h).
 *
 * All here belongs to the core thread but what is said to have a lock of its own.
 */
#ifndef NORIA_IPVS_ENGINE_H
#define NORIA_IPVS_ENGINE_H

#include <stdatomic.h>

#include "backends/backend.h"
#include "backends/ipvs/cache.h"
#include "backends/ipvs/drift.h"
#include "backends/ipvs/kernel.h"
#include "backends/ipvs/namespace.h"
#include "backends/ipvs/netlink.h"
#include "backends/ipvs/pool.h"
#include "backends/ipvs/since.h"

struct ipvs_directors;

/** How an engine fares. */
struct ipvs_status {
    bool up;
    char *reason;          /**< Why it is down, or NULL. Owned. */
    int64_t last_change;   /**< Of up, in nanoseconds since 1970 UTC; 0: not known yet. */
    struct ipvs_info info; /**< What the kernel said when it last came up. */
};

/** One director's engine. Counted by reference: readers keep it while they read. */
struct ipvs_engine {
    atomic_uint refs;
    struct backend *backend;
    struct ipvs_directors *directors; /**< Whose it is. */
    char *name;                       /**< Name of the director. Constant. Owned. */
    char *path;                       /**< Of its namespace; NULL: our own. Constant. Owned. */
    struct ipvs_socket *sock;         /**< NULL while the engine is down. Owned. */
    struct ipvs_namespace_id id;      /**< Where the socket is. */
    bool absent;  /**< There is no such namespace now, so nothing to be changed there. */
    bool member;  /**< It is in the set of directors. */
    bool leaving; /**< A transaction at work takes it out of the set. */
    struct ipvs_since *since;         /**< Since when the kernel counts; any thread. Owned. */
    struct ipvs_pool *pool;           /**< Sockets of the readers; any thread. Owned. */
    struct ipvs_cache *cache;         /**< The last reading of the table; any thread. Owned. */
    struct ipvs_placement *placement; /**< Its virtual addresses. Owned. */
    struct ipvs_drift *drift;         /**< Compares the table again and again. Owned. */
    uv_timer_t retry;     /**< Runs while the engine is down, or something is missing. */
    uv_timer_cb again;    /**< What it does: it connects the director (director.h). Constant. */
    size_t missing;       /**< Operations of the last reconciliation that failed. */
    uint64_t patience_ms; /**< Until those are tried again. */
    uint64_t generation;  /**< Rises when the kernel's table is changed beside transactions. */
    uv_mutex_t lock;      /**< Guards what follows. */
    struct ipvs_status status;
    struct ipvs_drift_counts drift_counts;
};

/** The name of the director that needs no configuration. */
#define IPVS_MAIN "main"

/**
 * Make an engine; it is down and does nothing.
 * @param path Of its namespace, taken, also on failure; NULL: our own.
 * @param again What is to be done when it is time to bring it up; the timer's data is the engine.
 * @return To be ended with ipvs_engine_close(); NULL for want of memory.
 */
struct ipvs_engine *ipvs_engine_new(struct ipvs_directors *directors, const char *name, char *path,
                                    uv_timer_cb again);

/** One more reference. Any thread. @return The engine. */
struct ipvs_engine *ipvs_engine_ref(struct ipvs_engine *engine);

/** Give a reference back; the last one frees the engine. Any thread; NULL is legal. */
void ipvs_engine_unref(struct ipvs_engine *engine);

/** End an engine, and give the maker's reference back; the kernel's services go on. NULL is legal.
 */
void ipvs_engine_close(struct ipvs_engine *engine);

/** Close the sockets. */
void ipvs_engine_drop(struct ipvs_engine *engine);

/** Give the sockets up, set the status down for a reason, and begin to retry. */
void ipvs_engine_down(struct ipvs_engine *engine, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** The same after an error in reading. */
void ipvs_engine_lost(struct ipvs_engine *engine, int error);

/** Set the status up, now that the kernel holds what is configured. */
void ipvs_engine_ready(struct ipvs_engine *engine);

/**
 * Raise the alarm of a director that is down, or clear it; nothing happens for an engine that is
 * not in the set.
 */
void ipvs_engine_tell(struct ipvs_engine *engine);

/** There is no director of its name any more: clear the alarm. */
void ipvs_engine_tell_gone(struct ipvs_engine *engine);

/** Whether the engine is up. Any thread. */
bool ipvs_engine_is_up(struct ipvs_engine *engine);

/** Fail for an engine that is down, with its reason. @return FAILED. */
enum outcome ipvs_engine_fail(struct ipvs_engine *engine, struct error *err);

/** ipvs_engine_read() of all services of a table. */
int ipvs_engine_read_desired(struct ipvs_engine *engine, const struct ipvs_table *desired,
                             struct ipvs_table *held);

/**
 * Read services with their destinations from the kernel.
 * @param ids Which; sorted in place. Those that are not there are left out.
 * @param[out] held To be freed with ipvs_table_clear(), also after an error.
 * @return 0 or an errno, after which the socket is to be given up.
 */
int ipvs_engine_read(struct ipvs_engine *engine, struct ipvs_service_id *ids, size_t count,
                     struct ipvs_table *held);

/**
 * Do operations, write each into the debug log and note since when the kernel counts.
 * @return As ipvs_run(); ENOTCONN, and nothing is done, if the engine has lost its socket.
 */
int ipvs_engine_run(struct ipvs_engine *engine, struct ipvs_operations *operations, bool go_on);

#endif
