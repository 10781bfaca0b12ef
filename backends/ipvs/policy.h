/*
 * What a configuration says of a director, or the defaults where it has no entry for it. A pure
 * function; any thread.
 */
#ifndef NORIA_IPVS_POLICY_H
#define NORIA_IPVS_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/datastore/snapshot.h"

/** What the agent, and not the kernel, is to keep to with a director. */
struct ipvs_policy {
    uint64_t statistics_age;     /**< How old shared statistics may be, in nanoseconds. */
    uint64_t reconcile_interval; /**< Between looks for drift, in milliseconds; 0: none. */
    bool repair;                 /**< Repair drift, and not only report it. */
    bool exclusive;              /**< What is not configured is drift, too. */
};

/** The policy of a director by its name. */
struct ipvs_policy ipvs_policy_of(const struct schema *schema, const struct snapshot *running,
                                  const char *director);

#endif
