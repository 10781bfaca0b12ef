/*
 * Patterns.
 */
#include "agent/datastore/pattern.h"

#include <stdlib.h>
#include <string.h>

/* Values in which an entry may differ from its pattern; of one with more, little is gained. */
#define DIFFERENCES_MAX 64

/* A leaf whose value is another. */
struct difference {
    size_t leaf;     /* by its number among those that have a text */
    const char *old; /* in the pattern's text; not terminated */
    const char *value;
    size_t old_length, length;
};

struct differences {
    struct difference list[DIFFERENCES_MAX];
    size_t count;
};

void patterns_clear(struct patterns *patterns)
{
    for (size_t i = 0; i < PATTERNS_MAX; i++) {
        entry_unref((struct entry *)patterns->list[i].entry);
        free(patterns->list[i].xml);
    }
    *patterns = (struct patterns){0};
}

static LY_ERR find_when(struct lysc_node *node, void *arg, ly_bool *skip)
{
    bool *fixed = arg;
    if (lysc_has_when(node))
        *fixed = false;
    return *fixed ? LY_SUCCESS : LY_EINVAL;
}

/* Only by "when" can a value decide whether a default is there. */
static bool is_fixed(struct patterns *patterns, const struct unit *unit)
{
    if (patterns->unit != unit) {
        patterns->unit = unit;
        patterns->fixed = true;
        lysc_tree_dfs_full(unit->top, find_when, &patterns->fixed);
    }
    return patterns->fixed;
}

void patterns_add(struct patterns *patterns, const struct entry *entry, const char *xml)
{
    struct pattern *pattern = &patterns->list[patterns->next];
    char *copy = is_fixed(patterns, entry->unit) ? strdup(xml) : NULL;
    if (!copy)
        return;
    entry_unref((struct entry *)pattern->entry);
    free(pattern->xml);
    *pattern = (struct pattern){.entry = entry_ref(entry), .xml = copy};
    patterns->next = (patterns->next + 1) % PATTERNS_MAX;
}

/* Note that the text of a leaf is another. What is escaped is left to the parser. */
static bool note(struct differences *differences, size_t leaf, const char *old, size_t old_length,
                 const char *value, size_t length)
{
    if (length == old_length && memcmp(old, value, length) == 0)
        return true;
    if (differences->count == DIFFERENCES_MAX || memchr(value, '&', length))
        return false;
    differences->list[differences->count++] =
        (struct difference){leaf, old, value, old_length, length};
    return true;
}

/* Find the differences. @return false if there are others than of the texts of leaves. */
static bool compare(const char *old, const char *xml, struct differences *differences)
{
    size_t leaves = 0;
    differences->count = 0;
    while (*old == '<' && *xml == '<') {
        size_t tag = strcspn(old, ">");
        if (strncmp(old, xml, tag + 1) != 0 || !old[tag])
            return false;
        bool opens = old[1] != '/' && old[tag - 1] != '/';
        old += tag + 1;
        xml += tag + 1;
        size_t old_length = strcspn(old, "<"), length = strcspn(xml, "<");
        if (!opens || (!old_length && !length))
            continue; /* what follows is no text */
        if (!old_length || !length || !note(differences, leaves++, old, old_length, xml, length))
            return false;
        old += old_length;
        xml += length;
    }
    return !*old && !*xml;
}

/* Whether a value means the same whatever its text is in: no prefixes, no other nodes. */
static bool is_simple(const struct lysc_type *type)
{
    switch (type->basetype) {
    case LY_TYPE_IDENT:
    case LY_TYPE_INST:
    case LY_TYPE_LEAFREF:
    case LY_TYPE_UNKNOWN:
        return false;
    case LY_TYPE_UNION: {
        const struct lysc_type_union *all = (const struct lysc_type_union *)type;
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(all->types, i)
        {
            if (!is_simple(all->types[i]))
                return false;
        }
        return true;
    }
    default:
        return true;
    }
}

static bool change(struct lyd_node *node, const struct difference *difference)
{
    struct lyd_node *parent = (struct lyd_node *)lyd_parent(node);
    const struct lysc_node_leaf *leaf = (const struct lysc_node_leaf *)node->schema;
    const char *old = lyd_get_value(node);
    uint32_t flags = node->flags, parent_flags = parent ? parent->flags : 0;
    if (leaf->nodetype != LYS_LEAF || !is_simple(leaf->type) ||
        strlen(old) != difference->old_length ||
        memcmp(old, difference->old, difference->old_length) != 0)
        return false;
    char *value = strndup(difference->value, difference->length);
    bool changed = value && !lyd_change_term(node, value);
    free(value);
    /* It is as it was stored: neither new nor to be validated. */
    node->flags = flags;
    if (parent)
        parent->flags = parent_flags;
    return changed;
}

/* A leaf that was given, and so is in the text, with a text. */
static bool is_written(const struct lyd_node *node)
{
    return (node->schema->nodetype & LYD_NODE_TERM) && !(node->flags & LYD_DEFAULT) &&
           *lyd_get_value(node);
}

static bool change_all(struct lyd_node *tree, const struct differences *differences)
{
    struct lyd_node *node;
    size_t leaves = 0, next = 0;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        if (next < differences->count && is_written(node) &&
            leaves++ == differences->list[next].leaf && !change(node, &differences->list[next++]))
            return false;
        LYD_TREE_DFS_END(tree, node);
    }
    return next == differences->count;
}

struct lyd_node *patterns_match(const struct patterns *patterns, const struct unit *unit,
                                const char *xml)
{
    struct differences differences;
    struct lyd_node *tree = NULL;
    const struct pattern *pattern = NULL;
    for (size_t i = 0; i < PATTERNS_MAX && !pattern; i++) {
        const struct pattern *at = &patterns->list[i];
        if (at->entry && at->entry->unit == unit && compare(at->xml, xml, &differences))
            pattern = at;
    }
    if (!pattern ||
        lyd_dup_single(pattern->entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &tree))
        return NULL;
    if (change_all(tree, &differences))
        return tree;
    lyd_free_all(tree);
    return NULL;
}
