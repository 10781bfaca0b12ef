#include "backends/ipvs/pool.h"

#include <stdlib.h>
#include <uv.h>

#define IDLE_SOCKETS 4 /* as many as read at once on a busy day */

struct ipvs_pool {
    uv_mutex_t lock;
    struct ipvs_socket *idle[IDLE_SOCKETS];
    size_t count;
};

struct ipvs_pool *ipvs_pool_new(void)
{
    struct ipvs_pool *pool = calloc(1, sizeof *pool);
    if (pool && uv_mutex_init(&pool->lock) != 0) {
        free(pool);
        pool = NULL;
    }
    return pool;
}

void ipvs_pool_free(struct ipvs_pool *pool)
{
    if (!pool)
        return;
    while (pool->count)
        ipvs_close(pool->idle[--pool->count]);
    uv_mutex_destroy(&pool->lock);
    free(pool);
}

int ipvs_pool_take(struct ipvs_pool *pool, struct ipvs_socket **sock)
{
    *sock = NULL;
    uv_mutex_lock(&pool->lock);
    if (pool->count)
        *sock = pool->idle[--pool->count];
    uv_mutex_unlock(&pool->lock);
    return *sock ? 0 : ipvs_open(sock);
}

void ipvs_pool_give(struct ipvs_pool *pool, struct ipvs_socket *sock, int error)
{
    uv_mutex_lock(&pool->lock);
    if (!error && pool->count < IDLE_SOCKETS) {
        pool->idle[pool->count++] = sock;
        sock = NULL;
    }
    uv_mutex_unlock(&pool->lock);
    ipvs_close(sock);
}
