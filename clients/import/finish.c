/*
 * The end of an import: what the rules of the modules refuse is taken out until nothing is refused.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/import.h"

static struct place place_of(const struct lyd_node *node)
{
    while (node && !node->priv)
        node = lyd_parent(node);
    return node ? *(const struct place *)node->priv : (struct place){"?", 0};
}

/* Whether there is data of a schema node, or of something in a choice. */
static bool is_there(const struct lyd_node *parent, const struct lysc_node *wanted)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(parent), child)
    {
        for (const struct lysc_node *schema = child->schema; schema && schema != parent->schema;
             schema = schema->parent)
            if (schema == wanted)
                return true;
    }
    return false;
}

static bool is_wanted(const struct lysc_node *schema)
{
    if (schema->nodetype == LYS_LIST)
        return ((const struct lysc_node_list *)schema)->min > 0;
    if (schema->nodetype == LYS_LEAFLIST)
        return ((const struct lysc_node_leaflist *)schema)->min > 0;
    return schema->nodetype & (LYS_LEAF | LYS_CHOICE) && schema->flags & LYS_MAND_TRUE;
}

/* What an instance lacks: a name, or NULL. Of a case that is chosen, what it lacks counts, too. */
static const char *lack_of(const struct lyd_node *node, const struct lysc_node *schema)
{
    const struct lysc_node *child;
    LY_LIST_FOR(lysc_node_child(schema), child)
    {
        if (is_wanted(child) && !is_there(node, child))
            return child->name;
        if (!(child->nodetype & (LYS_CHOICE | LYS_CASE)) || !is_there(node, child))
            continue;
        const char *lack = lack_of(node, child);
        if (lack)
            return lack;
    }
    return NULL;
}

/* Take out what lacks something. @return Whether something was. */
static bool take_out_incomplete(struct import *import, struct lyd_node *node)
{
    struct lyd_node *child, *next;
    bool any = false;
    LY_LIST_FOR_SAFE(lyd_child_no_keys(node), next, child)
    {
        if (child->schema->nodetype & (LYS_CONTAINER | LYS_LIST))
            any |= take_out_incomplete(import, child);
    }
    const char *lack = lack_of(node, node->schema);
    if (!lack || !lyd_parent(node))
        return any;
    const struct lyd_node *key = node->schema->nodetype == LYS_LIST ? lyd_child(node) : NULL;
    import_left(import, place_of(node), "%s%s%s: it lacks %s that could be carried over",
                node->schema->name, key ? " " : "", key ? lyd_get_value(key) : "", lack);
    lyd_free_tree(node);
    return true;
}

static bool take_out_all_incomplete(struct import *import)
{
    struct lyd_node *node;
    bool any = false;
    LY_LIST_FOR(import->tree, node)
    {
        any |= take_out_incomplete(import, node);
    }
    return any;
}

/*
 * Take the same leaf out of the other entries that one place made: a line may make hundreds alike,
 * and each would cost a validation and a message of its own.
 */
static void take_out_alike(struct lyd_node *leaf)
{
    struct lyd_node *entry = lyd_parent(leaf), *other;
    const struct place place = place_of(leaf);
    const char *value = lyd_get_value(leaf);
    if (leaf->schema->nodetype != LYS_LEAF || !entry || entry->schema->nodetype != LYS_LIST)
        return;
    LY_LIST_FOR(lyd_first_sibling(entry), other)
    {
        struct lyd_node *same;
        if (other == entry || other->schema != entry->schema ||
            !(same = import_find(other, leaf->schema->name)) || same->schema != leaf->schema)
            continue;
        const struct place its = place_of(same);
        if (its.file == place.file && its.line == place.line && !strcmp(lyd_get_value(same), value))
            lyd_free_tree(same);
    }
}

/* Take out what an error names. @return false if it names nothing. */
static bool take_out_refused(struct import *import, const struct error *err)
{
    struct lyd_node *node = NULL;
    if (!err->path || lyd_find_path(import->tree, err->path, 0, &node))
        return false;
    while (node && (lysc_is_key(node->schema) || node->flags & LYD_DEFAULT))
        node = lyd_parent(node);
    if (!node)
        return false;
    const char *value = lyd_get_value(node);
    bool secret = !strcmp(node->schema->name, "password");
    import_left(import, place_of(node), "%s%s%s: %s", node->schema->name,
                value && !secret ? " " : "", value && !secret ? value : "", error_message(err));
    take_out_alike(node);
    if (import->tree == node)
        import->tree = node->next;
    lyd_free_tree(node);
    return true;
}

static int by_place(const void *a, const void *b)
{
    const struct leftover *left = a, *right = b;
    if (left->place.file == right->place.file && left->place.line != right->place.line)
        return left->place.line < right->place.line ? -1 : 1;
    return left->order < right->order ? -1 : left->order > right->order;
}

/* What is said for each of many real servers is noted once. */
static void drop_repeated(struct import *import)
{
    size_t kept = 0;
    for (size_t i = 0; i < import->leftover_count; i++) {
        struct leftover *one = &import->leftovers[i];
        size_t same = kept;
        while (same && import->leftovers[same - 1].place.line == one->place.line &&
               import->leftovers[same - 1].place.file == one->place.file &&
               strcmp(import->leftovers[same - 1].text, one->text))
            same--;
        if (same && import->leftovers[same - 1].place.line == one->place.line &&
            import->leftovers[same - 1].place.file == one->place.file)
            free(one->text);
        else
            import->leftovers[kept++] = *one;
    }
    import->leftover_count = kept;
}

enum outcome import_finish(struct import *import, struct error *err)
{
    struct error refusal = {0};
    while (take_out_all_incomplete(import))
        ;
    while (import->tree && lyd_validate_all(&import->tree, import->schema->ctx,
                                            LYD_VALIDATE_PRESENT | LYD_VALIDATE_NO_STATE, NULL)) {
        schema_refuse(import->schema, NULL, &refusal, "not valid");
        bool taken = take_out_refused(import, &refusal);
        while (take_out_all_incomplete(import))
            taken = true;
        if (!taken) {
            error_move(err, &refusal);
            return FAILED;
        }
        error_clear(&refusal);
    }
    if (import->leftover_count)
        qsort(import->leftovers, import->leftover_count, sizeof(*import->leftovers), by_place);
    drop_repeated(import);
    return DONE;
}
