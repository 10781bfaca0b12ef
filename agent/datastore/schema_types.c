/*
 * A type that libyang has otherwise than its RFC.
 *
 * In a node-instance-identifier (RFC 8341) keys may be left out, and a value may be $USER. libyang
 * 2.1 wants all keys or none and no variables. So its values are kept as those of the type that it
 * is derived from, XPath, and whoever uses them says what is wrong with them. Of that type, too,
 * there is something to be mended.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/sample.h"
#include "agent/datastore/schema.h"

/* After libyang's headers, which it does not include itself. */
#include <libyang/plugins_types.h>

/* libyang's type for XPath, and ours, which differs from it in variables. */
static const struct lyplg_type *xpath_type;
static struct lyplg_type path_type;

/*
 * libyang leaves the dollar signs of variables out. Returns the text with them, to be freed, or
 * NULL if it has none; a name alone is no value, so it was one.
 */
static char *restore_variable(const char *text)
{
    static const char wrong[] = "=USER]", right[] = "=$USER]";
    char *restored = NULL;
    size_t size;
    const char *at = strstr(text, wrong);
    FILE *stream = at ? open_memstream(&restored, &size) : NULL;
    if (!stream)
        return NULL;
    for (; at; text = at + sizeof(wrong) - 1, at = strstr(text, wrong))
        fprintf(stream, "%.*s%s", (int)(at - text), text, right);
    fputs(text, stream);
    return fclose(stream) ? NULL : restored;
}

/*
 * Pass over white space at the begin. libyang's copies of an expression lose so many characters as
 * that had, each time one is made, and in the end read behind its end.
 */
static void skip_space(const void **value, size_t *length, bool owned)
{
    const char *text = *value;
    size_t space = 0;
    while (space < *length && strchr(" \t\r\n", text[space]))
        space++;
    *length -= space;
    if (!space || !owned) {
        *value = text + space;
        return;
    }
    /* It is freed by its address. */
    memmove((char *)text, text + space, *length);
    ((char *)text)[*length] = '\0';
}

static LY_ERR store_path(const struct ly_ctx *ctx, const struct lysc_type *type, const void *value,
                         size_t length, uint32_t options, LY_VALUE_FORMAT format, void *prefixes,
                         uint32_t hints, const struct lysc_node *node, struct lyd_value *storage,
                         struct lys_glob_unres *unresolved, struct ly_err_item **err)
{
    skip_space(&value, &length, options & LYPLG_TYPE_STORE_DYNAMIC);
    LY_ERR result = xpath_type->store(ctx, type, value, length, options, format, prefixes, hints,
                                      node, storage, unresolved, err);
    char *restored = !result && storage->_canonical ? restore_variable(storage->_canonical) : NULL;
    if (restored) {
        const char *before = storage->_canonical;
        result = lydict_insert_zc(ctx, restored, &storage->_canonical);
        lydict_remove(ctx, before);
    }
    return result;
}

static const void *print_path(const struct ly_ctx *ctx, const struct lyd_value *value,
                              LY_VALUE_FORMAT format, void *prefixes, ly_bool *dynamic,
                              size_t *length)
{
    ly_bool made = 0;
    const char *text = xpath_type->print(ctx, value, format, prefixes, &made, length);
    char *restored = text && dynamic ? restore_variable(text) : NULL;
    if (restored) {
        if (made)
            free((char *)text);
        made = 1;
        text = restored;
        if (length)
            *length = strlen(text);
    }
    if (dynamic)
        *dynamic = made;
    return text;
}

enum outcome schema_relax_paths(struct ly_ctx *ctx, const struct sample *sample, struct error *err)
{
    const struct lysc_node *path =
        lys_find_path(ctx, NULL, "/ietf-netconf-acm:nacm/rule-list/rule/path", 0);
    if (!path || path->nodetype != LYS_LEAF)
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "Cannot find the type of paths in ietf-netconf-acm.");
    xpath_type = sample->xpath->plugin;
    path_type = *xpath_type;
    path_type.store = store_path;
    path_type.print = print_path;
    ((const struct lysc_node_leaf *)path)->type->plugin = &path_type;
    return DONE;
}
