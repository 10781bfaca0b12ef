/*
 * The little writers.
 */
#include "backends/vrrp/generation.h"

#include <string.h>

bool vrrp_is_true(const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    return value && !strcmp(value, "true");
}

bool vrrp_is_child(const struct lyd_node *node, const char *name)
{
    return node->schema && !strcmp(node->schema->name, name);
}

size_t vrrp_range_of(const struct generation *generation, const char *path, size_t *count)
{
    const struct unit *unit = schema_unit_find(generation->schema, path);
    *count = 0;
    return unit ? snapshot_range(generation->snapshot, unit, count) : 0;
}

void vrrp_write_word(const struct generation *generation, const char *keyword,
                     const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    if (value)
        fprintf(generation->out, "    %s %s\n", keyword, value);
}

void vrrp_write_quoted(const struct generation *generation, const char *keyword,
                       const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    if (value)
        fprintf(generation->out, "    %s \"%s\"\n", keyword, value);
}

void vrrp_write_flag(const struct generation *generation, const char *keyword,
                     const struct lyd_node *node, const char *leaf)
{
    if (vrrp_is_true(node, leaf))
        fprintf(generation->out, "    %s\n", keyword);
}

void vrrp_write_words(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *words)
{
    for (; words->leaf; words++)
        vrrp_write_word(generation, words->keyword, node, words->leaf);
}

void vrrp_write_parts(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *parts)
{
    for (; parts->leaf; parts++) {
        const char *value = leaf_value(node, parts->leaf);
        if (value)
            fprintf(generation->out, " %s %s", parts->keyword, value);
    }
}

void vrrp_write_flags(const struct generation *generation, const struct lyd_node *node,
                      const struct vrrp_keyword *flags)
{
    for (; flags->leaf; flags++)
        if (vrrp_is_true(node, flags->leaf))
            fprintf(generation->out, " %s", flags->keyword);
}

void vrrp_write_each(const struct generation *generation, const struct lyd_node *node,
                     const char *list, const char *block,
                     void (*write)(const struct generation *, const struct lyd_node *))
{
    const struct lyd_node *child;
    bool any = false;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!vrrp_is_child(child, list))
            continue;
        if (!any)
            fprintf(generation->out, "    %s {\n", block);
        any = true;
        write(generation, child);
    }
    if (any)
        fputs("    }\n", generation->out);
}

void vrrp_write_list(const struct generation *generation, const char *path,
                     void (*write)(const struct generation *, const struct lyd_node *))
{
    size_t count, first = vrrp_range_of(generation, path, &count);
    for (size_t i = first; i < first + count; i++)
        write(generation, generation->snapshot->entries[i]->node);
}
