/*
 * Slices.
 */
#include "backends/vrrp/slice.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "backends/vrrp/configured.h"

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

bool vrrp_slice_has(const struct vrrp_slice *slice, const char *instance)
{
    return bsearch(&instance, slice->names, slice->count, sizeof(*slice->names), compare) != NULL;
}

void vrrp_slice_clear(struct vrrp_slice *slice)
{
    free(slice->names);
    *slice = (struct vrrp_slice){0};
}

/* A name may be in it twice. */
static bool add(struct vrrp_slice *slice, const char *name)
{
    if (!array_grow(&slice->names, slice->count, &slice->room, sizeof(*slice->names)))
        return false;
    slice->names[slice->count++] = name;
    return true;
}

static bool add_members(struct vrrp_slice *slice, const struct lyd_node *group)
{
    const struct lyd_node *child;
    bool added = true;
    LY_LIST_FOR(group ? lyd_child(group) : NULL, child)
    {
        if (child->schema && !strcmp(child->schema->name, "member"))
            added = added && add(slice, lyd_get_value(child));
    }
    return added;
}

static bool has_own_interface(const struct lyd_node *instance)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(instance), child)
    {
        const char *name = child->schema ? child->schema->name : "";
        if (!strcmp(name, "virtual-mac") || !strcmp(name, "ipvlan") ||
            (lyd_child(child) && leaf_value(child, "own-mac") &&
             !strcmp(leaf_value(child, "own-mac"), "true")))
            return true;
    }
    return false;
}

static bool add_with_own_interface(struct vrrp_slice *slice, const struct schema *schema,
                                   const struct snapshot *snapshot)
{
    const struct unit *unit = schema_unit_find(schema, VRRP_INSTANCE);
    size_t count = 0, first = unit ? snapshot_range(snapshot, unit, &count) : 0;
    bool added = true;
    for (size_t i = first; i < first + count && added; i++)
        if (has_own_interface(snapshot->entries[i]->node))
            added =
                add(slice, leaf_value(snapshot->entries[i]->node, "name")) &&
                add_members(slice, vrrp_group_of(schema, snapshot,
                                                 leaf_value(snapshot->entries[i]->node, "name")));
    return added;
}

static bool add_changed(struct vrrp_slice *slice, const struct schema *schema,
                        const struct change_set *changes, const struct entry *after)
{
    const char *name = leaf_value(after->node, "name");
    if (!add(slice, name) || !add_members(slice, vrrp_group_of(schema, changes->after, name)))
        return false;
    return !has_own_interface(after->node) || add_with_own_interface(slice, schema, changes->after);
}

bool vrrp_slice_of(const struct schema *schema, const struct change_set *changes,
                   struct vrrp_slice *slice)
{
    *slice = (struct vrrp_slice){0};
    bool found = true;
    for (size_t i = 0; i < changes->count && found; i++) {
        const struct change *change = &changes->changes[i];
        const struct entry *entry = change->after ? change->after : change->before;
        const char *path = entry->unit->path;
        if (strncmp(path, VRRP_TOP, strlen(VRRP_TOP)) != 0)
            continue; /* another's */
        if (!strcmp(path, VRRP_INSTANCE))
            found = !change->after || add_changed(slice, schema, changes, change->after);
        else
            found = false;
    }
    if (!found || !slice->count) {
        vrrp_slice_clear(slice);
        return false;
    }
    qsort(slice->names, slice->count, sizeof(*slice->names), compare);
    return true;
}
