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

const struct unit *schema_unit_find(const struct schema *schema, const char *path)
{
    for (size_t i = 0; i < schema->unit_count; i++)
        if (!strcmp(schema->units[i].path, path))
            return &schema->units[i];
    return NULL;
}
