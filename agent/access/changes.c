/*
 * Changes of a configuration held against rules, node by node.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access/access.h"
#include "agent/datastore/edit.h"

static const char *right_name(enum access_right right)
{
    return right == ACCESS_CREATE ? "create" : right == ACCESS_DELETE ? "delete" : "change";
}

/* Where a node is, without the keys of it, which may be secret, if the user cannot read it. */
static char *shown_path(const struct access *access, const struct lyd_node *node)
{
    return access_reads(access, node) ? lyd_path(node, LYD_PATH_STD, NULL, 0)
                                      : lysc_path(node->schema, LYSC_PATH_DATA, NULL, 0);
}

static enum outcome deny(const struct access *access, const struct lyd_node *node,
                         enum access_right right, struct error *err)
{
    char *path = shown_path(access, node), *what = NULL;
    if (asprintf(&what, "%s %s", right_name(right), path ? path : LYD_NAME(node)) < 0)
        what = NULL;
    access_denied(access, DENIED_DATA_WRITES, what ? what : right_name(right));
    refuse(err, TAG_ACCESS_DENIED, path,
           "The user %s may not %s this %s: ask for a rule in /ietf-netconf-acm:nacm that permits "
           "it.",
           access->user, right_name(right), LYD_NAME(node));
    free(what);
    free(path);
    return REFUSED;
}

static enum outcome check_node(const struct access *access, const struct lyd_node *node,
                               enum access_right right, struct error *err)
{
    return access_allows(access, node, right) ? DONE : deny(access, node, right, err);
}

/* A node with all below it, which is created or deleted as a whole. */
static enum outcome check_whole(const struct access *access, const struct lyd_node *node,
                                enum access_right right, struct error *err)
{
    enum outcome outcome = DONE;
    const struct lyd_node *child;
    if (!edit_exists(node))
        return DONE;
    /* A container without presence comes and goes with what is in it. */
    if (!lysc_is_np_cont(node->schema))
        outcome = check_node(access, node, right, err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (outcome == DONE)
            outcome = check_whole(access, child, right, err);
    }
    return outcome;
}

/* The same instance below the other parent, if it exists there. */
static const struct lyd_node *twin_of(const struct lyd_node *node, const struct lyd_node *parent)
{
    struct lyd_node *found = NULL;
    if (node->schema->nodetype & (LYS_LIST | LYS_LEAFLIST))
        lyd_find_sibling_first(lyd_child(parent), node, &found);
    else
        lyd_find_sibling_val(lyd_child(parent), node->schema, NULL, 0, &found);
    return edit_exists(found) ? found : NULL;
}

/* Whether a node had to go because a node of another case of its choice has come. */
static bool is_ousted(const struct lyd_node *node, const struct lyd_node *parent)
{
    const struct lyd_node *other;
    LY_LIST_FOR(lyd_child(parent), other)
    {
        if (edit_exists(other) && edit_excludes(node->schema, other->schema))
            return true;
    }
    return false;
}

/* The next instance of a user-ordered list that both sides have and that is not moved yet. */
static const struct lyd_node *next_kept(const struct lyd_node *node, const struct lysc_node *list,
                                        const struct lyd_node *other, const struct ly_set *moved)
{
    for (; node; node = node->next)
        if (node->schema == list && edit_exists(node) && twin_of(node, other) &&
            !ly_set_contains(moved, node, NULL) &&
            !ly_set_contains(moved, twin_of(node, other), NULL))
            return node;
    return NULL;
}

/* To move an instance is to update it. */
static enum outcome check_order(const struct access *access, const struct lysc_node *list,
                                const struct lyd_node *before, const struct lyd_node *after,
                                struct error *err)
{
    enum outcome outcome = DONE;
    struct ly_set *moved = NULL;
    if (ly_set_new(&moved))
        return fail_memory(err);
    const struct lyd_node *old = next_kept(lyd_child(before), list, after, moved);
    const struct lyd_node *new = next_kept(lyd_child(after), list, before, moved);
    while (old && new &&outcome == DONE) {
        const struct lyd_node *twin = twin_of(new, before);
        if (twin != old) {
            const struct lyd_node *next = next_kept(new->next, list, before, moved);
            bool came = next && twin_of(next, before) == old;
            const struct lyd_node *mover = came ? new : twin_of(old, after);
            outcome = check_node(access, mover, ACCESS_UPDATE, err);
            if (ly_set_add(moved, (void *)mover, 1, NULL))
                outcome = fail_memory(err);
            old = next_kept(old, list, after, moved);
            new = next_kept(new, list, before, moved);
        } else {
            old = next_kept(old->next, list, after, moved);
            new = next_kept(new->next, list, before, moved);
        }
    }
    ly_set_free(moved, NULL);
    return outcome;
}

static enum outcome check_children(const struct access *access, const struct lyd_node *before,
                                   const struct lyd_node *after, struct error *err);

/* A node that is on both sides. */
static enum outcome check_both(const struct access *access, const struct lyd_node *before,
                               const struct lyd_node *after, struct error *err)
{
    if (after->schema->nodetype & LYD_NODE_INNER)
        return check_children(access, before, after, err);
    if (!lyd_compare_single(before, after, LYD_COMPARE_FULL_RECURSION))
        return DONE;
    return check_node(access, after, ACCESS_UPDATE, err);
}

static enum outcome check_children(const struct access *access, const struct lyd_node *before,
                                   const struct lyd_node *after, struct error *err)
{
    const struct lyd_node *child;
    const struct lysc_node *ordered = NULL;
    enum outcome outcome = DONE;
    LY_LIST_FOR(lyd_child(after), child)
    {
        if (outcome != DONE || !edit_exists(child))
            continue;
        const struct lyd_node *twin = twin_of(child, before);
        outcome = twin ? check_both(access, twin, child, err)
                       : check_whole(access, child, ACCESS_CREATE, err);
        if (outcome == DONE && lysc_is_userordered(child->schema) && child->schema != ordered) {
            ordered = child->schema;
            outcome = check_order(access, ordered, before, after, err);
        }
    }
    LY_LIST_FOR(lyd_child(before), child)
    {
        if (outcome == DONE && edit_exists(child) && !twin_of(child, after) &&
            !is_ousted(child, after))
            outcome = check_whole(access, child, ACCESS_DELETE, err);
    }
    return outcome;
}

static bool writes_all_of(struct access *access, const struct unit *unit)
{
    return access_covers(access, unit, ACCESS_CREATE) &&
           access_covers(access, unit, ACCESS_UPDATE) && access_covers(access, unit, ACCESS_DELETE);
}

static enum outcome check_change(struct access *access, const struct change *change,
                                 struct error *err)
{
    if (writes_all_of(access, change->unit))
        return DONE;
    if (!change->before)
        return check_whole(access, change->after->node, ACCESS_CREATE, err);
    if (!change->after)
        return check_whole(access, change->before->node, ACCESS_DELETE, err);
    return check_both(access, change->before->node, change->after->node, err);
}

enum outcome access_check_changes(struct access *access, const struct snapshot *before,
                                  const struct snapshot *after, struct error *err)
{
    struct change_set changes;
    if (access->all)
        return DONE;
    enum outcome outcome = change_set_make(before, after, &changes, err);
    if (outcome != DONE)
        return outcome;
    for (size_t i = 0; i < changes.count && outcome == DONE; i++)
        outcome = check_change(access, &changes.changes[i], err);
    change_set_free(&changes);
    return outcome;
}

/* What can be read of an entry. */
static enum outcome visible_entry(const struct access *access, const struct entry *entry,
                                  struct entry **visible, struct error *err)
{
    struct lyd_node *tree, *node = NULL;
    *visible = NULL;
    if (lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &tree))
        return fail_memory(err);
    if (!access_prune(access, tree)) {
        if (entry->unit->list)
            return DONE;
        /* A container without presence is there, with nothing in it. */
        if (lyd_new_inner(NULL, entry->unit->top->module, entry->unit->top->name, 0, &tree))
            return fail_memory(err);
    }
    if (entry->unit->list) {
        LY_LIST_FOR(lyd_child(tree), node)
        {
            if (node->schema == entry->unit->list)
                break;
        }
        if (!node) {
            lyd_free_all(tree);
            return DONE;
        }
    }
    return entry_new(entry->unit, tree, entry, visible, err);
}

enum outcome access_visible(struct access *access, const struct snapshot *snapshot,
                            struct snapshot **visible, struct error *err)
{
    enum outcome outcome = DONE;
    size_t put_count = 0, del_count = 0;
    struct entry **puts = calloc(snapshot->count + 1, sizeof(*puts));
    const struct entry **dels = calloc(snapshot->count + 1, sizeof(*dels));
    if (!puts || !dels)
        outcome = fail_memory(err);
    for (size_t i = 0; i < snapshot->count && outcome == DONE; i++) {
        const struct entry *entry = snapshot->entries[i];
        struct entry *part;
        if (!entry->unit->config || access_covers(access, entry->unit, ACCESS_READ))
            continue;
        outcome = visible_entry(access, entry, &part, err);
        if (outcome == DONE && !part)
            dels[del_count++] = entry;
        else if (outcome == DONE && entry_same(entry, part))
            entry_unref(part);
        else if (outcome == DONE)
            puts[put_count++] = part;
    }
    if (outcome == DONE) {
        *visible = put_count || del_count
                       ? snapshot_with(snapshot, puts, put_count, dels, del_count)
                       : snapshot_ref(snapshot);
        outcome = *visible ? DONE : fail_memory(err);
    }
    for (size_t i = 0; i < put_count; i++)
        entry_unref(puts[i]);
    free(puts);
    free(dels);
    return outcome;
}

void access_hide_presence(const struct access *access, const struct lyd_node *edit,
                          struct error *err)
{
    struct lyd_node *node = NULL;
    bool exists = err && err->tag == TAG_DATA_EXISTS;
    if (!err || access->all || !err->path || (!exists && err->tag != TAG_DATA_MISSING))
        return;
    enum access_right right = exists ? ACCESS_CREATE : ACCESS_DELETE;
    if (lyd_find_path(edit, err->path, 0, &node) || access_reads(access, node) ||
        access_allows(access, node, right))
        return;
    error_clear(err);
    deny(access, node, right, err);
}
