/*
 * Groups: virtual servers of many addresses, ranges and marks, each of which is a service to the
 * kernel. Pure functions over validated data; any thread.
 */
#ifndef NORIA_IPVS_GROUP_H
#define NORIA_IPVS_GROUP_H

#include "backends/ipvs/service.h"

#include "agent/outcome.h"

/** Services in a group at most. */
#define IPVS_GROUP_MOST 65536

/** Identities of services; {0} is none. */
struct ipvs_ids {
    struct ipvs_service_id *list; /**< Owned, unless it is the one. */
    size_t count;
    size_t room;
    struct ipvs_service_id one;
};

/** The first member of a group among siblings, or NULL. */
const struct lyd_node *ipvs_group_member(const struct lyd_node *siblings);

/**
 * All services that a virtual server names, enabled or not, those of one member after the other.
 * @param node The virtual-server instance.
 * @param[out] ids Stays where it is; to be freed with ipvs_ids_clear(), also after a failure.
 * @return REFUSED, with the path, for a range that is none or too large, and for a service that is
 *         named twice.
 */
enum outcome ipvs_ids_of(const struct lyd_node *node, struct ipvs_ids *ids, struct error *err);

/**
 * The services of one member.
 * @param[in,out] ids To be added to.
 */
enum outcome ipvs_ids_of_member(const struct lyd_node *member, struct ipvs_ids *ids,
                                struct error *err);

/** Free what identities own, and empty them. */
void ipvs_ids_clear(struct ipvs_ids *ids);

#endif
