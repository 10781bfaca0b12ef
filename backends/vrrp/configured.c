/*
 * What is configured.
 */
#include "backends/vrrp/configured.h"

#include <stdio.h>
#include <string.h>

const struct lyd_node *vrrp_node_of(const struct schema *schema, const struct snapshot *snapshot,
                                    const char *list, const char *name)
{
    char key[96];
    const struct unit *unit = schema_unit_find(schema, list);
    snprintf(key, sizeof(key), "[name='%s']", name);
    const struct entry *entry = unit ? snapshot_find(snapshot, unit, key) : NULL;
    return entry ? entry->node : NULL;
}

static bool has_member(const struct lyd_node *group, const char *instance)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(group), child)
    {
        if (!strcmp(LYD_NAME(child), "member") && !strcmp(lyd_get_value(child), instance))
            return true;
    }
    return false;
}

const struct lyd_node *vrrp_group_of(const struct schema *schema, const struct snapshot *snapshot,
                                     const char *instance)
{
    const struct unit *unit = schema_unit_find(schema, VRRP_GROUP);
    size_t count = 0, first = unit ? snapshot_range(snapshot, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++)
        if (has_member(snapshot->entries[i]->node, instance))
            return snapshot->entries[i]->node;
    return NULL;
}
