/*
 * What a commit changed, as the edits of a netconf-config-change (RFC 6470).
 */
#include <stdlib.h>
#include <string.h>

#include "agent/event/notices.h"

/* The edits of one notification. */
struct edits {
    struct lyd_node *notification;
    size_t count;
    const struct lysc_node *last_top; /* the last container that was named as a whole */
    bool failed;
};

static void add_edit(struct edits *edits, const char *path, const char *operation)
{
    struct lyd_node *edit;
    if (!path || lyd_new_list(edits->notification, NULL, "edit", 0, &edit) ||
        lyd_new_term(edit, NULL, "target", path, 0, NULL) ||
        lyd_new_term(edit, NULL, "operation", operation, 0, NULL))
        edits->failed = true;
    edits->count++;
}

static const struct lysc_node *top_of(const struct lysc_node *schema)
{
    while (schema->parent)
        schema = schema->parent;
    return schema;
}

/* Name a container in place of what is in it; changes come in the order of their containers. */
static void add_top(struct edits *edits, const struct lysc_node *top)
{
    if (edits->last_top == top)
        return;
    char *path = lysc_path(top, LYSC_PATH_LOG, NULL, 0);
    add_edit(edits, path, "merge");
    free(path);
    edits->last_top = top;
}

/* Whether a node is for nobody's eyes, as a list whose keys are secrets (RFC 8341, 3.7.3). */
static bool is_secret(const struct lysc_node *schema)
{
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(schema->exts, i)
    {
        const struct lysc_ext *definition = schema->exts[i].def;
        if (!strcmp(definition->name, "default-deny-all") &&
            !strcmp(definition->module->name, "ietf-netconf-acm"))
            return true;
    }
    return false;
}

/* Name a node, or the innermost one around it that tells no secret. */
static void add_node(struct edits *edits, const struct lyd_node *node, const char *operation)
{
    const struct lyd_node *told = node, *up;
    for (up = node; up; up = lyd_parent(up))
        if (is_secret(up->schema) && lyd_parent(up))
            told = lyd_parent(up);
    if (told != node)
        operation = "merge";
    char *path = lyd_path(told, LYD_PATH_STD, NULL, 0);
    add_edit(edits, path, operation);
    free(path);
}

/* Name the topmost nodes of a difference that were created, deleted or replaced. */
static void add_difference(struct edits *edits, const struct lyd_node *node)
{
    const struct lyd_node *child;
    const struct lyd_meta *meta = lyd_find_meta(node->meta, NULL, "yang:operation");
    const char *operation = meta ? lyd_get_meta_value(meta) : "none";
    if (edits->count >= NOTICE_EDITS_MAX) {
        add_top(edits, top_of(node->schema));
        return;
    }
    if (strcmp(operation, "none") != 0) {
        add_node(edits, node, operation);
        return;
    }
    LY_LIST_FOR(lyd_child(node), child)
    {
        add_difference(edits, child);
    }
}

static void add_changed(struct edits *edits, const struct change *change)
{
    struct lyd_node *difference = NULL;
    size_t before = edits->count;
    if (!lyd_diff_tree(change->before->tree, change->after->tree, 0, &difference) && difference)
        add_difference(edits, difference);
    lyd_free_all(difference);
    if (edits->count == before)
        add_node(edits, change->after->node, "merge");
}

bool notice_add_edits(struct lyd_node *notification, const struct change_set *changes)
{
    struct edits edits = {.notification = notification};
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (!change->unit->config)
            continue;
        if (edits.count >= NOTICE_EDITS_MAX)
            add_top(&edits, change->unit->top);
        else if (!change->before)
            add_node(&edits, change->after->node, "create");
        else if (!change->after)
            add_node(&edits, change->before->node, "delete");
        else
            add_changed(&edits, change);
    }
    return !edits.failed;
}
