/*
 * One reading of a director's whole table, shared by all readers until it is too old: reading costs
 * one dump within the age limit, however many read. The first who needs one makes it; others who
 * come meanwhile wait for it. The kernel adds its counters up every two seconds, so that to read
 * more often says nothing new.
 *
 * Any thread; a lock guards it, which is not held while the kernel is read.
 */
#ifndef NORIA_IPVS_CACHE_H
#define NORIA_IPVS_CACHE_H

#include <stdatomic.h>

#include "backends/ipvs/service.h"

struct ipvs_pool;

/** A reading; constant. Its services have their destinations, sorted. Counted by reference. */
struct ipvs_reading {
    atomic_uint refs;
    struct ipvs_table table;
    struct ipvs_index index; /**< Of the table. */
    uint64_t time;           /**< When it was begun, as uv_hrtime() has it. */
    uint64_t generation;     /**< Of the table, when it was begun. */
};

/** The last reading of a director. */
struct ipvs_cache;

/** Make a cache that has nothing. @param pool Borrowed. @return NULL for want of memory. */
struct ipvs_cache *ipvs_cache_new(struct ipvs_pool *pool);

/** Free a cache that nobody uses; NULL is legal. */
void ipvs_cache_free(struct ipvs_cache *cache);

/** The table was, or may have been, changed: who asks from now on gets a new reading. */
void ipvs_cache_expire(struct ipvs_cache *cache);

/**
 * A reading that is no older than a limit, made if there is none.
 * @param limit In nanoseconds.
 * @param[out] reading To be given back with ipvs_reading_unref().
 * @return 0 or an errno as of ipvs_pool_take() or ipvs_read_services().
 */
int ipvs_cache_read(struct ipvs_cache *cache, uint64_t limit, struct ipvs_reading **reading);

/** A reading that is there and no older than a limit, or NULL; the kernel is not asked. */
struct ipvs_reading *ipvs_cache_peek(struct ipvs_cache *cache, uint64_t limit);

/** Give a reading back; NULL is legal. */
void ipvs_reading_unref(struct ipvs_reading *reading);

#endif
