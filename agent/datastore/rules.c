/*
 * Which rules of the YANG modules reach beyond one entry.
 */
#include "agent/datastore/rules.h"

#include <stdlib.h>
#include <string.h>

#include "agent/datastore/schema.h"
#include "agent/log.h"

/* The search through a module: its state, for libyang's walk. */
struct search {
    const struct schema *schema;
    struct unit_rules *rules;
    bool failed;
};

/* The unit whose entries hold a schema node; NULL for what is not stored. */
static const struct unit *unit_of(const struct schema *schema, const struct lysc_node *node)
{
    for (const struct lysc_node *at = node; at; at = at->parent) {
        const struct unit *unit = at->nodetype == LYS_LIST ? schema_unit_of_list(schema, at) : NULL;
        if (!unit && !at->parent)
            unit = schema_unit_of_top(schema, at);
        if (unit)
            return unit;
    }
    return NULL;
}

/* An expression that needs more than the entry: all units that it looks at are bound together. */
static void bind_whole(struct search *search, const struct unit *unit, const struct ly_set *atoms)
{
    search->rules[unit->rank].whole = true;
    for (uint32_t i = 0; atoms && i < atoms->count; i++) {
        const struct unit *other = unit_of(search->schema, atoms->snodes[i]);
        if (other)
            search->rules[other->rank].whole = true;
    }
}

/* Axes and functions by which an expression reaches nodes that are no atoms of it. */
static bool has_far_reach(const char *expression)
{
    static const char *const words[] = {"sibling::", "preceding::", "following::", "deref("};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (strstr(expression, words[i]))
            return true;
    return false;
}

/* Whether an expression looks at anything but the entry: then it passes through its container. */
static bool leaves_entry(const struct search *search, const struct unit *unit,
                         const struct ly_set *atoms)
{
    for (uint32_t i = 0; i < atoms->count; i++) {
        const struct lysc_node *atom = atoms->snodes[i];
        if (unit_of(search->schema, atom) != unit || (unit->list && atom == unit->top))
            return true;
    }
    return false;
}

static struct ly_set *atoms_of(const struct lysc_node *context, const struct lysc_node *node,
                               const struct lyxp_expr *expression,
                               const struct lysc_prefix *prefixes)
{
    struct ly_set *atoms = NULL;
    return lys_find_expr_atoms(context, node->module, expression, prefixes, 0, &atoms) ? NULL
                                                                                       : atoms;
}

static void examine_expression(struct search *search, const struct unit *unit,
                               const struct lysc_node *context, const struct lysc_node *node,
                               const struct lyxp_expr *expression,
                               const struct lysc_prefix *prefixes)
{
    struct ly_set *atoms = atoms_of(context, node, expression, prefixes);
    if (!atoms || has_far_reach(lyxp_get_expr(expression)) || leaves_entry(search, unit, atoms))
        bind_whole(search, unit, atoms);
    ly_set_free(atoms, NULL);
}

/* The unit whose one key is the node, or NULL. */
static const struct unit *unit_with_key(const struct schema *schema, const struct lysc_node *node)
{
    const struct unit *unit = unit_of(schema, node);
    if (!unit || !unit->list || node->parent != unit->list || !lysc_is_key(node))
        return NULL;
    return node->next && lysc_is_key(node->next) ? NULL
           : node != lysc_node_child(unit->list) ? NULL
                                                 : unit;
}

static void examine_leafref(struct search *search, const struct unit *unit,
                            const struct lysc_node *node, const struct lysc_type_leafref *type)
{
    if (!type->require_instance)
        return;
    struct ly_set *atoms = atoms_of(node, node, type->path, type->prefixes);
    /* The atoms of a path end with what it points at. */
    const struct lysc_node *target = atoms && atoms->count ? atoms->snodes[atoms->count - 1] : NULL;
    const struct unit *pointed = target ? unit_with_key(search->schema, target) : NULL;
    struct unit_rules *rules = &search->rules[unit->rank];
    if (atoms && !leaves_entry(search, unit, atoms)) {
        /* Inside the entry: libyang sees it. */
    } else if (!pointed || strchr(lyxp_get_expr(type->path), '[')) {
        bind_whole(search, unit, atoms);
    } else {
        struct reference_rule *more =
            realloc(rules->references, (rules->reference_count + 1) * sizeof(*more));
        search->failed = search->failed || !more;
        if (more) {
            rules->references = more;
            more[rules->reference_count++] = (struct reference_rule){node, pointed};
        }
    }
    ly_set_free(atoms, NULL);
}

/* A union with a reference in it, or a path as a value, may point anywhere. */
static bool may_point_anywhere(const struct lysc_type *type)
{
    LY_ARRAY_COUNT_TYPE i;
    if (type->basetype == LY_TYPE_INST)
        return ((const struct lysc_type_instanceid *)type)->require_instance;
    if (type->basetype != LY_TYPE_UNION)
        return false;
    const struct lysc_type_union *members = (const struct lysc_type_union *)type;
    LY_ARRAY_FOR(members->types, i)
    {
        if (members->types[i]->basetype == LY_TYPE_LEAFREF || may_point_anywhere(members->types[i]))
            return true;
    }
    return false;
}

static LY_ERR examine_node(struct lysc_node *node, void *arg, ly_bool *skip)
{
    struct search *search = arg;
    const struct unit *unit = unit_of(search->schema, node);
    if (!unit || !(node->flags & LYS_CONFIG_W))
        return LY_SUCCESS;
    LY_ARRAY_COUNT_TYPE i;
    struct lysc_must *musts = lysc_node_musts(node);
    LY_ARRAY_FOR(musts, i)
    examine_expression(search, unit, node, node, musts[i].cond, musts[i].prefixes);
    struct lysc_when **whens = lysc_node_when(node);
    LY_ARRAY_FOR(whens, i)
    examine_expression(search, unit, whens[i]->context, node, whens[i]->cond, whens[i]->prefixes);
    if (node->nodetype & (LYS_LEAF | LYS_LEAFLIST)) {
        const struct lysc_type *type = ((const struct lysc_node_leaf *)node)->type;
        if (type->basetype == LY_TYPE_LEAFREF)
            examine_leafref(search, unit, node, (const struct lysc_type_leafref *)type);
        else if (may_point_anywhere(type))
            search->rules[unit->rank].whole = true;
    }
    return LY_SUCCESS;
}

/* Choices above lists and lists that must have entries concern the container as a whole. */
static void examine_unit(struct search *search, const struct unit *unit)
{
    if (unit->list && unit->list->parent != unit->top)
        search->rules[unit->rank].whole = true;
}

enum outcome rules_find(const struct schema *schema, struct unit_rules **result, struct error *err)
{
    struct search search = {.schema = schema};
    search.rules = calloc(schema->unit_count + 1, sizeof(*search.rules));
    if (!search.rules)
        return fail_memory(err);
    const struct lys_module *done = NULL;
    for (size_t i = 0; i < schema->unit_count; i++) {
        const struct lys_module *module = schema->units[i].top->module;
        examine_unit(&search, &schema->units[i]);
        if (module != done)
            lysc_module_dfs_full(module, examine_node, &search);
        done = module;
    }
    for (size_t i = 0; i < schema->unit_count; i++)
        if (search.rules[i].whole)
            log_info(AREA_DATASTORE,
                     "changes of %s need the whole configuration to be validated, because of a "
                     "rule that reaches beyond one entry",
                     schema->units[i].path);
    if (search.failed) {
        rules_free(search.rules, schema->unit_count);
        return fail_memory(err);
    }
    *result = search.rules;
    return DONE;
}

void rules_free(struct unit_rules *rules, size_t count)
{
    for (size_t i = 0; rules && i < count; i++)
        free(rules[i].references);
    free(rules);
}
