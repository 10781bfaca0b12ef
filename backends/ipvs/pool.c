#include "backends/ipvs/pool.h"

#include <stdlib.h>
#include <uv.h>

#include "backends/ipvs/netlink.h"

#define IDLE_SOCKETS 4 /* as many as read at once on a busy day */

struct ipvs_pool {
    uv_mutex_t lock;
    const char *path;
    struct ipvs_socket *idle[IDLE_SOCKETS];
    size_t count;
    unsigned generation; /* of the sockets that are worth keeping */
};

struct ipvs_pool *ipvs_pool_new(const char *path)
{
    struct ipvs_pool *pool = calloc(1, sizeof *pool);
    if (pool && uv_mutex_init(&pool->lock) != 0) {
        free(pool);
        pool = NULL;
    }
    if (pool)
        pool->path = path;
    return pool;
}

void ipvs_pool_free(struct ipvs_pool *pool)
{
    if (!pool)
        return;
    ipvs_pool_renew(pool);
    uv_mutex_destroy(&pool->lock);
    free(pool);
}

void ipvs_pool_renew(struct ipvs_pool *pool)
{
    uv_mutex_lock(&pool->lock);
    while (pool->count)
        ipvs_close(pool->idle[--pool->count]);
    pool->generation++;
    uv_mutex_unlock(&pool->lock);
}

int ipvs_pool_take(struct ipvs_pool *pool, struct ipvs_lease *lease)
{
    *lease = (struct ipvs_lease){0};
    uv_mutex_lock(&pool->lock);
    if (pool->count)
        lease->sock = pool->idle[--pool->count];
    lease->generation = pool->generation;
    uv_mutex_unlock(&pool->lock);
    return lease->sock ? 0 : ipvs_open_in(pool->path, &lease->sock, NULL);
}

void ipvs_pool_give(struct ipvs_pool *pool, struct ipvs_lease *lease, int error)
{
    struct ipvs_socket *sock = lease->sock;
    uv_mutex_lock(&pool->lock);
    if (!error && pool->count < IDLE_SOCKETS && lease->generation == pool->generation) {
        pool->idle[pool->count++] = sock;
        sock = NULL;
    }
    uv_mutex_unlock(&pool->lock);
    ipvs_close(sock);
    lease->sock = NULL;
}
