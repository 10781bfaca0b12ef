/*
 * Sockets for readers: each reader has one to itself while it reads, and they are used again.
 * Any thread; a lock guards the pool.
 */
#ifndef NORIA_IPVS_POOL_H
#define NORIA_IPVS_POOL_H

#include "backends/ipvs/kernel.h"

/** The sockets that nobody uses now. */
struct ipvs_pool;

/** Make an empty pool. @return To be freed with ipvs_pool_free(); NULL for want of memory. */
struct ipvs_pool *ipvs_pool_new(void);

/** Close all sockets of a pool that no reader uses any more; NULL is legal. */
void ipvs_pool_free(struct ipvs_pool *pool);

/**
 * Take a socket, a new one if there is none.
 * @param[out] sock To be given back with ipvs_pool_give().
 * @return 0 or an errno as of ipvs_open().
 */
int ipvs_pool_take(struct ipvs_pool *pool, struct ipvs_socket **sock);

/** Give a socket back. @param error What it last returned; after an error it is closed. */
void ipvs_pool_give(struct ipvs_pool *pool, struct ipvs_socket *sock, int error);

#endif
