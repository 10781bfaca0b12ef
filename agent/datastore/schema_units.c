/*
 * The units of a schema, by what they are made of.
 */
#include <string.h>

#include "agent/datastore/schema.h"

const struct unit *schema_unit_of_top(const struct schema *schema, const struct lysc_node *top)
{
    for (size_t i = 0; i < schema->unit_count; i++)
        if (schema->units[i].top == top && !schema->units[i].list)
            return &schema->units[i];
    return NULL;
}

const struct unit *schema_unit_of_list(const struct schema *schema, const struct lysc_node *list)
{
    for (size_t i = 0; i < schema->unit_count; i++)
        if (schema->units[i].list && schema->units[i].list == list)
            return &schema->units[i];
    return NULL;
}

/* The unit that a node of a tree is the own node of, or NULL if it is somewhere inside. */
static const struct unit *unit_at(const struct schema *schema, const struct lyd_node *node)
{
    const struct unit *unit = NULL;
    if (node->schema->nodetype == LYS_LIST)
        unit = schema_unit_of_list(schema, node->schema);
    return unit || lyd_parent(node) ? unit : schema_unit_of_top(schema, node->schema);
}

const struct lyd_node *schema_own_node(const struct schema *schema, const struct lyd_node *node,
                                       const struct unit **unit)
{
    while (!(*unit = unit_at(schema, node)) && lyd_parent(node))
        node = lyd_parent(node);
    return node;
}

const struct unit *schema_unit_find(const struct schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->unit_count; i++)
        if (!strcmp(schema->units[i].path, path))
            return &schema->units[i];
    return NULL;
}
