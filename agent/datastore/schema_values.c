/*
 * Quick ways for values of unions, which most addresses are.
 *
 * libyang 2.1 tries the patterns of a union's types anew each time that it makes, hashes or
 * validates a value: a list whose key is an address costs most of its time there. What it does is
 * kept, but for two things that need no trial: which type a value has is seen in it, and what is
 * written like 192.0.2.1 is an IPv4 address. Only unions whose types look at nothing but the value
 * are dealt with, so there is nothing to validate in them later.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/sample.h"
#include "agent/datastore/schema.h"

/* After libyang's headers, which it does not include itself. */
#include <libyang/plugins_types.h>

/* What libyang puts before the value when it writes one of a union in binary: the type's index. */
#define INDEX_SIZE 4

/* libyang's way with unions. */
static const struct lyplg_type *union_type;
static struct lyplg_type plain_union;   /* ours, of any types that look at the value alone */
static struct lyplg_type address_union; /* of which the first is an IPv4 address */

/* One number of a dotted quad: no sign, no needless zero, at most 255. */
static const char *read_octet(const char *at, const char *end, unsigned char *octet)
{
    const char *begin = at;
    unsigned number = 0;
    while (at < end && at - begin < 3 && *at >= '0' && *at <= '9')
        number = number * 10 + (unsigned)(*at++ - '0');
    if (at == begin || number > 255 || (*begin == '0' && at - begin > 1))
        return NULL;
    *octet = (unsigned char)number;
    return at;
}

/* Whether a text is an IPv4 address, as it is written canonically. */
static bool read_quad(const char *text, size_t length, unsigned char quad[4])
{
    const char *at = text, *end = text + length;
    for (int i = 0; i < 4 && at; i++) {
        at = read_octet(at, end, &quad[i]);
        if (at && i < 3)
            at = at < end && *at == '.' ? at + 1 : NULL;
    }
    return at == end;
}

static LY_ERR note_canonical(const struct ly_ctx *ctx, struct lyd_value *value, const char *text,
                             size_t length)
{
    struct lyd_value *inside = &value->subvalue->value;
    LY_ERR result = lydict_insert(ctx, text, length, &value->_canonical);
    if (!result)
        result = lydict_insert(ctx, text, length, &inside->_canonical);
    if (result)
        union_type->free(ctx, value);
    return result;
}

/* An IPv4 address is stored as if it had been read from libyang's binary format. */
static LY_ERR store_address(const struct ly_ctx *ctx, const struct lysc_type *type,
                            const void *value, size_t length, uint32_t options,
                            LY_VALUE_FORMAT format, void *prefixes, uint32_t hints,
                            const struct lysc_node *node, struct lyd_value *storage,
                            struct lys_glob_unres *unresolved, struct ly_err_item **err)
{
    unsigned char binary[INDEX_SIZE + 4] = {0};
    if (format == LY_VALUE_LYB || !(hints & LYD_VALHINT_STRING) ||
        !read_quad(value, length, binary + INDEX_SIZE))
        return union_type->store(ctx, type, value, length, options, format, prefixes, hints, node,
                                 storage, unresolved, err);
    LY_ERR result = union_type->store(ctx, type, binary, sizeof(binary), 0, LY_VALUE_LYB, NULL,
                                      hints, node, storage, unresolved, err);
    if (!result)
        result = note_canonical(ctx, storage, value, length);
    if (options & LYPLG_TYPE_STORE_DYNAMIC)
        free((void *)value);
    return result;
}

/* The value as libyang writes it in binary; NULL for want of memory. */
static void *print_binary(const struct lyd_value *value, uint32_t index, size_t *length)
{
    const struct lyd_value *inside = &value->subvalue->value;
    ly_bool made = 0;
    size_t size = 0;
    index = htole32(index);
    const void *text =
        inside->realtype->plugin->print(NULL, inside, LY_VALUE_LYB, NULL, &made, &size);
    char *binary = text ? malloc(INDEX_SIZE + size) : NULL;
    if (binary) {
        memcpy(binary, &index, INDEX_SIZE);
        memcpy(binary + INDEX_SIZE, text, size);
        *length = INDEX_SIZE + size;
    }
    if (made)
        free((void *)text);
    return binary;
}

/* libyang asks for the binary form to hash a value, and then would look for its type anew. */
static const void *print_union(const struct ly_ctx *ctx, const struct lyd_value *value,
                               LY_VALUE_FORMAT format, void *prefixes, ly_bool *dynamic,
                               size_t *length)
{
    const struct lysc_type_union *type = (const struct lysc_type_union *)value->realtype;
    if (format == LY_VALUE_LYB && value->subvalue->format != LY_VALUE_LYB && dynamic && length) {
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(type->types, i)
        {
            if (type->types[i] != value->subvalue->value.realtype)
                continue;
            *dynamic = 1;
            return print_binary(value, (uint32_t)i, length);
        }
    }
    return union_type->print(ctx, value, format, prefixes, dynamic, length);
}

/* Whether all types of a union look at the value alone, and none is given twice. */
static bool is_plain(const struct lysc_type_union *type)
{
    LY_ARRAY_COUNT_TYPE i, j;
    LY_ARRAY_FOR(type->types, i)
    {
        if (type->types[i]->plugin->validate || type->types[i]->basetype == LY_TYPE_UNION ||
            type->types[i]->basetype == LY_TYPE_LEAFREF)
            return false;
        for (j = 0; j < i; j++)
            if (type->types[j] == type->types[i])
                return false;
    }
    return true;
}

/* Whether a type has the rules of the one that is known, and no others. */
static bool is_known(const struct lysc_type *type, const struct lysc_type *known)
{
    const struct lysc_type_str *a = (const struct lysc_type_str *)type,
                               *b = (const struct lysc_type_str *)known;
    LY_ARRAY_COUNT_TYPE i;
    if (type->plugin != known->plugin || type->basetype != LY_TYPE_STRING || a->length ||
        b->length || LY_ARRAY_COUNT(a->patterns) != LY_ARRAY_COUNT(b->patterns))
        return false;
    LY_ARRAY_FOR(a->patterns, i)
    {
        if (a->patterns[i]->inverted || strcmp(a->patterns[i]->expr, b->patterns[i]->expr) != 0)
            return false;
    }
    return true;
}

static LY_ERR relieve(struct lysc_node *node, void *known, ly_bool *skip)
{
    struct lysc_type *type =
        node->nodetype & (LYS_LEAF | LYS_LEAFLIST) ? ((struct lysc_node_leaf *)node)->type : NULL;
    struct lysc_type_union *members = (struct lysc_type_union *)type;
    if (type && type->basetype == LY_TYPE_UNION && type->plugin == union_type && is_plain(members))
        type->plugin = is_known(members->types[0], known) ? &address_union : &plain_union;
    return LY_SUCCESS;
}

void schema_quicken_values(struct ly_ctx *ctx, const struct sample *sample)
{
    const struct lys_module *module;
    uint32_t index = 0;
    union_type = sample->any->plugin;
    plain_union = *union_type;
    plain_union.print = print_union;
    plain_union.validate = NULL;
    address_union = plain_union;
    address_union.store = store_address;
    while ((module = ly_ctx_get_module_iter(ctx, &index)))
        if (module->implemented)
            lysc_module_dfs_full(module, relieve, sample->ipv4);
}
