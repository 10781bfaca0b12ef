/*
 * References between entries.
 */
#include "agent/datastore/references.h"

/* hsearch(3) has a struct entry, too; it is not used here. */
#define entry hsearch_entry
#include <search.h>
#undef entry
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An entry that is named by others; it need not be there (yet). */
struct named {
    size_t rank;
    char *key;
    const struct entry **by; /* one reference each; one element per leaf that names it */
    size_t count, room;
};

static int compare_named(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank < y->rank ? -1 : 1;
    return strcmp(x->key, y->key);
}

static const struct reference_rule *rule_of(const struct unit_rules *rules,
                                            const struct lysc_node *leaf)
{
    for (size_t i = 0; i < rules->reference_count; i++)
        if (rules->references[i].leaf == leaf)
            return &rules->references[i];
    return NULL;
}

/* The key predicates of the entry that a leaf names, as entry_key_of() writes them. */
static char *key_named_by(const struct lyd_node *leaf, const struct unit *target)
{
    const char *value = lyd_get_value(leaf), *quote = strchr(value, '\'') ? "\"" : "'";
    char *key;
    return asprintf(&key, "[%s=%s%s%s]", lysc_node_child(target->list)->name, quote, value, quote) <
                   0
               ? NULL
               : key;
}

bool references_of(const struct schema *schema, const struct entry *entry,
                   bool (*function)(const struct lyd_node *leaf, const struct unit *target,
                                    const char *key, void *arg),
                   void *arg)
{
    const struct unit_rules *rules = &schema->rules[entry->unit->rank];
    const struct lyd_node *node;
    if (!rules->reference_count)
        return true;
    LYD_TREE_DFS_BEGIN(entry->node, node)
    {
        const struct reference_rule *rule = node->schema ? rule_of(rules, node->schema) : NULL;
        if (rule) {
            char *key = key_named_by(node, rule->target);
            bool go_on = key && function(node, rule->target, key, arg);
            free(key);
            if (!go_on)
                return false;
        }
        LYD_TREE_DFS_END(entry->node, node);
    }
    return true;
}

/* What a walk over the references of an entry does to the index. */
struct update {
    struct reference_index *index;
    const struct entry *entry;
};

static bool add_reference(const struct lyd_node *leaf, const struct unit *target, const char *key,
                          void *arg)
{
    struct update *update = arg;
    struct named wanted = {.rank = target->rank, .key = (char *)key};
    struct named **held = tfind(&wanted, &update->index->root, compare_named);
    struct named *named = held ? *held : NULL;
    if (!named) {
        named = calloc(1, sizeof(*named));
        if (!named)
            return false;
        named->rank = target->rank;
        named->key = strdup(key);
        if (!named->key || !tsearch(named, &update->index->root, compare_named)) {
            free(named->key);
            free(named);
            return false;
        }
    }
    if (named->count == named->room) {
        size_t room = named->room ? named->room * 2 : 4;
        const struct entry **by = realloc(named->by, room * sizeof(*by));
        if (!by)
            return false;
        named->by = by;
        named->room = room;
    }
    named->by[named->count++] = entry_ref(update->entry);
    return true;
}

static void free_named(void *arg)
{
    struct named *named = arg;
    for (size_t i = 0; i < named->count; i++)
        entry_unref((struct entry *)named->by[i]);
    free(named->by);
    free(named->key);
    free(named);
}

static bool drop_reference(const struct lyd_node *leaf, const struct unit *target, const char *key,
                           void *arg)
{
    struct update *update = arg;
    struct named wanted = {.rank = target->rank, .key = (char *)key};
    struct named **held = tfind(&wanted, &update->index->root, compare_named);
    struct named *named = held ? *held : NULL;
    for (size_t i = 0; named && i < named->count; i++) {
        if (named->by[i] != update->entry)
            continue;
        entry_unref((struct entry *)named->by[i]);
        named->by[i] = named->by[--named->count];
        break;
    }
    if (named && !named->count) {
        tdelete(named, &update->index->root, compare_named);
        free_named(named);
    }
    return true;
}

static void drop_entry(struct reference_index *index, const struct schema *schema,
                       const struct entry *entry)
{
    struct update update = {index, entry};
    if (entry)
        references_of(schema, entry, drop_reference, &update);
}

static enum outcome add_entry(struct reference_index *index, const struct schema *schema,
                              const struct entry *entry, struct error *err)
{
    struct update update = {index, entry};
    if (!entry || references_of(schema, entry, add_reference, &update))
        return DONE;
    drop_entry(index, schema, entry);
    return fail_memory(err);
}

/* The leaf of an entry that names another one: for the path of the error. */
struct finding {
    size_t rank;
    const char *key;
    const struct lyd_node *leaf;
};

static bool find_leaf(const struct lyd_node *leaf, const struct unit *target, const char *key,
                      void *arg)
{
    struct finding *finding = arg;
    if (target->rank == finding->rank && !strcmp(key, finding->key))
        finding->leaf = leaf;
    return !finding->leaf;
}

static enum outcome refuse_deletion(const struct schema *schema, const struct named *named,
                                    const struct entry *gone, struct error *err)
{
    struct finding finding = {.rank = named->rank, .key = named->key};
    references_of(schema, named->by[0], find_leaf, &finding);
    char *path = finding.leaf ? lyd_path(finding.leaf, LYD_PATH_STD, NULL, 0) : NULL;
    refuse(err, TAG_DATA_MISSING, path,
           "%s%s is named here and cannot be deleted: change or delete what names it, too.",
           gone->unit->list->name, gone->key);
    error_set_app_tag(err, "instance-required");
    free(path);
    return REFUSED;
}

static enum outcome check_deletions(struct reference_index *index, const struct schema *schema,
                                    const struct change_set *changes, struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct entry *before = changes->changes[i].before;
        if (!before || changes->changes[i].after || !before->unit->list)
            continue;
        struct named wanted = {.rank = before->unit->rank, .key = before->key};
        struct named **held = tfind(&wanted, &index->root, compare_named);
        if (held)
            return refuse_deletion(schema, *held, before, err);
    }
    return DONE;
}

enum outcome references_apply(struct reference_index *index, const struct schema *schema,
                              const struct change_set *changes, struct error *err)
{
    enum outcome outcome = DONE;
    size_t added = 0;
    for (size_t i = 0; i < changes->count; i++)
        drop_entry(index, schema, changes->changes[i].before);
    for (; added < changes->count && outcome == DONE; added++)
        outcome = add_entry(index, schema, changes->changes[added].after, err);
    if (outcome == DONE)
        outcome = check_deletions(index, schema, changes, err);
    if (outcome == DONE)
        return DONE;
    for (size_t i = 0; i < added; i++)
        drop_entry(index, schema, changes->changes[i].after);
    for (size_t i = 0; i < changes->count; i++)
        add_entry(index, schema, changes->changes[i].before, NULL);
    return outcome;
}

void references_revert(struct reference_index *index, const struct schema *schema,
                       const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        drop_entry(index, schema, changes->changes[i].after);
    for (size_t i = 0; i < changes->count; i++)
        add_entry(index, schema, changes->changes[i].before, NULL);
}

void references_free(struct reference_index *index)
{
    tdestroy(index->root, free_named);
    index->root = NULL;
}
