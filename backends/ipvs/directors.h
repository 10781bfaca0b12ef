/*
 * The directors: an engine for each network namespace whose virtual servers are configured. The
 * director main, in our own namespace, is always there.
 *
 * Belongs to the core thread, but readers may take the engines.
 */
#ifndef NORIA_IPVS_DIRECTORS_H
#define NORIA_IPVS_DIRECTORS_H

#include "backends/ipvs/engine.h"
#include "backends/ipvs/family.h"

/** The backend's own data. */
struct ipvs_directors {
    struct backend *backend;
    struct snapshot *running;     /**< What the kernel is to hold. One reference. */
    uv_mutex_t lock;              /**< Guards the engines where other threads read them. */
    struct ipvs_engine **engines; /**< main is the first. Owned. */
    size_t count;
    size_t room;
    size_t groups;                    /**< How many virtual servers in running are groups. */
    unsigned unsettled;               /**< The last number of unsettled.h. */
    bool comparing;                   /**< A helper thread looks for drift in one of them. */
    struct ipvs_steered *steered;     /**< What follows steering. Owned. */
    struct ipvs_drains *drains;       /**< Real servers that drain. Owned. */
    struct ipvs_family_watch *family; /**< Tells when the kernel's module does. Owned. */
    uv_poll_t mounts;                 /**< Tells when namespaces come and go. */
    int mounts_file;
};

/** Take what the kernel is to hold from now on; NULL is ignored. */
void ipvs_directors_set_running(struct ipvs_directors *directors, const struct snapshot *running);

/** The engine of a director, or NULL. Borrowed. */
struct ipvs_engine *ipvs_directors_find(const struct ipvs_directors *directors, const char *name);

/**
 * Put an engine in or take one out. Nobody is closed.
 * @param out NULL: none. @param in NULL: none; taken.
 * @return Whether there was memory.
 */
bool ipvs_directors_exchange(struct ipvs_directors *directors, struct ipvs_engine *out,
                             struct ipvs_engine *in);

/**
 * The director whose engine works, and will work, in the namespace of another engine (its id), or
 * NULL. Borrowed.
 */
const char *ipvs_directors_in(const struct ipvs_directors *directors,
                              const struct ipvs_engine *engine);

/**
 * All engines, for a reader. Any thread.
 * @param[out] count How many.
 * @return To be given back with ipvs_directors_give(); NULL for want of memory.
 */
struct ipvs_engine **ipvs_directors_take(struct ipvs_directors *directors, size_t *count);

/** Give engines back. Any thread; NULL is legal. */
void ipvs_directors_give(struct ipvs_engine **engines, size_t count);

#endif
