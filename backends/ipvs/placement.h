/*
 * Virtual addresses that the agent places on interfaces ("bind-address"): from the configuration,
 * on the interfaces of a director's namespace, and kept there.
 *
 * What is ours is marked in the kernel (rtnetlink.h), so nothing has to be stored: what has the
 * mark and is not wanted is taken away, and all else is left alone. Belongs to the core thread, but
 * readers may ask for the state.
 */
#ifndef NORIA_IPVS_PLACEMENT_H
#define NORIA_IPVS_PLACEMENT_H

#include "agent/datastore/snapshot.h"
#include "backends/ipvs/rtnetlink.h"

struct ipvs_engine;
struct ipvs_placement;

/** What became of an address; the higher, the worse. */
enum ipvs_placed {
    IPVS_PLACED,
    IPVS_PRESENT, /**< By someone else. */
    IPVS_WAITING, /**< For its interface. */
    IPVS_FAILED,
    IPVS_UNKNOWN, /**< The director is down. */
};

/** Whether an entry places addresses. */
bool ipvs_places(const struct entry *entry);

/** Make the placement of an engine. @return NULL for want of memory. */
struct ipvs_placement *ipvs_placement_new(struct ipvs_engine *engine);

/** Close its sockets: the namespace has gone, or the engine. Addresses stay. */
void ipvs_placement_drop(struct ipvs_placement *placement);

/** Free a placement without sockets; NULL is legal. */
void ipvs_placement_free(struct ipvs_placement *placement);

/**
 * Whether a configuration could be placed on a director.
 * @return REFUSED where two virtual servers place one address differently.
 */
enum outcome ipvs_placement_check(const struct ipvs_engine *engine, const struct snapshot *after,
                                  struct error *err);

/**
 * Place what running wants on this director, and take away what is ours and not wanted. An
 * interface that is missing is waited for.
 * @return FAILED with the path of what the kernel does not take; the rest is placed.
 */
enum outcome ipvs_placement_reconcile(struct ipvs_placement *placement, struct error *err);

/** What became of the addresses of a virtual server: of the worst. Any thread. */
enum ipvs_placed ipvs_placement_state(struct ipvs_placement *placement,
                                      const struct lyd_node *node);

#endif
