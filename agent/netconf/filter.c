/*
 * Subtree filters (RFC 6241, 6).
 *
 * A filter's element is a selection node (empty), a content match node (text) or a containment node
 * (elements). An element without a namespace matches in every namespace; one with an attribute
 * matches nothing, since no data here has attributes.
 */
#include "agent/netconf/filter.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct lyd_node_opaq *as_element(const struct lyd_node *node)
{
    return (const struct lyd_node_opaq *)node;
}

static bool is_blank(const char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    return !*text;
}

static bool is_content_match(const struct lyd_node_opaq *element)
{
    return !element->child && !is_blank(element->value);
}

static bool same_name(const struct lyd_node_opaq *element, const struct lysc_node *schema)
{
    const char *space = element->name.module_ns;
    return !element->attr && !strcmp(element->name.name, schema->name) &&
           (!space || !*space || !strcmp(space, schema->module->ns));
}

/* The text of a content match node as the value of a leaf is written, or NULL. To be freed. */
static char *canonical_text(const struct lyd_node_opaq *element, const struct lysc_node *schema)
{
    const char *start = element->value, *canonical = NULL;
    const struct ly_ctx *ctx = schema->module->ctx;
    while (isspace((unsigned char)*start))
        start++;
    size_t length = strlen(start);
    while (length && isspace((unsigned char)start[length - 1]))
        length--;
    if (!lyd_value_validate(ctx, schema, start, length, NULL, NULL, &canonical) && canonical) {
        char *text = strdup(canonical);
        lydict_remove(ctx, canonical);
        return text;
    }
    return strndup(start, length);
}

/* Names of identities are compared without their prefixes, which every client chooses itself. */
static const char *without_prefix(const struct lyd_node *leaf, const char *value)
{
    const char *colon = strchr(value, ':');
    LY_DATA_TYPE type = ((const struct lyd_node_term *)leaf)->value.realtype->basetype;
    return type == LY_TYPE_IDENT && colon ? colon + 1 : value;
}

static bool has_value(const struct lyd_node *leaf, const struct lyd_node_opaq *element)
{
    if (!leaf->schema || !(leaf->schema->nodetype & LYD_NODE_TERM))
        return false;
    char *text = canonical_text(element, leaf->schema);
    bool same =
        text && !strcmp(without_prefix(leaf, text), without_prefix(leaf, lyd_get_value(leaf)));
    free(text);
    return same;
}

static bool matches(const struct lyd_node_opaq *element, const struct lyd_node *node)
{
    return node->schema && same_name(element, node->schema) &&
           (!is_content_match(element) || has_value(node, element));
}

/* Whether every content match node among an element's children is met; notes if there are others.
 */
static bool meets_contents(const struct lyd_node_opaq *element, const struct lyd_node *node,
                           bool *others)
{
    const struct lyd_node *item, *child;
    *others = false;
    LY_LIST_FOR(element->child, item)
    {
        bool met = false;
        if (!is_content_match(as_element(item))) {
            *others = true;
            continue;
        }
        LY_LIST_FOR(lyd_child(node), child)
        {
            met = met || matches(as_element(item), child);
        }
        if (!met)
            return false;
    }
    return true;
}

static bool set_add(struct filter_set *set, const struct lyd_node_opaq *element)
{
    if (!(set->count & (set->count - 1))) {
        size_t room = set->count ? set->count * 2 : 1;
        const struct lyd_node_opaq **all = realloc(set->all, room * sizeof(*all));
        if (!all)
            return false;
        set->all = all;
    }
    set->all[set->count++] = element;
    return true;
}

void filter_set_free(struct filter_set *set)
{
    free(set->all);
    *set = (struct filter_set){0};
}

/* Of elements that match a node: the ones for its children. */
static enum selection descend(const struct filter_set *set, const struct lyd_node *node,
                              struct filter_set *below)
{
    *below = (struct filter_set){0};
    for (size_t i = 0; i < set->count; i++) {
        const struct lyd_node *item;
        bool others;
        if (!set->all[i]->child)
            return SELECT_ALL; /* a selection, or a content match that has been met */
        if (!meets_contents(set->all[i], node, &others))
            continue;
        if (!others)
            return SELECT_ALL;
        LY_LIST_FOR(set->all[i]->child, item)
        {
            set_add(below, as_element(item));
        }
    }
    return below->count ? SELECT_PART : SELECT_NOTHING;
}

static struct filter_set matching(const struct filter_set *set, const struct lyd_node *node)
{
    struct filter_set found = {0};
    for (size_t i = 0; i < set->count; i++)
        if (matches(set->all[i], node))
            set_add(&found, set->all[i]);
    return found;
}

static enum selection select_matched(const struct filter_set *set, const struct lyd_node *node,
                                     struct lyd_node **part);

/* Put what is asked for of a child into the copy of its parent. Returns whether there is any. */
static bool copy_child(const struct filter_set *set, const struct lyd_node *child,
                       struct lyd_node *copy)
{
    struct filter_set found = matching(set, child);
    struct lyd_node *part = NULL, *all = NULL;
    enum selection selection = select_matched(&found, child, &part);
    /* The keys are there already. */
    bool is_key = child->schema && lysc_is_key(child->schema);
    if (selection == SELECT_ALL && !is_key)
        lyd_dup_single(child, (struct lyd_node_inner *)copy, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS,
                       &all);
    else if (selection == SELECT_PART)
        lyd_insert_child(copy, part);
    if (all)
        filter_name(all);
    filter_set_free(&found);
    return selection != SELECT_NOTHING;
}

/* What of a node is asked for by elements that match it. */
static enum selection select_matched(const struct filter_set *set, const struct lyd_node *node,
                                     struct lyd_node **part)
{
    struct filter_set below;
    if (!set->count)
        return SELECT_NOTHING;
    enum selection selection = descend(set, node, &below);
    if (selection == SELECT_PART) {
        const struct lyd_node *child;
        bool any = false;
        selection = SELECT_NOTHING;
        if (!lyd_dup_single(node, NULL, LYD_DUP_WITH_FLAGS, part)) {
            LY_LIST_FOR(lyd_child(node), child)
            {
                any |= copy_child(&below, child, *part);
            }
            selection = any ? SELECT_PART : SELECT_NOTHING;
            if (!any) {
                lyd_free_tree(*part);
                *part = NULL;
            }
        }
    }
    filter_set_free(&below);
    return selection;
}

static struct filter_set top_elements(const struct filter *filter, const struct lysc_node *top)
{
    struct filter_set set = {0};
    const struct lyd_node *item;
    LY_LIST_FOR(filter->first, item)
    {
        if (same_name(as_element(item), top) && !is_content_match(as_element(item)))
            set_add(&set, as_element(item));
    }
    return set;
}

enum selection filter_top(const struct filter *filter, const struct lyd_node *container,
                          struct filter_set *set)
{
    struct filter_set tops = top_elements(filter, container->schema);
    enum selection selection = descend(&tops, container, set);
    filter_set_free(&tops);
    return selection;
}

enum selection filter_select(const struct filter *filter, const struct lyd_node *node,
                             const struct filter_set *set, struct lyd_node **part)
{
    struct filter_set found = set ? matching(set, node) : top_elements(filter, node->schema);
    enum selection selection = select_matched(&found, node, part);
    filter_set_free(&found);
    return selection;
}

/* Which entries can matter. */

static void want_all(struct entry_choice *unit)
{
    unit->wanted = unit->all = true;
}

/* The value of a key that an element asks for, or NULL. To be freed. */
static char *asked_key(const struct lyd_node_opaq *element, const struct lysc_node *key)
{
    const struct lyd_node *item;
    LY_LIST_FOR(element->child, item)
    {
        if (is_content_match(as_element(item)) && same_name(as_element(item), key))
            return canonical_text(as_element(item), key);
    }
    return NULL;
}

/* The key predicates that an element for a list asks for, or NULL if it lacks any. To be freed. */
static char *asked_keys(const struct lyd_node_opaq *element, const struct lysc_node *list)
{
    const struct lysc_node *key;
    char *keys = strdup("");
    for (key = lysc_node_child(list); key && keys && lysc_is_key(key); key = key->next) {
        char *value = asked_key(element, key), *longer;
        const char *quote = value && strchr(value, '\'') ? "\"" : "'";
        if (!value || strchr(value, *quote) ||
            asprintf(&longer, "%s[%s=%s%s%s]", keys, key->name, quote, value, quote) < 0)
            longer = NULL;
        free(value);
        free(keys);
        keys = longer;
    }
    return keys;
}

/* The first of a unit's keys that does not come before one. */
static size_t place_of(const struct entry_choice *unit, const char *key)
{
    size_t low = 0, high = unit->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(unit->keys[middle], key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void want_asked(struct entry_choice *unit, const struct lyd_node_opaq *element,
                       const struct lysc_node *list)
{
    char *key = asked_keys(element, list);
    size_t place = key ? place_of(unit, key) : 0;
    unit->wanted = true;
    if (key && place < unit->key_count && !strcmp(unit->keys[place], key)) {
        free(key);
        return;
    }
    char **keys = key ? realloc(unit->keys, (unit->key_count + 1) * sizeof(*keys)) : NULL;
    if (!keys) {
        free(key);
        unit->all = true;
        return;
    }
    unit->keys = keys;
    memmove(keys + place + 1, keys + place, (unit->key_count++ - place) * sizeof(*keys));
    keys[place] = key;
}

static void want_by_top(struct filter *filter, const struct unit *unit,
                        const struct lyd_node_opaq *top)
{
    struct entry_choice *wanted = &filter->units[unit->rank];
    const struct lyd_node *item;
    bool others = false;
    if (!unit->list)
        want_all(wanted);
    LY_LIST_FOR(top->child, item)
    {
        if (is_content_match(as_element(item)))
            continue;
        others = true;
        if (unit->list && same_name(as_element(item), unit->list))
            want_asked(wanted, as_element(item), unit->list);
    }
    if (!others)
        want_all(wanted);
}

static void find_units(struct filter *filter)
{
    for (size_t i = 0; i < filter->schema->unit_count; i++) {
        const struct unit *unit = &filter->schema->units[i];
        struct filter_set tops = top_elements(filter, unit->top);
        for (size_t t = 0; t < tops.count; t++)
            want_by_top(filter, unit, tops.all[t]);
        filter_set_free(&tops);
    }
}

bool filter_wants_top(const struct filter *filter, const struct lysc_node *top)
{
    if (filter->kind == FILTER_XPATH)
        return !filter->xpath_top || !strcmp(filter->xpath_top, top->name);
    if (filter->kind == FILTER_NONE)
        return true;
    struct filter_set tops = top_elements(filter, top);
    bool any = tops.count;
    filter_set_free(&tops);
    return any;
}

/* Reading. */

static const struct lyd_node *find_element(const struct lyd_node *node, const char *name)
{
    while (node && strcmp(LYD_NAME(node), name))
        node = node->next;
    return node;
}

static enum outcome begin(const struct schema *schema, struct filter *filter, struct error *err)
{
    *filter = (struct filter){.schema = schema};
    filter->units = calloc(schema->unit_count, sizeof(*filter->units));
    return filter->units ? DONE : fail_memory(err);
}

/* Read the request once more, as elements that have no schema. */
enum outcome filter_read_subtree(const struct schema *schema, const char *name, const char *message,
                                 const struct ly_ctx *bare, struct filter *filter,
                                 struct error *err)
{
    if (begin(schema, filter, err) != DONE)
        return FAILED;
    filter->kind = FILTER_SUBTREE;
    if (lyd_parse_data_mem(bare, message, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0,
                           &filter->message))
        return schema_refuse(schema, NULL, err, "The filter cannot be read.");
    const struct lyd_node *operation = lyd_child(filter->message);
    const struct lyd_node *node = operation ? find_element(lyd_child(operation), name) : NULL;
    filter->first = node ? lyd_child(node) : NULL;
    find_units(filter);
    return DONE;
}

enum outcome filter_read_xpath(const struct schema *schema, const char *expression,
                               struct filter *filter, struct error *err)
{
    if (begin(schema, filter, err) != DONE)
        return FAILED;
    filter->kind = FILTER_XPATH;
    filter->xpath = strdup(expression);
    return filter->xpath ? filter_xpath_units(filter, err) : fail_memory(err);
}

static const char *attribute(const struct lyd_node *node, const char *name)
{
    const struct lyd_meta *meta;
    LY_LIST_FOR(node->meta, meta)
    {
        if (!strcmp(meta->name, name))
            return lyd_get_meta_value(meta);
    }
    return NULL;
}

enum outcome filter_read(const struct schema *schema, const struct lyd_node *node,
                         const char *message, const struct ly_ctx *bare, struct filter *filter,
                         struct error *err)
{
    const char *type = node ? attribute(node, "type") : NULL;
    const char *select = node ? attribute(node, "select") : NULL;
    if (node && (!type || strcmp(type, "xpath")))
        return filter_read_subtree(schema, "filter", message, bare, filter, err);
    if (node && select)
        return filter_read_xpath(schema, select, filter, err);
    if (begin(schema, filter, err) != DONE)
        return FAILED;
    if (node) {
        refuse(err, TAG_MISSING_ATTRIBUTE, NULL, "An XPath filter needs the attribute select.");
        err->element = strdup("filter");
        err->detail = strdup("select");
        return REFUSED;
    }
    for (size_t i = 0; i < schema->unit_count; i++)
        want_all(&filter->units[i]);
    return DONE;
}

void filter_free(struct filter *filter)
{
    for (size_t u = 0; filter->units && u < filter->schema->unit_count; u++) {
        for (size_t k = 0; k < filter->units[u].key_count; k++)
            free(filter->units[u].keys[k]);
        free(filter->units[u].keys);
    }
    free(filter->units);
    free(filter->xpath);
    free(filter->xpath_top);
    lyd_free_all(filter->message);
    *filter = (struct filter){0};
}
