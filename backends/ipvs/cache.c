#include "backends/ipvs/cache.h"

#include <errno.h>
#include <stdlib.h>
#include <uv.h>

#include "backends/ipvs/kernel.h"
#include "backends/ipvs/netlink.h"
#include "backends/ipvs/pool.h"

struct ipvs_cache {
    struct ipvs_pool *pool;
    uv_mutex_t lock; /* guards what follows */
    uv_cond_t ended; /* a reading has */
    bool busy;       /* somebody reads */
    uint64_t generation;
    struct ipvs_reading *last; /* or NULL; one reference */
};

struct ipvs_cache *ipvs_cache_new(struct ipvs_pool *pool)
{
    struct ipvs_cache *cache = calloc(1, sizeof *cache);
    if (!cache)
        return NULL;
    cache->pool = pool;
    if (uv_mutex_init(&cache->lock) != 0) {
        free(cache);
        return NULL;
    }
    if (uv_cond_init(&cache->ended) != 0) {
        uv_mutex_destroy(&cache->lock);
        free(cache);
        return NULL;
    }
    return cache;
}

void ipvs_cache_free(struct ipvs_cache *cache)
{
    if (!cache)
        return;
    ipvs_reading_unref(cache->last);
    uv_cond_destroy(&cache->ended);
    uv_mutex_destroy(&cache->lock);
    free(cache);
}

void ipvs_reading_unref(struct ipvs_reading *reading)
{
    if (!reading || atomic_fetch_sub(&reading->refs, 1) != 1)
        return;
    ipvs_index_clear(&reading->index);
    ipvs_table_clear(&reading->table);
    free(reading);
}

static struct ipvs_reading *reading_ref(struct ipvs_reading *reading)
{
    atomic_fetch_add(&reading->refs, 1);
    return reading;
}

/* Give up what is held, too: who has it may go on, and nobody else will want it. */
void ipvs_cache_expire(struct ipvs_cache *cache)
{
    uv_mutex_lock(&cache->lock);
    cache->generation++;
    struct ipvs_reading *last = cache->last;
    cache->last = NULL;
    uv_mutex_unlock(&cache->lock);
    ipvs_reading_unref(last);
}

static int read_all(struct ipvs_cache *cache, struct ipvs_reading *reading)
{
    struct ipvs_lease lease;
    int error = ipvs_pool_take(cache->pool, &lease);
    if (error)
        return error;
    error = ipvs_read_table(lease.sock, &reading->table);
    ipvs_pool_give(cache->pool, &lease, error);
    if (!error && !ipvs_index_make(&reading->table, &reading->index))
        error = ENOMEM;
    return error;
}

/* What is held, if it may be used. The lock is held. */
static struct ipvs_reading *usable(struct ipvs_cache *cache, uint64_t limit)
{
    struct ipvs_reading *last = cache->last;
    bool fresh = last && last->generation == cache->generation && uv_hrtime() - last->time <= limit;
    return fresh ? reading_ref(last) : NULL;
}

struct ipvs_reading *ipvs_cache_peek(struct ipvs_cache *cache, uint64_t limit)
{
    uv_mutex_lock(&cache->lock);
    struct ipvs_reading *reading = usable(cache, limit);
    uv_mutex_unlock(&cache->lock);
    return reading;
}

/* Keep a new reading for others, unless the table was changed while it was made. */
static void keep(struct ipvs_cache *cache, struct ipvs_reading *reading)
{
    struct ipvs_reading *old = NULL;
    uv_mutex_lock(&cache->lock);
    if (reading && reading->generation == cache->generation) {
        old = cache->last;
        cache->last = reading_ref(reading);
    }
    cache->busy = false;
    uv_cond_broadcast(&cache->ended);
    uv_mutex_unlock(&cache->lock);
    ipvs_reading_unref(old);
}

int ipvs_cache_read(struct ipvs_cache *cache, uint64_t limit, struct ipvs_reading **reading)
{
    uint64_t asked = uv_hrtime();
    uv_mutex_lock(&cache->lock);
    /* What is begun after the question is new enough, however long it takes. */
    while (!(*reading = usable(cache, limit + (uv_hrtime() - asked))) && cache->busy)
        uv_cond_wait(&cache->ended, &cache->lock);
    if (*reading) {
        uv_mutex_unlock(&cache->lock);
        return 0;
    }
    cache->busy = true;
    uint64_t generation = cache->generation;
    uv_mutex_unlock(&cache->lock);

    struct ipvs_reading *made = calloc(1, sizeof *made);
    int error = made ? 0 : ENOMEM;
    if (made) {
        atomic_init(&made->refs, 1);
        made->time = uv_hrtime();
        made->generation = generation;
        error = read_all(cache, made);
    }
    if (error) {
        ipvs_reading_unref(made);
        made = NULL;
    }
    keep(cache, made);
    *reading = made;
    return error;
}
