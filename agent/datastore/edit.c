/*
 * Edits of a snapshot: which entries an edit touches, and what becomes of each.
 */
#include "agent/datastore/edit.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/datastore/form.h"
#include "agent/memory.h"

/* From so many new entries in one edit on it is worth to look for what they have in common. */
#define FORMS_FROM 8

/* An edit in progress. */
struct edit {
    const struct schema *schema;
    const struct snapshot *original; /* whose entries' numbers are kept */
    const struct snapshot *base;     /* what is edited: original, or nothing if all is replaced */
    struct entry **puts;             /* owned, with a reference each */
    size_t put_count, put_room;
    const struct entry **dels; /* borrowed from base */
    size_t del_count, del_room;
    bool takes;          /* instances may be taken out of the edit */
    size_t new_count;    /* entries that were not there */
    struct forms *forms; /* of those; NULL while there are few */
};

static enum outcome put_entry(struct edit *edit, struct entry *entry, struct error *err)
{
    if (!array_grow(&edit->puts, edit->put_count, &edit->put_room, sizeof(*edit->puts))) {
        entry_unref(entry);
        return fail_memory(err);
    }
    edit->puts[edit->put_count++] = entry;
    return DONE;
}

static enum outcome del_entry(struct edit *edit, const struct entry *entry, struct error *err)
{
    if (!array_grow(&edit->dels, edit->del_count, &edit->del_room, sizeof(*edit->dels)))
        return fail_memory(err);
    edit->dels[edit->del_count++] = entry;
    return DONE;
}

static bool is_unit_instance(const struct lyd_node *child, void *schema)
{
    return child->schema && schema_unit_of_list(schema, child->schema);
}

/* An entry of the original that stays the same stays shared. */
static enum outcome put_or_keep(struct edit *edit, struct entry *entry, const struct entry *known,
                                struct error *err)
{
    if (known && known->valid && entry_same(known, entry)) {
        entry_unref(entry);
        entry = entry_ref(known);
    }
    return put_entry(edit, entry, err);
}

/* An entry of the original keeps its numbers. */
static enum outcome put_tree(struct edit *edit, const struct unit *unit, struct lyd_node *tree,
                             const struct entry *known, struct error *err)
{
    struct entry *entry;
    enum outcome outcome = entry_new(unit, tree, known, &entry, err);
    return outcome == DONE ? put_or_keep(edit, entry, known, err) : outcome;
}

/* The form of a new entry, if it has one that is known. */
static const struct form *form_of(struct edit *edit, const struct unit *unit,
                                  const struct lyd_node *node)
{
    if (!forms_serve(edit->schema, unit) || edit->new_count++ < FORMS_FROM)
        return NULL;
    if (!edit->forms)
        edit->forms = forms_new(edit->schema);
    return edit->forms ? form_find(edit->forms, node) : NULL;
}

static enum outcome put_by_form(struct edit *edit, const struct unit *unit, const struct form *form,
                                const struct lyd_node *node, const struct entry *known,
                                struct error *err)
{
    struct entry *entry;
    struct lyd_node *tree = form_make(form, (struct lyd_node *)node, edit->takes);
    if (!tree)
        return fail_memory(err);
    enum outcome outcome = entry_new_valid(unit, tree, known, &entry, err);
    return outcome == DONE ? put_or_keep(edit, entry, known, err) : outcome;
}

/* What the entry that was put last, a new one, has in common with those that may follow. */
static void learn_form(struct edit *edit, const struct lyd_node *node)
{
    struct entry **put = &edit->puts[edit->put_count - 1], *valid;
    struct error error = {0};
    if (!edit->forms || (*put)->valid || !form_try(edit->forms))
        return;
    if (entry_validate(edit->schema, *put, &valid, &error) == DONE) {
        form_learn(edit->forms, node, valid);
        entry_unref(*put);
        *put = valid;
    }
    error_clear(&error); /* it is told when all is validated */
}

static enum outcome refuse_presence(const struct lyd_node *node, enum edit_operation operation,
                                    bool present, struct error *err)
{
    if (operation == EDIT_CREATE && present)
        return edit_refuse(node, TAG_DATA_EXISTS, err, "This %s exists already.", LYD_NAME(node));
    if (operation == EDIT_DELETE && !present)
        return edit_refuse(node, TAG_DATA_MISSING, err, "There is no such %s to delete.",
                           LYD_NAME(node));
    if (operation == EDIT_NONE && !present)
        return edit_refuse(node, TAG_DATA_MISSING, err,
                           "There is no such %s, and the operation none creates nothing.",
                           LYD_NAME(node));
    return DONE;
}

/* The tree to be edited: a copy of what is there, or the bare instance with its keys. */
static enum outcome instance_tree(const struct entry *present, const struct lyd_node *node,
                                  struct lyd_node **tree, struct error *err)
{
    if (present)
        return lyd_dup_single(present->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, tree)
                   ? fail_memory(err)
                   : DONE;
    const struct lysc_node *top = node->schema->parent;
    if (lyd_new_inner(NULL, top->module, top->name, 0, tree))
        return fail_memory(err);
    if (lyd_dup_single(node, (struct lyd_node_inner *)*tree, LYD_DUP_NO_META, NULL)) {
        lyd_free_all(*tree);
        return fail_memory(err);
    }
    return DONE;
}

static enum outcome edit_instance(struct edit *edit, const struct lyd_node *node,
                                  enum edit_operation inherited, struct error *err)
{
    const struct unit *unit = schema_unit_of_list(edit->schema, node->schema);
    enum edit_operation operation = edit_operation_of(node, inherited);
    char *key = entry_key_of(node);
    if (!key)
        return fail_memory(err);
    const struct entry *known = snapshot_find(edit->original, unit, key);
    const struct entry *present = snapshot_find(edit->base, unit, key);
    free(key);

    enum outcome outcome = refuse_presence(node, operation, present, err);
    if (outcome != DONE)
        return outcome;
    if (operation == EDIT_DELETE || operation == EDIT_REMOVE)
        return present ? del_entry(edit, present, err) : DONE;

    bool is_new = (!present || operation == EDIT_REPLACE) && operation != EDIT_NONE;
    const struct form *form = is_new ? form_of(edit, unit, node) : NULL;
    if (form)
        return put_by_form(edit, unit, form, node, known, err);

    struct lyd_node *tree;
    outcome = instance_tree(operation == EDIT_REPLACE ? NULL : present, node, &tree, err);
    if (outcome != DONE)
        return outcome;
    /* Beside the instance there may be leafs of the container, by their defaults. */
    struct lyd_node *target;
    LY_LIST_FOR(lyd_child(tree), target)
    {
        if (target->schema == unit->list)
            break;
    }
    outcome = edit_children(target, node, operation == EDIT_NONE ? EDIT_NONE : EDIT_MERGE, NULL,
                            NULL, err);
    if (outcome != DONE) {
        lyd_free_all(tree);
        return outcome;
    }
    outcome = put_tree(edit, unit, tree, known, err);
    if (outcome == DONE && is_new)
        learn_form(edit, node);
    return outcome;
}

static enum outcome delete_instances(struct edit *edit, const struct lysc_node *top,
                                     struct error *err)
{
    for (size_t i = 0; i < edit->schema->unit_count; i++) {
        const struct unit *unit = &edit->schema->units[i];
        size_t count = 0, first = 0;
        if (unit->top == top && unit->list)
            first = snapshot_range(edit->base, unit, &count);
        for (size_t e = first; e < first + count; e++)
            if (del_entry(edit, edit->base->entries[e], err) != DONE)
                return FAILED;
    }
    return DONE;
}

static bool top_exists(const struct edit *edit, const struct unit *unit)
{
    const struct entry *own = snapshot_find(edit->base, unit, "");
    if (own && edit_exists(own->tree))
        return true;
    for (size_t i = 0; i < edit->schema->unit_count; i++) {
        size_t count = 0;
        if (edit->schema->units[i].top == unit->top && edit->schema->units[i].list)
            snapshot_range(edit->base, &edit->schema->units[i], &count);
        if (count)
            return true;
    }
    return false;
}

/* What of a top-level container is in no unit of its own. */
static enum outcome edit_rest(struct edit *edit, const struct unit *unit,
                              const struct lyd_node *node, enum edit_operation operation,
                              bool clear, struct error *err)
{
    const struct entry *present = snapshot_find(edit->base, unit, "");
    struct lyd_node *tree;
    bool copy = present && !clear;
    if (copy ? lyd_dup_single(present->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &tree)
             : lyd_new_inner(NULL, unit->top->module, unit->top->name, 0, &tree))
        return fail_memory(err);
    enum outcome outcome =
        edit_children(tree, node, operation == EDIT_NONE ? EDIT_NONE : EDIT_MERGE, is_unit_instance,
                      (void *)edit->schema, err);
    if (outcome != DONE) {
        lyd_free_all(tree);
        return outcome;
    }
    return put_tree(edit, unit, tree, snapshot_find(edit->original, unit, ""), err);
}

static enum outcome clear_rest(struct edit *edit, const struct unit *unit, struct error *err)
{
    struct lyd_node *tree;
    if (lyd_new_inner(NULL, unit->top->module, unit->top->name, 0, &tree))
        return fail_memory(err);
    return put_tree(edit, unit, tree, snapshot_find(edit->original, unit, ""), err);
}

/* Instances of a container that is replaced are made as if nothing had been there. */
static enum outcome edit_instances(struct edit *edit, const struct lyd_node *node,
                                   enum edit_operation operation, bool clear, struct error *err)
{
    const struct snapshot *base = edit->base;
    struct snapshot *nothing = NULL;
    enum edit_operation inherited = operation == EDIT_NONE ? EDIT_NONE : EDIT_MERGE;
    enum outcome outcome = DONE;
    const struct lyd_node *child, *next;
    if (clear) {
        outcome = delete_instances(edit, node->schema, err);
        if (outcome == DONE)
            outcome = snapshot_new_empty(edit->schema, &nothing, err);
        edit->base = nothing;
    }
    LY_LIST_FOR_SAFE(lyd_child(node), next, child)
    {
        if (outcome == DONE && is_unit_instance(child, (void *)edit->schema))
            outcome = edit_instance(edit, child, inherited, err);
    }
    edit->base = base;
    snapshot_unref(nothing);
    return outcome;
}

static enum outcome edit_top(struct edit *edit, const struct lyd_node *node,
                             enum edit_operation inherited, struct error *err)
{
    const struct unit *unit = node->schema ? schema_unit_of_top(edit->schema, node->schema) : NULL;
    enum edit_operation operation = edit_operation_of(node, inherited);
    if (!node->schema)
        return edit_refuse_opaque(node, err);
    if (!unit)
        return edit_refuse(node, TAG_UNKNOWN_ELEMENT, err,
                           "<%s> is not part of this agent's configuration.", LYD_NAME(node));
    if (!unit->config)
        return edit_refuse(node, TAG_BAD_ELEMENT, err,
                           "<%s> is state: it can be read but not configured.", LYD_NAME(node));

    /* A container without presence always is: the operation none may descend through it. */
    enum outcome outcome = operation == EDIT_NONE
                               ? DONE
                               : refuse_presence(node, operation, top_exists(edit, unit), err);
    if (outcome != DONE)
        return outcome;
    if (operation == EDIT_DELETE || operation == EDIT_REMOVE) {
        outcome = delete_instances(edit, node->schema, err);
        return outcome == DONE ? clear_rest(edit, unit, err) : outcome;
    }
    bool clear = operation == EDIT_REPLACE;
    outcome = edit_rest(edit, unit, node, operation, clear, err);
    return outcome == DONE ? edit_instances(edit, node, operation, clear, err) : outcome;
}

/* One entry given twice in one edit has no clear meaning. */
static enum outcome refuse_twice(struct edit *edit, struct error *err)
{
    if (edit->put_count)
        qsort(edit->puts, edit->put_count, sizeof(*edit->puts), entry_compare_pointed);
    for (size_t i = 1; i < edit->put_count; i++) {
        const struct entry *entry = edit->puts[i];
        if (!entry_compare(edit->puts[i - 1], entry))
            return edit_refuse(entry->node, TAG_BAD_ELEMENT, err,
                               "This %s is given twice in one edit.", LYD_NAME(entry->node));
    }
    return DONE;
}

static void edit_free(struct edit *edit)
{
    for (size_t i = 0; i < edit->put_count; i++)
        entry_unref(edit->puts[i]);
    free(edit->puts);
    free(edit->dels);
    forms_free(edit->forms);
}

static enum outcome make_edit(const struct schema *schema, const struct snapshot *base,
                              const struct lyd_node *node, enum edit_operation operation,
                              bool takes, struct snapshot **result, struct error *err)
{
    struct edit edit = {.schema = schema, .original = base, .base = base, .takes = takes};
    struct snapshot *nothing = NULL;
    enum outcome outcome = DONE;
    if (operation == EDIT_REPLACE) {
        outcome = snapshot_new_empty(schema, &nothing, err);
        edit.base = nothing;
    }
    for (; node && outcome == DONE; node = node->next)
        outcome = edit_top(&edit, node, operation == EDIT_REPLACE ? EDIT_MERGE : operation, err);
    if (outcome == DONE)
        outcome = refuse_twice(&edit, err);
    if (outcome == DONE) {
        *result = snapshot_with(edit.base, edit.puts, edit.put_count, edit.dels, edit.del_count);
        if (!*result)
            outcome = fail_memory(err);
        else if (operation == EDIT_REPLACE) {
            (*result)->revision = base->revision;
            (*result)->committed = base->committed;
        }
    }
    memory_freed(edit.put_count);
    edit_free(&edit);
    snapshot_unref(nothing);
    return outcome;
}

enum outcome edit_snapshot(const struct schema *schema, const struct snapshot *base,
                           const struct lyd_node *node, enum edit_operation operation,
                           struct snapshot **result, struct error *err)
{
    return make_edit(schema, base, node, operation, false, result, err);
}

enum outcome edit_snapshot_taking(const struct schema *schema, const struct snapshot *base,
                                  struct lyd_node *node, enum edit_operation operation,
                                  struct snapshot **result, struct error *err)
{
    return make_edit(schema, base, node, operation, true, result, err);
}
