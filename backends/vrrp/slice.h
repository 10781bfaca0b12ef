/*
 * The part of a configuration that a change is about, so that of hundreds of instances only those
 * are tried that have changed. What keepalived judges by several instances together is in it
 * together: a group, and all instances with interfaces of their own, whose names may collide. What
 * else they share (VRIDs, names, addresses) the model and owners.h rule out.
 *
 * Pure functions; any thread.
 */
#ifndef NORIA_VRRP_SLICE_H
#define NORIA_VRRP_SLICE_H

#include "agent/datastore/snapshot.h"

/** Instances by name. */
struct vrrp_slice {
    const char **names; /**< Sorted when it is made. Owned; the names are the entries'. */
    size_t count, room;
};

/**
 * Find the part.
 * @param[out] slice To be freed with vrrp_slice_clear().
 * @return false: all of it is to be tried, as the change is about all, or for want of memory.
 */
bool vrrp_slice_of(const struct schema *schema, const struct change_set *changes,
                   struct vrrp_slice *slice);

/** Whether an instance is in it. */
bool vrrp_slice_has(const struct vrrp_slice *slice, const char *instance);

/** Free what it owns, and empty it. */
void vrrp_slice_clear(struct vrrp_slice *slice);

#endif
