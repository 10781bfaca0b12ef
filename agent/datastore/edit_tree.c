/*
 * Edits inside one tree: edit-config's operations, node by node.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/edit.h"

#define NETCONF_NAMESPACE "urn:ietf:params:xml:ns:netconf:base:1.0"

static enum edit_operation operation_named(const char *name, enum edit_operation inherited)
{
    static const struct {
        const char *name;
        enum edit_operation operation;
    } operations[] = {{"merge", EDIT_MERGE},   {"replace", EDIT_REPLACE}, {"create", EDIT_CREATE},
                      {"delete", EDIT_DELETE}, {"remove", EDIT_REMOVE},   {"none", EDIT_NONE}};
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        if (!strcmp(operations[i].name, name))
            return operations[i].operation;
    return inherited;
}

enum edit_operation edit_operation_of(const struct lyd_node *node, enum edit_operation inherited)
{
    if (node->schema) {
        const struct lyd_meta *meta;
        LY_LIST_FOR(node->meta, meta)
        {
            if (!strcmp(meta->name, "operation") &&
                !strcmp(meta->annotation->module->name, "ietf-netconf"))
                return operation_named(lyd_get_meta_value(meta), inherited);
        }
        return inherited;
    }
    const struct lyd_attr *attr;
    LY_LIST_FOR(((const struct lyd_node_opaq *)node)->attr, attr)
    {
        if (!strcmp(attr->name.name, "operation") && attr->name.module_ns &&
            !strcmp(attr->name.module_ns, NETCONF_NAMESPACE))
            return operation_named(attr->value, inherited);
    }
    return inherited;
}

/* @return NULL: nothing is known of where it is, or there is no memory. */
static char *path_of(const struct lyd_node *node)
{
    if (node->schema)
        return lyd_path(node, LYD_PATH_STD, NULL, 0);
    char *path = NULL, *parent = node->parent ? path_of(&node->parent->node) : NULL;
    if (parent && asprintf(&path, "%s/%s", parent, LYD_NAME(node)) < 0)
        path = NULL;
    free(parent);
    return path;
}

enum outcome edit_refuse(const struct lyd_node *node, enum error_tag tag, struct error *err,
                         const char *format, ...)
{
    char *message, *path = path_of(node);
    va_list args;
    va_start(args, format);
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    bool first = err && err->outcome == DONE;
    refuse(err, tag, path, "%s", message ? message : "The edit is wrong.");
    if (first)
        err->element = strdup(LYD_NAME(node));
    free(path);
    free(message);
    return REFUSED;
}

/* The schema of an element that libyang kept opaque, if its parent has such a child at all. */
static const struct lysc_node *schema_of_opaque(const struct lyd_node *node)
{
    const struct lyd_node_opaq *opaque = (const struct lyd_node_opaq *)node;
    const struct lys_module *module =
        opaque->name.module_ns
            ? ly_ctx_get_module_implemented_ns(LYD_CTX(node), opaque->name.module_ns)
            : NULL;
    const struct lyd_node *parent = lyd_parent(node);
    if (!module || (parent && !parent->schema))
        return NULL;
    return lys_find_child(parent ? parent->schema : NULL, module, opaque->name.name, 0, 0, 0);
}

/* What libyang itself says to the value; it says it when asked to make the node. */
static enum outcome refuse_value(const struct lyd_node *node, const struct lysc_node *schema,
                                 struct error *err)
{
    const struct ly_ctx *ctx = LYD_CTX(node);
    const char *value = ((const struct lyd_node_opaq *)node)->value;
    ly_err_clean((struct ly_ctx *)ctx, NULL);
    if (!lyd_value_validate(ctx, schema, value, strlen(value), NULL, NULL, NULL))
        return edit_refuse(node, TAG_INVALID_VALUE, err, "The value \"%s\" is not valid for %s.",
                           schema_is_marked(schema, "default-deny-all") ? "..." : value,
                           schema->name);
    const char *message = ly_errmsg(ctx);
    char *told = message ? schema_told_of_value(schema, message) : NULL;
    edit_refuse(node, TAG_INVALID_VALUE, err, "%s", told ? told : "The value is not valid.");
    free(told);
    ly_err_clean((struct ly_ctx *)ctx, NULL);
    return REFUSED;
}

/* A list instance stays opaque if a key is missing or has a bad value. */
static enum outcome refuse_instance(const struct lyd_node *node, const struct lysc_node *schema,
                                    struct error *err)
{
    const struct lysc_node *key;
    for (key = lysc_node_child(schema); key && lysc_is_key(key); key = key->next) {
        const struct lyd_node *child;
        LY_LIST_FOR(lyd_child(node), child)
        {
            if (!strcmp(LYD_NAME(child), key->name))
                break;
        }
        if (!child) {
            edit_refuse(node, TAG_MISSING_ELEMENT, err, "The %s lacks its key <%s>.", schema->name,
                        key->name);
            free(err ? err->element : NULL);
            if (err)
                err->element = strdup(key->name);
            return REFUSED;
        }
        if (!child->schema && ((const struct lyd_node_opaq *)child)->value &&
            lyd_value_validate(LYD_CTX(node), key, ((const struct lyd_node_opaq *)child)->value,
                               strlen(((const struct lyd_node_opaq *)child)->value), NULL, NULL,
                               NULL))
            return refuse_value(child, key, err);
    }
    return edit_refuse(node, TAG_BAD_ELEMENT, err, "<%s> is not a valid %s.", LYD_NAME(node),
                       schema->name);
}

enum outcome edit_refuse_opaque(const struct lyd_node *node, struct error *err)
{
    const struct lyd_node_opaq *opaque = (const struct lyd_node_opaq *)node;
    const char *namespace = opaque->name.module_ns;
    const struct lysc_node *schema = schema_of_opaque(node);
    if (schema && schema->nodetype == LYS_LIST)
        return refuse_instance(node, schema, err);
    if (schema && (schema->nodetype & LYD_NODE_TERM))
        return refuse_value(node, schema, err);
    if (schema)
        return edit_refuse(node, TAG_BAD_ELEMENT, err, "<%s> does not hold what a %s may hold.",
                           LYD_NAME(node), schema->name);
    if (namespace && *namespace && !ly_ctx_get_module_implemented_ns(LYD_CTX(node), namespace)) {
        bool first = err && err->outcome == DONE;
        edit_refuse(node, TAG_UNKNOWN_NAMESPACE, err,
                    "No module of the agent has the namespace \"%s\".", namespace);
        if (first)
            err->detail = strdup(namespace);
        return REFUSED;
    }
    return edit_refuse(node, TAG_UNKNOWN_ELEMENT, err, "There is no element <%s> here%s.",
                       LYD_NAME(node),
                       !namespace || !*namespace ? ": it has no namespace, add xmlns" : "");
}

bool edit_exists(const struct lyd_node *node)
{
    if (!node || (node->flags & LYD_DEFAULT))
        return false;
    if (!lysc_is_np_cont(node->schema))
        return true;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (edit_exists(child))
            return true;
    }
    return false;
}

bool edit_excludes(const struct lysc_node *schema, const struct lysc_node *other)
{
    /* The choices above a node, up to its parent in the data: is other in another case of one? */
    for (const struct lysc_node *a = schema->parent; a && (a->nodetype & (LYS_CASE | LYS_CHOICE));
         a = a->parent) {
        if (a->nodetype != LYS_CASE)
            continue;
        for (const struct lysc_node *b = other->parent;
             b && (b->nodetype & (LYS_CASE | LYS_CHOICE)); b = b->parent)
            if (b->nodetype == LYS_CASE && b != a && b->parent == a->parent)
                return true;
    }
    return false;
}

/* To set a node of one case is to remove the other cases (RFC 7950, 7.9). */
static enum outcome leave_other_cases(struct lyd_node *target, const struct lyd_node *edit,
                                      enum edit_operation inherited, struct error *err)
{
    const struct lysc_node *parent = edit->schema->parent;
    if (!parent || !(parent->nodetype & LYS_CASE))
        return DONE;
    const struct lyd_node *sibling;
    LY_LIST_FOR(lyd_first_sibling(edit), sibling)
    {
        enum edit_operation operation = edit_operation_of(sibling, inherited);
        if (sibling->schema && operation != EDIT_DELETE && operation != EDIT_REMOVE &&
            edit_excludes(edit->schema, sibling->schema))
            return edit_refuse(edit, TAG_BAD_ELEMENT, err,
                               "<%s> and <%s> exclude each other: give one of them.",
                               LYD_NAME(edit), LYD_NAME(sibling));
    }
    struct lyd_node *child, *next;
    LY_LIST_FOR_SAFE(lyd_child(target), next, child)
    {
        if (child->schema && edit_excludes(edit->schema, child->schema))
            lyd_free_tree(child);
    }
    return DONE;
}

static struct lyd_node *find_child(const struct lyd_node *target, const struct lyd_node *edit)
{
    struct lyd_node *found = NULL;
    if (edit->schema->nodetype & (LYS_LIST | LYS_LEAFLIST))
        lyd_find_sibling_first(lyd_child(target), edit, &found);
    else
        lyd_find_sibling_val(lyd_child(target), edit->schema, NULL, 0, &found);
    return found;
}

static const char *meta_value(const struct lyd_node *node, const char *module, const char *name)
{
    const struct lyd_meta *meta;
    LY_LIST_FOR(node->meta, meta)
    {
        if (!strcmp(meta->name, name) && !strcmp(meta->annotation->module->name, module))
            return lyd_get_meta_value(meta);
    }
    return NULL;
}

/* The attribute that says where insert="before|after" is. */
static const char *anchor_attribute(const struct lyd_node *edit)
{
    return edit->schema->nodetype == LYS_LIST ? "key" : "value";
}

/* The sibling that insert="before|after" names by its value or its key predicates. */
static struct lyd_node *anchor_of(struct lyd_node *target, const struct lyd_node *edit)
{
    const char *name = meta_value(edit, "yang", anchor_attribute(edit));
    struct lyd_node *anchor = NULL;
    if (name)
        lyd_find_sibling_val(lyd_child(target), edit->schema, name, strlen(name), &anchor);
    return anchor;
}

static enum outcome refuse_anchor(const struct lyd_node *edit, const char *insert,
                                  struct error *err)
{
    const char *attribute = anchor_attribute(edit);
    if (meta_value(edit, "yang", attribute)) {
        edit_refuse(edit, TAG_BAD_ATTRIBUTE, err, "There is no <%s> to insert this one %s.",
                    LYD_NAME(edit), insert);
        error_set_app_tag(err, "missing-instance");
    } else {
        edit_refuse(edit, TAG_MISSING_ATTRIBUTE, err,
                    "To be inserted %s another <%s>, it needs an attribute %s that names that one.",
                    insert, LYD_NAME(edit), attribute);
    }
    if (err && !err->detail)
        err->detail = strdup(attribute);
    return REFUSED;
}

/* Put a new instance of a user-ordered list where the edit wants it (RFC 7950, 7.7.9, 7.8.6). */
static enum outcome insert_ordered(struct lyd_node *target, struct lyd_node *node,
                                   const struct lyd_node *edit, struct error *err)
{
    const char *insert = meta_value(edit, "yang", "insert");
    struct lyd_node *first = NULL;
    if (insert && (!strcmp(insert, "before") || !strcmp(insert, "after"))) {
        struct lyd_node *anchor = anchor_of(target, edit);
        if (!anchor || anchor == node)
            return refuse_anchor(edit, insert, err);
        if (node->parent)
            lyd_unlink_tree(node);
        if (!strcmp(insert, "before") ? lyd_insert_before(anchor, node)
                                      : lyd_insert_after(anchor, node))
            return fail_memory(err);
        return DONE;
    }
    if (node->parent && !insert)
        return DONE;
    if (node->parent)
        lyd_unlink_tree(node);
    lyd_find_sibling_val(lyd_child(target), edit->schema, NULL, 0, &first);
    LY_LIST_FOR(lyd_child(target), first)
    {
        if (first->schema == edit->schema)
            break;
    }
    if (insert && !strcmp(insert, "first") && first)
        return lyd_insert_before(first, node) ? fail_memory(err) : DONE;
    return lyd_insert_child(target, node) ? fail_memory(err) : DONE;
}

/* A copy of a node of the edit, with its keys but without what the edit says about it. */
static struct lyd_node *bare_copy(const struct lyd_node *edit)
{
    struct lyd_node *node = NULL;
    return lyd_dup_single(edit, NULL, LYD_DUP_NO_META, &node) ? NULL : node;
}

static enum outcome add_node(struct lyd_node *target, const struct lyd_node *edit,
                             struct lyd_node **added, struct error *err)
{
    struct lyd_node *node = bare_copy(edit);
    if (!node)
        return fail_memory(err);
    enum outcome outcome = lysc_is_userordered(edit->schema)
                               ? insert_ordered(target, node, edit, err)
                           : lyd_insert_child(target, node) ? fail_memory(err)
                                                            : DONE;
    if (outcome != DONE)
        lyd_free_tree(node);
    else
        *added = node;
    return outcome;
}

static enum outcome remove_node(struct lyd_node *held, const struct lyd_node *edit,
                                const struct lysc_node *schema, enum edit_operation operation,
                                struct error *err)
{
    if (lysc_is_key(schema))
        return edit_refuse(edit, TAG_BAD_ELEMENT, err,
                           "A key cannot be removed: remove the whole entry.");
    if (operation == EDIT_DELETE && !edit_exists(held))
        return edit_refuse(edit, TAG_DATA_MISSING, err, "There is no <%s> to delete.",
                           LYD_NAME(edit));
    if (edit_exists(held))
        lyd_free_tree(held);
    return DONE;
}

static enum outcome set_leaf(struct lyd_node *target, struct lyd_node *held,
                             const struct lyd_node *edit, struct error *err)
{
    struct lyd_node *added;
    if (!held)
        return add_node(target, edit, &added, err);
    LY_ERR rc = lyd_change_term(held, lyd_get_value(edit));
    return rc && rc != LY_EEXIST && rc != LY_ENOT ? fail_memory(err) : DONE;
}

static enum outcome edit_leaf(struct lyd_node *target, struct lyd_node *held,
                              const struct lyd_node *edit, struct error *err)
{
    struct lyd_node *added;
    if (lysc_is_key(edit->schema))
        return DONE; /* it named the entry */
    switch (edit->schema->nodetype) {
    case LYS_LEAF:
        return set_leaf(target, held, edit, err);
    case LYS_LEAFLIST:
        if (!held)
            return add_node(target, edit, &added, err);
        held->flags &= ~(uint32_t)LYD_DEFAULT;
        return lysc_is_userordered(edit->schema) ? insert_ordered(target, held, edit, err) : DONE;
    default: /* anydata, anyxml */
        lyd_free_tree(held);
        return add_node(target, edit, &added, err);
    }
}

static enum outcome edit_inner(struct lyd_node *target, struct lyd_node *held,
                               const struct lyd_node *edit, enum edit_operation operation,
                               struct error *err)
{
    enum outcome outcome = DONE;
    if (operation == EDIT_REPLACE && held) {
        /* A user-ordered entry keeps its place unless the edit moves it. */
        struct lyd_node *child, *next;
        LY_LIST_FOR_SAFE(lyd_child(held), next, child)
        {
            if (!lysc_is_key(child->schema))
                lyd_free_tree(child);
        }
    }
    if (!held)
        outcome = add_node(target, edit, &held, err);
    else if (lysc_is_userordered(edit->schema))
        outcome = insert_ordered(target, held, edit, err);
    if (outcome != DONE)
        return outcome;
    return edit_children(held, edit, operation == EDIT_NONE ? EDIT_NONE : EDIT_MERGE, NULL, NULL,
                         err);
}

/*
 * wd:default="true": the client says that the value is the default, and so asks for the node not to
 * be set (RFC 6243, 4.5.2).
 */
static bool is_tagged_default(const struct lyd_node *edit)
{
    const char *value = meta_value(edit, "noria-default-tag", "default");
    /* libyang itself knows the attribute in the namespace of the YANG module, and drops it. */
    return (value && (!strcmp(value, "true") || !strcmp(value, "1"))) ||
           (edit->flags & LYD_DEFAULT && edit->schema->nodetype & LYD_NODE_TERM);
}

static bool has_default_value(const struct lyd_node *edit)
{
    const struct lysc_node *schema = edit->schema;
    const struct ly_ctx *ctx = schema->module->ctx;
    const char *value = lyd_get_value(edit);
    if (schema->nodetype == LYS_LEAF) {
        const struct lyd_value *fallback = ((const struct lysc_node_leaf *)schema)->dflt;
        return fallback && !strcmp(lyd_value_get_canonical(ctx, fallback), value);
    }
    if (schema->nodetype == LYS_LEAFLIST) {
        struct lyd_value **all = ((const struct lysc_node_leaflist *)schema)->dflts;
        for (LY_ARRAY_COUNT_TYPE i = 0; i < LY_ARRAY_COUNT(all); i++)
            if (!strcmp(lyd_value_get_canonical(ctx, all[i]), value))
                return true;
    }
    return false;
}

static enum outcome edit_tagged(struct lyd_node *held, const struct lyd_node *edit,
                                enum edit_operation operation, struct error *err)
{
    if (operation != EDIT_CREATE && operation != EDIT_MERGE && operation != EDIT_REPLACE)
        return edit_refuse(edit, TAG_INVALID_VALUE, err,
                           "What is tagged as default can be created, merged or replaced alone.");
    if (!has_default_value(edit))
        return edit_refuse(edit, TAG_INVALID_VALUE, err,
                           "<%s> is tagged as default, but its value is not the default.",
                           LYD_NAME(edit));
    if (operation == EDIT_CREATE && edit_exists(held))
        return edit_refuse(edit, TAG_DATA_EXISTS, err, "<%s> exists already.", LYD_NAME(edit));
    return remove_node(held, edit, edit->schema, EDIT_REMOVE, err);
}

/* One entry given twice in one edit has no clear meaning. */
static bool is_twice(const struct lyd_node *edit)
{
    struct lyd_node *first = NULL;
    if (edit->schema->nodetype != LYS_LIST)
        return false;
    lyd_find_sibling_first(lyd_first_sibling(edit), edit, &first);
    return first && first != edit;
}

static enum outcome edit_node(struct lyd_node *target, const struct lyd_node *edit,
                              enum edit_operation inherited, struct error *err)
{
    if (!(edit->schema->flags & LYS_CONFIG_W))
        return edit_refuse(edit, TAG_BAD_ELEMENT, err,
                           "<%s> is state: it can be read but not configured.", LYD_NAME(edit));
    if (is_twice(edit))
        return edit_refuse(edit, TAG_BAD_ELEMENT, err, "This %s is given twice in one edit.",
                           LYD_NAME(edit));
    struct lyd_node *held = find_child(target, edit);
    enum edit_operation operation = edit_operation_of(edit, inherited);
    bool leaf = !(edit->schema->nodetype & (LYS_CONTAINER | LYS_LIST));

    if (is_tagged_default(edit))
        return edit_tagged(held, edit, operation, err);
    if (operation == EDIT_DELETE || operation == EDIT_REMOVE)
        return remove_node(held, edit, edit->schema, operation, err);
    if (operation == EDIT_CREATE && edit_exists(held) && !lysc_is_key(edit->schema))
        return edit_refuse(edit, TAG_DATA_EXISTS, err, "<%s> exists already.", LYD_NAME(edit));
    if (operation == EDIT_NONE && (leaf || !held)) {
        if (held || lysc_is_key(edit->schema))
            return DONE;
        if (!lysc_is_np_cont(edit->schema))
            return edit_refuse(edit, TAG_DATA_MISSING, err,
                               "There is no <%s>, and the operation none creates nothing.",
                               LYD_NAME(edit));
    }
    enum outcome outcome = leave_other_cases(target, edit, inherited, err);
    if (outcome != DONE)
        return outcome;
    held = find_child(target, edit);
    return leaf ? edit_leaf(target, held, edit, err)
                : edit_inner(target, held, edit, operation, err);
}

/* <leaf operation="delete"/> has no value and so is opaque. */
static enum outcome edit_opaque(struct lyd_node *target, const struct lyd_node *edit,
                                enum edit_operation inherited, struct error *err)
{
    enum edit_operation operation = edit_operation_of(edit, inherited);
    const struct lysc_node *schema = schema_of_opaque(edit);
    const char *value = ((const struct lyd_node_opaq *)edit)->value;
    if ((operation != EDIT_DELETE && operation != EDIT_REMOVE) || !schema ||
        schema->nodetype != LYS_LEAF || !(schema->flags & LYS_CONFIG_W) || (value && *value))
        return edit_refuse_opaque(edit, err);
    struct lyd_node *held = NULL;
    lyd_find_sibling_val(lyd_child(target), schema, NULL, 0, &held);
    return remove_node(held, edit, schema, operation, err);
}

enum outcome edit_children(struct lyd_node *target, const struct lyd_node *edit,
                           enum edit_operation operation,
                           bool (*skip)(const struct lyd_node *child, void *arg), void *arg,
                           struct error *err)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(edit), child)
    {
        if (skip && skip(child, arg))
            continue;
        enum outcome outcome = child->schema ? edit_node(target, child, operation, err)
                                             : edit_opaque(target, child, operation, err);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}
