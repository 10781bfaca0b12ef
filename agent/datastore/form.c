/*
 * Forms of entries.
 */
#include "agent/datastore/form.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/datastore/plain.h"

/* After libyang's headers, which it does not include itself. */
#include <libyang/plugins_exts.h>
#include <libyang/plugins_types.h>

/* So many forms are kept; and after so many tries it is given up to look for more. */
#define FORMS_MAX 16
#define TRIES_MAX 64

/* A node of a walk from parents to children; without either, the end of the children of one. */
struct step {
    const struct lysc_node *schema;
    const struct lyd_node *node;
};

struct walk {
    struct step *steps; /* owned */
    size_t count, room;
};

struct form {
    struct entry *model; /* a valid entry of the form; one reference */
    struct walk walk;    /* of what the edit gave, in the model */
    size_t *matter;      /* indexes of steps whose value a rule looks at; owned */
    size_t matter_count, matter_room;
};

struct forms {
    const struct schema *schema;
    struct form forms[FORMS_MAX];
    size_t count, tries;
    struct walk at_hand; /* of the instance that was looked at last */
};

bool forms_serve(const struct schema *schema, const struct unit *unit)
{
    return unit->list && !schema->rules[unit->rank].whole;
}

struct forms *forms_new(const struct schema *schema)
{
    struct forms *forms = calloc(1, sizeof(*forms));
    if (forms)
        forms->schema = schema;
    return forms;
}

static void form_clear(struct form *form)
{
    entry_unref(form->model);
    free(form->walk.steps);
    free(form->matter);
    *form = (struct form){0};
}

void forms_free(struct forms *forms)
{
    if (!forms)
        return;
    for (size_t i = 0; i < forms->count; i++)
        form_clear(&forms->forms[i]);
    free(forms->at_hand.steps);
    free(forms);
}

/* Walks. */

static bool add_step(struct walk *walk, const struct lyd_node *node)
{
    if (!array_grow(&walk->steps, walk->count, &walk->room, sizeof(*walk->steps)))
        return false;
    walk->steps[walk->count++] = (struct step){node ? node->schema : NULL, node};
    return true;
}

/* Of the values that one node may have many of, none may be there twice. */
static bool is_twice(const struct lyd_node *node)
{
    const struct lysc_node *schema = node->schema;
    bool beside = (node->next && node->next->schema == schema) ||
                  (node->prev->next && node->prev->schema == schema);
    struct lyd_node *found;
    if (!beside)
        return false;
    return !(schema->nodetype & (LYS_LIST | LYS_LEAFLIST)) ||
           lyd_find_sibling_first(node, node, &found) || found != node;
}

static bool add_node(struct walk *walk, const struct lyd_node *node);

static bool add_children(struct walk *walk, const struct lyd_node *node)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!child->schema || is_twice(child) || !add_node(walk, child))
            return false;
    }
    return add_step(walk, NULL);
}

/* A node of an edit; false if it is not of a kind that a form has. */
static bool add_node(struct walk *walk, const struct lyd_node *node)
{
    if (!node->schema || node->meta || (node->flags & (LYD_DEFAULT | LYD_EXT)) ||
        !(node->schema->nodetype & (LYD_NODE_TERM | LYS_CONTAINER | LYS_LIST)) ||
        !add_step(walk, node))
        return false;
    return node->schema->nodetype & LYD_NODE_TERM || add_children(walk, node);
}

/* The same walk over a valid entry, past its defaults. */
static bool add_given(struct walk *walk, const struct lyd_node *node)
{
    if (node->flags & LYD_DEFAULT)
        return true;
    if (!add_step(walk, node))
        return false;
    if (node->schema->nodetype & LYD_NODE_TERM)
        return true;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!add_given(walk, child))
            return false;
    }
    return add_step(walk, NULL);
}

static bool same_elements(const struct walk *a, const struct walk *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (a->steps[i].schema != b->steps[i].schema)
            return false;
    return true;
}

static bool same_values(const struct form *form, const struct walk *walk)
{
    for (size_t i = 0; i < form->matter_count; i++) {
        size_t at = form->matter[i];
        if (strcmp(lyd_get_value(walk->steps[at].node), lyd_get_value(form->walk.steps[at].node)) !=
            0)
            return false;
    }
    return true;
}

const struct form *form_find(struct forms *forms, const struct lyd_node *node)
{
    struct walk *walk = &forms->at_hand;
    walk->count = 0;
    if (!forms->count || !add_node(walk, node))
        return NULL;
    for (size_t i = 0; i < forms->count; i++)
        if (same_elements(&forms->forms[i].walk, walk) && same_values(&forms->forms[i], walk))
            return &forms->forms[i];
    return NULL;
}

/* What a form is learned from: all nodes of the schema that its rules look at. */

static bool add_atoms(struct ly_set *looked_at, const struct lysc_node *context,
                      const struct lysc_node *node, const struct lyxp_expr *expression,
                      const struct lysc_prefix *prefixes)
{
    struct ly_set *atoms = NULL;
    bool known = !lys_find_expr_atoms(context, node->module, expression, prefixes, 0, &atoms) &&
                 !ly_set_merge(looked_at, atoms, 0, NULL);
    ly_set_free(atoms, NULL);
    return known;
}

/* Rules on whether a child may be there; of choices and cases, too, which are in no data. */
static bool add_conditions(struct ly_set *looked_at, const struct lysc_node *parent)
{
    const struct lysc_node *child;
    LY_ARRAY_COUNT_TYPE i;
    LY_LIST_FOR(lysc_node_child(parent), child)
    {
        struct lysc_when **whens = lysc_node_when(child);
        LY_ARRAY_FOR(whens, i)
        {
            if (!add_atoms(looked_at, whens[i]->context, child, whens[i]->cond, whens[i]->prefixes))
                return false;
        }
        if ((child->nodetype & (LYS_CHOICE | LYS_CASE)) && !add_conditions(looked_at, child))
            return false;
    }
    return true;
}

/* Whether nothing but expressions judges a node by its value. */
static bool is_ordinary(const struct lyd_node *node)
{
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(node->schema->exts, i)
    {
        const struct lyplg_ext *plugin = node->schema->exts[i].def->plugin;
        if (plugin && plugin->node)
            return false;
    }
    if (node->schema->nodetype & LYD_NODE_TERM)
        return !((const struct lysc_node_leaf *)node->schema)->type->plugin->validate;
    return !lyd_parent(lyd_parent(node)) || node->schema->nodetype != LYS_LIST ||
           !((const struct lysc_node_list *)node->schema)->uniques;
}

static bool add_rules(struct ly_set *looked_at, const struct lyd_node *node)
{
    const struct lyd_node *child;
    LY_ARRAY_COUNT_TYPE i;
    struct lysc_must *musts = lysc_node_musts(node->schema);
    if (!is_ordinary(node))
        return false;
    LY_ARRAY_FOR(musts, i)
    {
        if (!add_atoms(looked_at, node->schema, node->schema, musts[i].cond, musts[i].prefixes))
            return false;
    }
    if (!(node->schema->nodetype & LYD_NODE_TERM) && !add_conditions(looked_at, node->schema))
        return false;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!add_rules(looked_at, child))
            return false;
    }
    return true;
}

static bool is_above(const struct lysc_node *above, const struct lysc_node *node)
{
    for (node = node->parent; node; node = node->parent)
        if (node == above)
            return true;
    return false;
}

/* A node that nothing is looked up in is looked at with all that is in it. */
static bool is_last(const struct ly_set *looked_at, const struct lysc_node *node)
{
    for (uint32_t i = 0; i < looked_at->count; i++)
        if (is_above(node, looked_at->snodes[i]))
            return false;
    return true;
}

static bool is_looked_at(const struct ly_set *looked_at, const struct lysc_node *leaf)
{
    if (ly_set_contains(looked_at, (void *)leaf, NULL))
        return true;
    for (const struct lysc_node *above = leaf->parent; above; above = above->parent)
        if (ly_set_contains(looked_at, (void *)above, NULL) && is_last(looked_at, above))
            return true;
    return false;
}

static bool note_what_matters(struct form *form)
{
    struct ly_set looked_at = {0};
    bool known = add_rules(&looked_at, form->model->node);
    for (size_t i = 0; i < form->walk.count && known; i++) {
        const struct lysc_node *schema = form->walk.steps[i].schema;
        if (!schema || !(schema->nodetype & LYD_NODE_TERM) || !is_looked_at(&looked_at, schema))
            continue;
        known = array_grow(&form->matter, form->matter_count, &form->matter_room,
                           sizeof(*form->matter));
        if (known)
            form->matter[form->matter_count++] = i;
    }
    ly_set_erase(&looked_at, NULL);
    return known;
}

bool form_try(struct forms *forms)
{
    return forms->count < FORMS_MAX && forms->tries++ < TRIES_MAX;
}

void form_learn(struct forms *forms, const struct lyd_node *node, struct entry *entry)
{
    struct form form = {.model = entry_ref(entry)};
    forms->at_hand.count = 0;
    if (add_node(&forms->at_hand, node) && add_given(&form.walk, entry->node) &&
        same_elements(&form.walk, &forms->at_hand) && note_what_matters(&form))
        forms->forms[forms->count++] = form;
    else
        form_clear(&form);
}

/* Making an entry's tree. */

/* Put a new node before a child, or behind all; plain.h says why not by libyang. */
static void link_child(struct lyd_node *parent, struct lyd_node *before, struct lyd_node *node)
{
    struct lyd_node_inner *inner = (struct lyd_node_inner *)parent;
    struct lyd_node *first = inner->child;
    node->parent = inner;
    node->next = before;
    node->prev = before ? before->prev : first ? first->prev : node;
    if (before)
        before->prev = node;
    else if (first)
        first->prev = node;
    if (!first || before == first)
        inner->child = node;
    else
        node->prev->next = node;
}

/* Give a node the marks of its model, and the defaults that the model has. */
static bool complete(struct lyd_node *node, const struct lyd_node *model)
{
    node->flags = model->flags;
    if (node->schema->nodetype & LYD_NODE_TERM)
        return true;
    struct lyd_node *child = lyd_child(node), *copy;
    const struct lyd_node *like;
    if (!plain_node(node))
        return false;
    LY_LIST_FOR(lyd_child(model), like)
    {
        if (!(like->flags & LYD_DEFAULT)) {
            if (!complete(child, like))
                return false;
            child = child->next;
        } else if (!lyd_dup_single(like, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &copy)) {
            link_child(node, child, copy);
        } else {
            return false;
        }
    }
    return true;
}

struct lyd_node *form_make(const struct form *form, struct lyd_node *node, bool take)
{
    const struct lyd_node *model = form->model->tree;
    struct lyd_node *tree = NULL;
    if (lyd_dup_single(model, NULL, LYD_DUP_WITH_FLAGS, &tree))
        return NULL;
    if (take)
        lyd_unlink_tree(node);
    else if (lyd_dup_single(node, NULL, LYD_DUP_RECURSIVE, &node))
        node = NULL;
    if (!node || lyd_insert_child(tree, node)) {
        lyd_free_tree(node);
        lyd_free_tree(tree);
        return NULL;
    }
    if (complete(node, form->model->node))
        return tree;
    lyd_free_tree(tree);
    return NULL;
}
