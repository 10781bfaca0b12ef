/*
 * Entries.
 */
#include "agent/datastore/entry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/plain.h"
#include "agent/datastore/xml.h"

struct entry *entry_ref(const struct entry *entry)
{
    struct entry *shared = (struct entry *)entry; /* the count is all that ever changes */
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

static void free_rows(struct row_number *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(rows[i].path);
    free(rows);
}

void entry_unref(struct entry *entry)
{
    if (!entry || atomic_fetch_sub_explicit(&entry->refs, 1, memory_order_acq_rel) != 1)
        return;
    lyd_free_all(entry->tree);
    free_rows(entry->rows, entry->row_count);
    free(entry->key);
    free(entry->text);
    free(entry->digest);
    free(entry);
}

/* As lyd_path() ends an instance's path, without the work for all that comes before. */
char *entry_key_of(const struct lyd_node *node)
{
    const struct lyd_node *key;
    char *text = NULL, *at;
    size_t size = 1;
    if (!node->schema || node->schema->nodetype != LYS_LIST)
        return strdup("");
    for (key = lyd_child(node); key && key->schema && lysc_is_key(key->schema); key = key->next)
        size += strlen(key->schema->name) + strlen(lyd_get_value(key)) + sizeof("[='']");
    at = text = malloc(size);
    if (!text)
        return NULL;
    *at = '\0';
    for (key = lyd_child(node); key && key->schema && lysc_is_key(key->schema); key = key->next) {
        const char *value = lyd_get_value(key);
        char quote = strchr(value, '\'') ? '"' : '\'';
        at = stpcpy(stpcpy(at, "["), key->schema->name);
        *at++ = '=';
        *at++ = quote;
        at = stpcpy(at, value);
        *at++ = quote;
        at = stpcpy(at, "]");
    }
    return text;
}

/*
 * libyang makes the canonical text of some values only when it is first asked for, and keeps it in
 * the node. Ask now, so that readers on other threads find it and write nothing.
 */
static void settle_values(const struct lyd_node *tree)
{
    const struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        if (node->schema && (node->schema->nodetype & LYD_NODE_TERM))
            (void)lyd_get_value(node);
        LYD_TREE_DFS_END(tree, node);
    }
}

static struct lyd_node *instance_in(const struct unit *unit, struct lyd_node *tree)
{
    if (!unit->list)
        return tree;
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(tree), child)
    {
        if (child->schema == unit->list)
            return child;
    }
    return NULL;
}

static enum outcome copy_rows(struct entry *entry, const struct entry *previous, struct error *err)
{
    entry->number = previous->number;
    entry->last_row = previous->last_row;
    if (!previous->row_count)
        return DONE;
    entry->rows = calloc(previous->row_count, sizeof(*entry->rows));
    if (!entry->rows)
        return fail_memory(err);
    for (size_t i = 0; i < previous->row_count; i++) {
        entry->rows[i] = previous->rows[i];
        entry->rows[i].path = strdup(previous->rows[i].path);
        entry->row_count++;
        if (!entry->rows[i].path)
            return fail_memory(err);
    }
    return DONE;
}

enum outcome entry_new(const struct unit *unit, struct lyd_node *tree, const struct entry *previous,
                       struct entry **result, struct error *err)
{
    struct entry *entry = calloc(1, sizeof(*entry));
    if (!entry) {
        lyd_free_all(tree);
        return fail_memory(err);
    }
    atomic_init(&entry->refs, 1);
    entry->unit = unit;
    entry->tree = tree;
    entry->node = instance_in(unit, tree);
    if (!entry->node) {
        entry_unref(entry);
        return fail(err, TAG_OPERATION_FAILED, unit->path, "There is no instance of %s.",
                    unit->path);
    }
    entry->key = entry_key_of(entry->node);
    if (!entry->key || !plain_tree(tree) || (previous && copy_rows(entry, previous, err) != DONE)) {
        entry_unref(entry);
        return fail_memory(err);
    }
    settle_values(entry->tree);
    *result = entry;
    return DONE;
}

/* The path of a node from the entry's node on; to be freed. */
static char *path_within(const struct lyd_node *top, const struct lyd_node *node)
{
    char *key = entry_key_of(node), *above = NULL, *path = NULL;
    const struct lyd_node *parent = lyd_parent(node);
    bool nested = parent && parent->schema != top->schema;
    if (nested)
        above = path_within(top, parent);
    const char *around = above ? above : "";
    if (key && (above || !nested))
        path = malloc(strlen(around) + 1 + strlen(node->schema->name) + strlen(key) + 1);
    if (path)
        stpcpy(stpcpy(stpcpy(stpcpy(path, around), "/"), node->schema->name), key);
    free(above);
    free(key);
    return path;
}

static int compare_row(const void *path, const void *row)
{
    return strcmp(path, ((const struct row_number *)row)->path);
}

static const struct row_number *find_row(const struct entry *entry, const char *path)
{
    return entry->row_count
               ? bsearch(path, entry->rows, entry->row_count, sizeof(*entry->rows), compare_row)
               : NULL;
}

uint32_t entry_row_number(const struct entry *entry, const struct lyd_node *node)
{
    char *path = path_within(entry->node, node);
    const struct row_number *row = path ? find_row(entry, path) : NULL;
    free(path);
    return row ? row->number : 0;
}

/* Lists right below the entry have numbers, and of those further down the ones that show them. */
static bool is_row(const struct lyd_node *node, bool nested)
{
    if (!node->schema || node->schema->nodetype != LYS_LIST || (node->schema->flags & LYS_KEYLESS))
        return false;
    const struct lysc_node *child = nested ? lysc_node_child(node->schema) : NULL;
    while (child && (strcmp(child->name, "number") != 0 || (child->flags & LYS_CONFIG_W)))
        child = child->next;
    return child || !nested;
}

static size_t count_rows(const struct lyd_node *parent, bool nested)
{
    const struct lyd_node *child;
    size_t count = 0;
    LY_LIST_FOR(lyd_child(parent), child)
    {
        count += is_row(child, nested);
        count += count_rows(child, true);
    }
    return count;
}

static int compare_rows(const void *a, const void *b)
{
    return strcmp(((const struct row_number *)a)->path, ((const struct row_number *)b)->path);
}

/* Rows below a node, with the numbers that they have, or the next ones. */
static bool add_rows(struct entry *entry, const struct lyd_node *parent, bool nested,
                     struct row_number *rows, size_t *filled)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(parent), child)
    {
        if (is_row(child, nested)) {
            struct row_number *row = &rows[*filled];
            row->path = path_within(entry->node, child);
            if (!row->path)
                return false;
            const struct row_number *known = find_row(entry, row->path);
            row->number = known ? known->number : ++entry->last_row;
            ++*filled;
        }
        if (!add_rows(entry, child, true, rows, filled))
            return false;
    }
    return true;
}

/* Rows that are gone lose their number for good; new ones get the next. */
static enum outcome number_rows(struct entry *entry, struct error *err)
{
    size_t count = count_rows(entry->node, false), filled = 0;
    struct row_number *rows = count ? calloc(count, sizeof(*rows)) : NULL;
    if (count && (!rows || !add_rows(entry, entry->node, false, rows, &filled))) {
        free_rows(rows, filled);
        return fail_memory(err);
    }
    if (count)
        qsort(rows, count, sizeof(*rows), compare_rows);
    free_rows(entry->rows, entry->row_count);
    entry->rows = rows;
    entry->row_count = count;
    return DONE;
}

enum outcome entry_new_valid(const struct unit *unit, struct lyd_node *tree,
                             const struct entry *previous, struct entry **valid, struct error *err)
{
    struct entry *entry;
    enum outcome outcome = entry_new(unit, tree, previous, &entry, err);
    if (outcome != DONE)
        return outcome;
    outcome = number_rows(entry, err);
    if (outcome != DONE) {
        entry_unref(entry);
        return outcome;
    }
    entry->valid = true;
    *valid = entry;
    return DONE;
}

/*
 * Leave nothing in a tree but one entry: not its companions, nor what validation added.
 * @param like The list's instance that stays; NULL: there is one.
 */
static struct lyd_node *keep_alone(struct lyd_node *tree, const struct unit *unit,
                                   const struct lyd_node *like)
{
    struct lyd_node *next, *node, *kept = NULL;
    LY_LIST_FOR_SAFE(lyd_first_sibling(tree), next, node)
    {
        if (node->schema == unit->top)
            kept = node;
        else
            lyd_free_tree(node);
    }
    LY_LIST_FOR_SAFE(unit->list ? lyd_child(kept) : NULL, next, node)
    {
        if (node->schema != unit->list || (like && lyd_compare_single(node, like, 0)))
            lyd_free_tree(node);
    }
    return kept;
}

static bool is_plain_container(const struct lyd_node *node)
{
    return node->schema->nodetype == LYS_CONTAINER && !(node->schema->flags & LYS_PRESENCE);
}

/* What validation notes in nodes that it finds right, in a node and all below it. */
static void mark_valid(struct lyd_node *node)
{
    bool given = false;
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        mark_valid(child);
        given = given || !(child->flags & LYD_DEFAULT);
    }
    node->flags &= ~LYD_NEW;
    if (lysc_has_when(node->schema))
        node->flags |= LYD_WHEN_TRUE;
    if (is_plain_container(node) && !given)
        node->flags |= LYD_DEFAULT;
}

enum outcome entry_restore(const struct unit *unit, struct lyd_node *tree,
                           const struct entry *previous, struct entry **entry, struct error *err)
{
    /* Empty containers that are new would be taken for what is filled already. */
    mark_valid(tree);
    if (lyd_new_implicit_tree(tree, LYD_IMPLICIT_NO_STATE, NULL)) {
        lyd_free_all(tree);
        return fail_memory(err);
    }
    tree = keep_alone(tree, unit, NULL);
    if (tree)
        mark_valid(tree);
    return entry_new_valid(unit, tree, previous, entry, err);
}

enum outcome entry_validate_with(const struct schema *schema, struct entry *entry,
                                 struct lyd_node *company, struct entry **valid, struct error *err)
{
    struct lyd_node *tree = company;
    if (entry->valid) {
        lyd_free_all(company);
        *valid = entry_ref(entry);
        return DONE;
    }
    if (!tree && lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &tree))
        return fail_memory(err);
    if (lyd_validate_module(&tree, entry->unit->top->module, LYD_VALIDATE_NO_STATE, NULL)) {
        char *instance = lyd_path(entry->node, LYD_PATH_STD, NULL, 0);
        enum outcome outcome =
            schema_refuse_tree(schema, tree, instance, err, "The data is not valid.");
        free(instance);
        lyd_free_all(tree);
        return outcome;
    }
    return entry_new_valid(entry->unit, keep_alone(tree, entry->unit, entry->node), entry, valid,
                           err);
}

enum outcome entry_validate_taken(const struct schema *schema, struct entry *entry,
                                  struct entry **valid, struct error *err)
{
    struct lyd_node *tree = entry->tree;
    enum outcome outcome;
    entry->tree = entry->node = NULL;
    if (!lyd_validate_module(&tree, entry->unit->top->module, LYD_VALIDATE_NO_STATE, NULL)) {
        outcome =
            entry_new_valid(entry->unit, keep_alone(tree, entry->unit, NULL), entry, valid, err);
    } else {
        char *instance;
        if (asprintf(&instance, "%s%s", entry->unit->path, entry->key) < 0)
            instance = NULL;
        outcome = schema_refuse_tree(schema, tree, instance, err, "The data is not valid.");
        free(instance);
        lyd_free_all(tree);
    }
    entry_unref(entry);
    return outcome;
}

enum outcome entry_validate(const struct schema *schema, struct entry *entry, struct entry **valid,
                            struct error *err)
{
    return entry_validate_with(schema, entry, NULL, valid, err);
}

enum outcome entry_continue(struct entry **entry, const struct entry *previous, struct error *err)
{
    struct entry *old = *entry, *twin;
    struct lyd_node *tree;
    bool unnumbered = previous && previous->number && !old->number;
    bool behind = previous && previous->number == old->number && previous->last_row > old->last_row;
    if (!behind && !unnumbered)
        return DONE;
    if (lyd_dup_single(old->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &tree))
        return fail_memory(err);
    enum outcome outcome =
        entry_new_valid(old->unit, tree, unnumbered ? previous : old, &twin, err);
    if (outcome != DONE)
        return outcome;
    if (behind)
        twin->last_row = previous->last_row;
    entry_unref(old);
    *entry = twin;
    return DONE;
}

bool entry_same(const struct entry *a, const struct entry *b)
{
    return a == b ||
           (a->unit == b->unit &&
            lyd_compare_single(a->tree, b->tree,
                               LYD_COMPARE_FULL_RECURSION | LYD_COMPARE_DEFAULTS) == LY_SUCCESS);
}

const char *entry_text(const struct entry *entry)
{
    struct entry *shared = (struct entry *)entry;
    char *text = atomic_load(&shared->text), *none = NULL;
    if (text)
        return text;
    text = xml_of(entry->node);
    /* Two readers may come here at once; the first one's text stays. */
    if (text && !atomic_compare_exchange_strong(&shared->text, &none, text)) {
        free(text);
        text = none;
    }
    return text;
}

/* The first child with a name that need not end with a zero. */
static const struct lyd_node *child_with(const struct lyd_node *node, const char *name,
                                         size_t length)
{
    const struct lyd_node *child;
    LY_LIST_FOR(node ? lyd_child(node) : NULL, child)
    {
        const char *other = child->schema ? child->schema->name : "";
        if (*other == *name && !strncmp(other, name, length) && !other[length])
            break;
    }
    return child;
}

const struct lyd_node *child_node(const struct lyd_node *node, const char *name)
{
    return child_with(node, name, strlen(name));
}

const char *leaf_value(const struct lyd_node *node, const char *path)
{
    while (node && *path) {
        size_t length = strcspn(path, "/");
        node = child_with(node, path, length);
        path += length + (path[length] == '/');
    }
    return node && node->schema && (node->schema->nodetype & LYD_NODE_TERM) ? lyd_get_value(node)
                                                                            : NULL;
}

bool leaf_copy(const struct lyd_node *node, const char *path, char **copy)
{
    const char *value = leaf_value(node, path);
    *copy = value ? strdup(value) : NULL;
    return *copy || !value;
}
