/*
 * What the kernel counts for a group: the sum over its services. Pure functions; any thread.
 */
#ifndef NORIA_IPVS_GROUP_SUM_H
#define NORIA_IPVS_GROUP_SUM_H

#include "backends/ipvs/service.h"

/** A sum. */
struct ipvs_group_sum {
    size_t wanted;  /**< Services that are configured. */
    size_t present; /**< Of these, in the kernel's table. */
    /**
     * As if all were one: with the identity of the first that is configured, and destinations by
     * what they would be there, sorted. Their weights and methods are those of the first service
     * that has them.
     */
    struct ipvs_service service;
};

/** Sum up a group. @param index What the kernel has. @return Whether there was memory. */
bool ipvs_group_sum(const struct lyd_node *node, const struct ipvs_index *index,
                    struct ipvs_group_sum *sum);

/** Sum up one member of a group, without destinations. @return Whether there was memory. */
bool ipvs_group_sum_member(const struct lyd_node *member, const struct ipvs_index *index,
                           struct ipvs_group_sum *sum);

/** Free what a sum owns, and empty it. */
void ipvs_group_sum_clear(struct ipvs_group_sum *sum);

#endif
