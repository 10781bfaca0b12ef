/*
 * What libyang says of data that is not valid, in words that say what to do about it.
 */
#include <inttypes.h>
#include <libyang/plugins_types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/schema.h"

/* Names of a list that are told at most. */
#define NAMES_MAX 24

/* Put more behind a text. Takes it; NULL for want of memory. */
static char *join(char *text, const char *between, const char *more)
{
    char *joined;
    if (!text || asprintf(&joined, "%s%s%s", text, *text ? between : "", more) < 0)
        joined = NULL;
    free(text);
    return joined;
}

/* What a value may be. */

static char *name_enums(const struct lysc_type_bitenum_item *items)
{
    LY_ARRAY_COUNT_TYPE count = LY_ARRAY_COUNT(items), i;
    if (count > NAMES_MAX)
        return NULL;
    char *names = strdup("");
    for (i = 0; i < count; i++)
        names = join(names, i + 1 < count ? ", " : " or ", items[i].name);
    return names;
}

/* A bound of a range: of decimal64 in units of its last digit. */
static void write_bound(const struct lysc_type *type, const struct lysc_range_part *part, bool most,
                        char text[32])
{
    if (type->basetype == LY_TYPE_DEC64) {
        double unit = 1;
        for (uint8_t i = ((const struct lysc_type_dec *)type)->fraction_digits; i; i--)
            unit *= 10;
        snprintf(text, 32, "%.15g", (double)(most ? part->max_64 : part->min_64) / unit);
    } else if (type->basetype >= LY_TYPE_INT8) {
        snprintf(text, 32, "%" PRId64, most ? part->max_64 : part->min_64);
    } else {
        snprintf(text, 32, "%" PRIu64, most ? part->max_u64 : part->min_u64);
    }
}

static char *write_range(const struct lysc_type *type, const struct lysc_range *range)
{
    char *ranges = range ? strdup("") : NULL;
    const struct lysc_range_part *parts = range ? range->parts : NULL;
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(parts, i)
    {
        char least[32], most[32], part[72];
        write_bound(type, &parts[i], false, least);
        write_bound(type, &parts[i], true, most);
        snprintf(part, sizeof(part), strcmp(least, most) ? "%s to %s" : "%s", least, most);
        ranges = join(ranges, " or ", part);
    }
    return ranges;
}

/* Numbers without a range have that of their type. */
static char *write_bounds(const struct lysc_type *type)
{
    static const char *const bounds[] = {
        [LY_TYPE_UINT8] = "0 to 255",
        [LY_TYPE_UINT16] = "0 to 65535",
        [LY_TYPE_UINT32] = "0 to 4294967295",
        [LY_TYPE_INT8] = "-128 to 127",
        [LY_TYPE_INT16] = "-32768 to 32767",
        [LY_TYPE_INT32] = "-2147483648 to 2147483647",
        [LY_TYPE_INT64] = NULL,
    };
    const struct lysc_range *range = ((const struct lysc_type_num *)type)->range;
    if (range)
        return write_range(type, range);
    return bounds[type->basetype] ? strdup(bounds[type->basetype]) : NULL;
}

/* Unions of nothing but addresses. */
static char *write_union(const struct lysc_type_union *type)
{
    bool addresses = LY_ARRAY_COUNT(type->types);
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(type->types, i)
    addresses = addresses && strstr(type->types[i]->plugin->id, "-address");
    return addresses ? strdup("an address of IPv4 or IPv6") : NULL;
}

/* @return What a value may be; NULL: that takes more words, or there is no memory. */
static char *write_type(const struct lysc_type *type)
{
    switch (type->basetype) {
    case LY_TYPE_UINT8:
    case LY_TYPE_UINT16:
    case LY_TYPE_UINT32:
    case LY_TYPE_UINT64:
    case LY_TYPE_INT8:
    case LY_TYPE_INT16:
    case LY_TYPE_INT32:
    case LY_TYPE_INT64:
        return write_bounds(type);
    case LY_TYPE_DEC64:
        return write_range(type, ((const struct lysc_type_dec *)type)->range);
    case LY_TYPE_ENUM:
        return name_enums(((const struct lysc_type_enum *)type)->enums);
    case LY_TYPE_BOOL:
        return strdup("true or false");
    case LY_TYPE_UNION:
        return write_union((const struct lysc_type_union *)type);
    default:
        return NULL;
    }
}

static char *write_length(const struct lysc_type *type)
{
    char *range = type->basetype == LY_TYPE_STRING
                      ? write_range(type, ((const struct lysc_type_str *)type)->length)
                      : NULL;
    return range ? join(range, " ", "characters") : NULL;
}

static bool begins(const char *message, const char *with)
{
    return !strncmp(message, with, strlen(with));
}

char *schema_allowed(const struct lysc_node *node, const char *message)
{
    if (!(node->nodetype & LYD_NODE_TERM))
        return NULL;
    const struct lysc_type *type = ((const struct lysc_node_leaf *)node)->type;
    if (begins(message, "Unsatisfied length"))
        return write_length(type);
    bool value = begins(message, "Unsatisfied range") || begins(message, "Invalid ") ||
                 begins(message, "Value ");
    return value ? write_type(type) : NULL;
}

/* What is missing. */

const struct lysc_node *schema_node_at(const struct ly_ctx *ctx, const char *path)
{
    const struct lysc_node *node = NULL;
    const struct lys_module *module = NULL;
    while (*path == '/') {
        size_t length = strcspn(++path, "/"), prefix = strcspn(path, ":/");
        char *name = prefix < length ? strndup(path, prefix) : NULL;
        if (name)
            module = ly_ctx_get_module_implemented(ctx, name);
        free(name);
        prefix = prefix < length ? prefix + 1 : 0;
        node = module ? lys_find_child(node, module, path + prefix, length - prefix, 0,
                                       LYS_GETNEXT_WITHCHOICE | LYS_GETNEXT_WITHCASE)
                      : NULL;
        if (!node)
            return NULL;
        path += length;
    }
    return node;
}

/* Of a case the first node stands for all. */
static const struct lysc_node *first_of(const struct lysc_node *node)
{
    while (node && node->nodetype & (LYS_CASE | LYS_CHOICE))
        node = lysc_node_child(node);
    return node;
}

char *schema_told_of_missing(const struct lysc_node *missing)
{
    const struct lysc_node *parent = lysc_data_parent(missing), *one;
    char *told = NULL, *names = strdup("");
    size_t count = 0;
    for (one = missing->nodetype == LYS_CHOICE ? lysc_node_child(missing) : NULL; one;
         one = one->next, count++)
        names = join(names, ", ", first_of(one)->name);
    if (!names ||
        asprintf(&told, count > 1 ? "The %s lacks one of %s%s." : "The %s lacks %s%s.",
                 parent ? parent->name : "configuration", names, count ? "" : missing->name) < 0)
        told = NULL;
    free(names);
    return told;
}

/* Whether a node is missing's own, or of one of its cases. */
static bool is_of(const struct lyd_node *node, const struct lysc_node *missing)
{
    const struct lysc_node *schema = node->schema;
    if (schema == missing)
        return true;
    for (schema = schema ? schema->parent : NULL;
         schema && schema->nodetype & (LYS_CASE | LYS_CHOICE); schema = schema->parent)
        if (schema == missing)
            return true;
    return false;
}

static bool lacks(const struct lyd_node *node, const struct lysc_node *missing)
{
    const struct lyd_node *child;
    if (node->schema != lysc_data_parent(missing))
        return false;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (is_of(child, missing))
            return false;
    }
    return true;
}

char *schema_path_of_missing(const struct lyd_node *tree, const struct lysc_node *missing)
{
    const struct lyd_node *top, *node;
    LY_LIST_FOR(tree, top)
    {
        LYD_TREE_DFS_BEGIN(top, node)
        {
            if (lacks(node, missing)) {
                char *path = lyd_path(node, LYD_PATH_STD, NULL, 0);
                return path ? join(path, "/", missing->name) : NULL;
            }
            LYD_TREE_DFS_END(top, node);
        }
    }
    return NULL;
}
