/*
 * The kernel's IPVS as the backend's engine: whether it is there, and what is done to it.
 *
 * All here belongs to the core thread but the times and the pool, which have locks of their own.
 */
#ifndef NORIA_IPVS_ENGINE_H
#define NORIA_IPVS_ENGINE_H

#include "backends/backend.h"
#include "backends/ipvs/kernel.h"
#include "backends/ipvs/pool.h"
#include "backends/ipvs/since.h"

/** The backend's own data. */
struct ipvs_engine {
    struct backend *backend;
    struct ipvs_socket *sock; /**< NULL while the kernel has no IPVS for us. Owned. */
    struct snapshot *running; /**< What the kernel is to hold. One reference. */
    struct ipvs_since *since; /**< Since when the kernel counts. Owned. */
    struct ipvs_pool *pool;   /**< Sockets of the readers. Owned. */
    uv_timer_t retry;         /**< Runs while the engine is down. */
    uint64_t generation;      /**< Rises when the kernel's table is changed beside transactions. */
    struct ipvs_steered *steered; /**< What follows steering. Owned. */
};

/**
 * Make an engine; it is down and does nothing.
 * @return To be freed with ipvs_engine_free(); NULL for want of memory.
 */
struct ipvs_engine *ipvs_engine_new(struct backend *backend, const struct snapshot *running);

/** Close an engine and free it while the loop runs out; the kernel's services go on. */
void ipvs_engine_free(struct ipvs_engine *engine);

/** Take what the kernel is to hold from now on; NULL is ignored. */
void ipvs_engine_set_running(struct ipvs_engine *engine, const struct snapshot *running);

/**
 * Bring the engine up: open a socket and make the kernel hold what the running configuration says.
 * Reports the backend up or down; while it is down, this is tried again every few seconds.
 */
void ipvs_engine_connect(struct ipvs_engine *engine);

/** Give the socket up after an error in reading, report the backend down, and begin to retry. */
void ipvs_engine_lost(struct ipvs_engine *engine, int error);

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
 * @return As ipvs_run().
 */
int ipvs_engine_run(struct ipvs_engine *engine, struct ipvs_operations *operations, bool go_on);

#endif
