/*
 * The kernel's IPVS comes and goes with its module, and the kernel tells: the controller of generic
 * netlink has a multicast group for that (CTRL_CMD_NEWFAMILY, CTRL_CMD_DELFAMILY).
 *
 * Belongs to the core thread.
 */
#ifndef NORIA_IPVS_FAMILY_H
#define NORIA_IPVS_FAMILY_H

#include <uv.h>

/** What has happened to the family "IPVS". */
enum ipvs_family_event {
    IPVS_FAMILY_GONE,   /**< Its module was unloaded, and all tables with it. */
    IPVS_FAMILY_CAME,   /**< Its module was loaded: the tables are empty. */
    IPVS_FAMILY_MISSED, /**< Something may have happened that the kernel could not tell. */
};

/** What is done about an event. Core thread. */
typedef void (*ipvs_family_fn)(void *arg, enum ipvs_family_event event);

/** Who watches. */
struct ipvs_family_watch;

/**
 * Begin to watch.
 * @param told Is called with arg for every event, from the loop.
 * @return To be ended with ipvs_family_unwatch(); NULL, with a word in the log, if the kernel does
 *         not tell: then a change is found by the next comparison.
 */
struct ipvs_family_watch *ipvs_family_watch(uv_loop_t *loop, ipvs_family_fn told, void *arg);

/** End to watch, and free it while the loop runs out; NULL is legal. */
void ipvs_family_unwatch(struct ipvs_family_watch *watch);

#endif
