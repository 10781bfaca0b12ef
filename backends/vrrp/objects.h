/*
 * What keepalived has found of the things that are tracked: scripts, files, processes, sessions.
 */
#ifndef NORIA_VRRP_OBJECTS_H
#define NORIA_VRRP_OBJECTS_H

#include "backends/vrrp/states.h"

/** Add it to a reader's node, of an entry of anything. With the lock. */
enum outcome vrrp_objects_add(const struct vrrp_states *states, const struct entry *entry,
                              struct lyd_node *node, struct error *err);

#endif
