/*
 * XPath filters (RFC 6241, 8.9).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/filter.h"

/* One step with its key predicates, "/module:name[key='value']...". */
struct step {
    const char *name; /* After the prefix. */
    size_t length;
    char *keys; /* As entries have them, "" if there is none. Owned. */
};

static size_t name_length(const char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || (name[length] && strchr("_-.", name[length])))
        length++;
    return length;
}

/* Read "[key='value']" and append it to keys as entries have it. Returns what follows, or NULL. */
static const char *read_predicate(const char *at, struct step *step)
{
    const char *name = at + 1, *value;
    size_t length = name_length(name);
    if (name[length] == ':') {
        name += length + 1;
        length = name_length(name);
    }
    value = name + length;
    if (!length || *value++ != '=' || (*value != '\'' && *value != '"'))
        return NULL;
    const char *end = strchr(value + 1, *value);
    if (!end || end[1] != ']')
        return NULL;
    int size = (int)(end - value - 1);
    const char *quote = memchr(value + 1, '\'', (size_t)size) ? "\"" : "'";
    char *keys;
    if (asprintf(&keys, "%s[%.*s=%s%.*s%s]", step->keys, (int)length, name, quote, size, value + 1,
                 quote) < 0)
        return NULL;
    free(step->keys);
    step->keys = keys;
    return end + 2;
}

/* Read a step. Returns what follows, or NULL if it is no plain one. */
static const char *read_step(const char *at, struct step *step)
{
    if (*at != '/' || !name_length(at + 1))
        return NULL;
    step->name = at + 1;
    step->length = name_length(step->name);
    if (step->name[step->length] == ':') {
        step->name += step->length + 1;
        step->length = name_length(step->name);
    }
    step->keys = strdup("");
    at = step->name + step->length;
    while (at && step->keys && *at == '[')
        at = read_predicate(at, step);
    return step->keys ? at : NULL;
}

/* Whether the rest of an expression stays below the node that its first steps led to. */
static bool stays_below(const char *rest)
{
    if (strpbrk(rest, "(|") || strstr(rest, "..") || strstr(rest, "//") || strstr(rest, "::"))
        return false;
    for (const char *slash = strchr(rest, '/'); slash; slash = strchr(slash + 1, '/'))
        if (slash > rest && strchr("[=<>+-*, \t", slash[-1]))
            return false;
    return !*rest || *rest == '/';
}

static bool is_step(const struct step *step, const struct lysc_node *node)
{
    return strlen(node->name) == step->length && !strncmp(node->name, step->name, step->length);
}

/* "/module:top..." concerns that container's units; with a list's keys, one of its entries. */
static void want_steps(struct filter *filter, const struct step *top, const struct step *list)
{
    for (size_t i = 0; i < filter->schema->unit_count; i++) {
        const struct unit *unit = &filter->schema->units[i];
        struct entry_choice *wanted = &filter->units[i];
        if (!is_step(top, unit->top))
            continue;
        wanted->wanted = !list || !unit->list || is_step(list, unit->list);
        wanted->all = wanted->wanted && (!list || !unit->list || !*list->keys);
        if (wanted->wanted && !wanted->all) {
            wanted->keys = calloc(1, sizeof(*wanted->keys));
            if (wanted->keys && (wanted->keys[0] = strdup(list->keys)))
                wanted->key_count = 1;
            else
                wanted->all = true;
        }
    }
}

/* Keys in the order of the model name all keys of the list, or it is not known which one is. */
static bool names_all_keys(const struct filter *filter, const struct step *top,
                           const struct step *list)
{
    for (size_t i = 0; i < filter->schema->unit_count; i++) {
        const struct unit *unit = &filter->schema->units[i];
        const char *at = list->keys;
        const struct lysc_node *key;
        if (!unit->list || !is_step(top, unit->top) || !is_step(list, unit->list))
            continue;
        for (key = lysc_node_child(unit->list); key && lysc_is_key(key); key = key->next) {
            size_t length = strlen(key->name);
            if (*at != '[' || strncmp(at + 1, key->name, length) || at[length + 1] != '=')
                return false;
            const char *end = strchr(at + length + 3, at[length + 2]);
            at = end ? end + 2 : "";
        }
        return !*at;
    }
    return false;
}

/*
 * Whether there may be the operator mod: libyang takes it for one before any characters, and
 * divides whole numbers, so that a remainder by zero would end the process. A name follows a
 * prefix.
 */
static bool has_mod(const char *expression)
{
    char quote = 0, before = ' ';
    for (const char *at = expression; *at; before = *at++) {
        if (quote)
            quote = *at == quote ? 0 : quote;
        else if (*at == '\'' || *at == '"')
            quote = *at;
        else if (!strncmp(at, "mod", 3) && !isalpha((unsigned char)before) &&
                 !strchr("_-:/", before))
            return true;
    }
    return false;
}

enum outcome filter_xpath_units(struct filter *filter, struct error *err)
{
    struct step top = {0}, list = {0};
    const char *rest = read_step(filter->xpath, &top), *below = NULL;
    if (has_mod(filter->xpath)) {
        free(top.keys);
        return refuse(err, TAG_INVALID_VALUE, NULL,
                      "A filter cannot use the operator mod, and a name that begins so needs its "
                      "prefix.");
    }
    bool plain = rest && !*top.keys && stays_below(rest[0] == '/' ? "" : rest);
    if (plain)
        below = read_step(rest, &list);
    if (plain && below && stays_below(below) &&
        (!*list.keys || names_all_keys(filter, &top, &list)))
        want_steps(filter, &top, &list);
    else if (plain && stays_below(rest))
        want_steps(filter, &top, NULL);
    else
        for (size_t i = 0; i < filter->schema->unit_count; i++)
            filter->units[i].wanted = filter->units[i].all = true;
    if (plain && stays_below(rest))
        filter->xpath_top = strndup(top.name, top.length);
    free(top.keys);
    free(list.keys);
    return DONE;
}

/* Leaving what is selected. */

static int compare_nodes(const void *a, const void *b)
{
    const struct lyd_node *const *left = a, *const *right = b;
    return (*left > *right) - (*left < *right);
}

static bool is_selected(const struct ly_set *set, const struct lyd_node *node)
{
    return set->count && bsearch(&node, set->dnodes, set->count, sizeof(node), compare_nodes);
}

/* Remove what is not selected. Returns whether anything is left. */
static bool prune(const struct ly_set *set, struct lyd_node *node)
{
    struct lyd_node *child, *next;
    bool any = false;
    if (is_selected(set, node))
        return true;
    LY_LIST_FOR_SAFE(lyd_child(node), next, child)
    {
        bool is_key = child->schema && lysc_is_key(child->schema);
        if (prune(set, child))
            any = true;
        else if (!is_key)
            lyd_free_tree(child);
    }
    return any;
}

enum outcome filter_xpath_prune(const struct filter *filter, struct lyd_node **tree,
                                struct error *err)
{
    struct ly_set *set = NULL;
    struct lyd_node *node, *next, *left = NULL;
    if (!*tree)
        return DONE;
    if (lyd_find_xpath(*tree, filter->xpath, &set))
        return schema_refuse(filter->schema, NULL, err, "The XPath expression is wrong.");
    for (uint32_t i = 0; i < set->count; i++)
        filter_name(set->dnodes[i]);
    qsort(set->dnodes, set->count, sizeof(*set->dnodes), compare_nodes);
    LY_LIST_FOR_SAFE(*tree, next, node)
    {
        if (prune(set, node))
            left = left ? left : node;
        else
            lyd_free_tree(node);
    }
    ly_set_free(set, NULL);
    *tree = left;
    return DONE;
}
