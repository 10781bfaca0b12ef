/*
 * The rule "unique" across entries.
 */
#include "agent/datastore/unique.h"

/* hsearch(3) has a struct entry, too; it is not used here. */
#define entry hsearch_entry
#include <search.h>
#undef entry
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The values of one "unique" statement in one entry. */
struct unique_tuple {
    const struct entry *owner; /* one reference */
    char text[];               /* statement and values, with 0x1f between them */
};

static int compare_tuples(const void *a, const void *b)
{
    return strcmp(((const struct unique_tuple *)a)->text, ((const struct unique_tuple *)b)->text);
}

/* The value of a leaf somewhere below a list instance, or NULL. */
static const char *value_below(const struct lyd_node *instance, const struct lysc_node *leaf)
{
    const struct lysc_node *parent = lysc_data_parent(leaf);
    const struct lyd_node *node = instance;
    struct lyd_node *found;
    if (parent != instance->schema) {
        const struct lysc_node *chain[16];
        size_t depth = 0;
        for (; parent && parent != instance->schema && depth < 16;
             parent = lysc_data_parent(parent))
            chain[depth++] = parent;
        while (depth) {
            if (lyd_find_sibling_val(lyd_child(node), chain[--depth], NULL, 0, &found))
                return NULL;
            node = found;
        }
    }
    return lyd_find_sibling_val(lyd_child(node), leaf, NULL, 0, &found) ? NULL
                                                                        : lyd_get_value(found);
}

/* NULL also if a value is missing: the statement does not apply then. */
static struct unique_tuple *make_tuple(const struct entry *entry, size_t statement)
{
    struct lysc_node_leaf **leaves =
        ((const struct lysc_node_list *)entry->unit->list)->uniques[statement];
    char name[48];
    size_t size = (size_t)snprintf(name, sizeof(name), "%zu.%zu", entry->unit->rank, statement) + 1;
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(leaves, i)
    {
        const char *value = value_below(entry->node, &leaves[i]->node);
        if (!value)
            return NULL;
        size += 1 + strlen(value);
    }
    struct unique_tuple *tuple = malloc(sizeof(*tuple) + size);
    if (!tuple)
        return NULL;
    tuple->owner = entry;
    char *at = stpcpy(tuple->text, name);
    LY_ARRAY_FOR(leaves, i)
    {
        *at++ = '\x1f';
        at = stpcpy(at, value_below(entry->node, &leaves[i]->node));
    }
    return tuple;
}

static size_t statement_count(const struct entry *entry)
{
    if (!entry || !entry->unit->list)
        return 0;
    return LY_ARRAY_COUNT(((const struct lysc_node_list *)entry->unit->list)->uniques);
}

static void remove_entry(struct unique_index *index, const struct entry *entry)
{
    for (size_t i = 0; i < statement_count(entry); i++) {
        struct unique_tuple *tuple = make_tuple(entry, i), **held;
        held = tuple ? tfind(tuple, &index->root, compare_tuples) : NULL;
        if (held && (*held)->owner == entry) {
            struct unique_tuple *gone = *held;
            tdelete(tuple, &index->root, compare_tuples);
            entry_unref((struct entry *)gone->owner);
            free(gone);
        }
        free(tuple);
    }
}

static enum outcome refuse_tuple(const struct entry *entry, const struct entry *holder,
                                 size_t statement, struct error *err)
{
    struct lysc_node_leaf **leaves =
        ((const struct lysc_node_list *)entry->unit->list)->uniques[statement];
    char names[256] = "", *path = lyd_path(entry->node, LYD_PATH_STD, NULL, 0);
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(leaves, i)
    {
        size_t length = strlen(names);
        snprintf(names + length, sizeof(names) - length, "%s%s", i ? ", " : "", leaves[i]->name);
    }
    refuse(err, TAG_OPERATION_FAILED, path, "%s%s has the same %s as %s%s: change one of them.",
           entry->unit->list->name, entry->key, names, holder->unit->list->name, holder->key);
    error_set_app_tag(err, "data-not-unique");
    free(path);
    return REFUSED;
}

static enum outcome add_entry(struct unique_index *index, const struct entry *entry,
                              struct error *err)
{
    for (size_t i = 0; i < statement_count(entry); i++) {
        struct unique_tuple *tuple = make_tuple(entry, i), **held;
        if (!tuple)
            continue;
        held = tsearch(tuple, &index->root, compare_tuples);
        if (held && *held == tuple) {
            entry_ref(entry);
            continue;
        }
        const struct entry *holder = held ? (*held)->owner : NULL;
        free(tuple);
        remove_entry(index, entry);
        if (!holder)
            return fail_memory(err);
        /* As libyang does, the later one in the order of the configuration is the one at fault. */
        bool later = entry_compare(entry, holder) > 0;
        return refuse_tuple(later ? entry : holder, later ? holder : entry, i, err);
    }
    return DONE;
}

enum outcome unique_apply(struct unique_index *index, const struct change_set *changes,
                          struct error *err)
{
    for (size_t i = 0; i < changes->count; i++)
        remove_entry(index, changes->changes[i].before);
    for (size_t i = 0; i < changes->count; i++) {
        enum outcome outcome = add_entry(index, changes->changes[i].after, err);
        if (outcome == DONE)
            continue;
        while (i-- > 0)
            remove_entry(index, changes->changes[i].after);
        for (i = 0; i < changes->count; i++)
            add_entry(index, changes->changes[i].before, NULL);
        return outcome;
    }
    return DONE;
}

void unique_revert(struct unique_index *index, const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        remove_entry(index, changes->changes[i].after);
    for (size_t i = 0; i < changes->count; i++)
        add_entry(index, changes->changes[i].before, NULL);
}

static void free_tuple(void *tuple)
{
    entry_unref((struct entry *)((struct unique_tuple *)tuple)->owner);
    free(tuple);
}

void unique_free(struct unique_index *index)
{
    tdestroy(index->root, free_tuple);
    index->root = NULL;
}
