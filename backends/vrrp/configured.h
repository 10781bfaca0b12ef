/*
 * What of VRRP is configured. Pure functions over a snapshot; any thread.
 */
#ifndef NORIA_VRRP_CONFIGURED_H
#define NORIA_VRRP_CONFIGURED_H

#include "agent/datastore/snapshot.h"

/** Names of the lists of the model. */
#define VRRP_TOP "/noria-vrrp:vrrp"
#define VRRP_INSTANCE VRRP_TOP "/instance"
#define VRRP_GROUP VRRP_TOP "/sync-group"

/** An instance or a group by its list and name, or NULL. @return The entry's node. */
const struct lyd_node *vrrp_node_of(const struct schema *schema, const struct snapshot *snapshot,
                                    const char *list, const char *name);

/** The group that an instance is in, or NULL. @return The entry's node. */
const struct lyd_node *vrrp_group_of(const struct schema *schema, const struct snapshot *snapshot,
                                     const char *instance);

#endif
