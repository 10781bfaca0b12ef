/*
 * Sockets for readers: each reader has one to itself while it reads, and they are used again.
 * Any thread; a lock guards the pool.
 */
#ifndef NORIA_IPVS_POOL_H
#define NORIA_IPVS_POOL_H

struct ipvs_socket;

/** The sockets that nobody uses now. */
struct ipvs_pool;

/** A socket in use. */
struct ipvs_lease {
    struct ipvs_socket *sock;
    unsigned generation; /**< The pool's, when it was taken. */
};

/**
 * Make an empty pool.
 * @param path Network namespace of the sockets, as in namespace.h; borrowed.
 * @return To be freed with ipvs_pool_free(); NULL for want of memory.
 */
struct ipvs_pool *ipvs_pool_new(const char *path);

/** Close all sockets of a pool that no reader uses any more; NULL is legal. */
void ipvs_pool_free(struct ipvs_pool *pool);

/** Close all sockets, those in use when they are given back: the namespace is another, or gone. */
void ipvs_pool_renew(struct ipvs_pool *pool);

/**
 * Take a socket, a new one if there is none.
 * @param[out] lease To be given back with ipvs_pool_give().
 * @return 0 or an errno as of ipvs_open() or ipvs_namespace_run().
 */
int ipvs_pool_take(struct ipvs_pool *pool, struct ipvs_lease *lease);

/** Give a socket back. @param error What it last returned; after an error it is closed. */
void ipvs_pool_give(struct ipvs_pool *pool, struct ipvs_lease *lease, int error);

#endif
