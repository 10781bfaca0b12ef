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

#include "agent/datastore/schema.h"

/* After libyang's headers, which it does not include itself. */
#include <libyang/plugins_types.h>

/* A leaf of the type that is wanted. */
static const char model[] = "module x {"
                            "  namespace \"urn:x\";"
                            "  prefix x;"
                            "  import ietf-yang-types { prefix yang; }"
                            "  leaf path { type yang:xpath1.0; }"
                            "}";

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

static struct lysc_type *type_of(const struct lysc_node *leaf)
{
    return leaf && leaf->nodetype == LYS_LEAF ? ((const struct lysc_node_leaf *)leaf)->type : NULL;
}

/* What a type does is libyang's own and constant; a context of its own is where to find it. */
enum outcome schema_relax_paths(struct ly_ctx *ctx, const char *const *search, struct error *err)
{
    struct lysc_type *path =
        type_of(lys_find_path(ctx, NULL, "/ietf-netconf-acm:nacm/rule-list/rule/path", 0));
    struct ly_ctx *own = NULL;
    struct lys_module *module = NULL;
    if (ly_ctx_new(NULL, LY_CTX_DISABLE_SEARCHDIR_CWD, &own))
        return fail_memory(err);
    for (; *search; search++)
        ly_ctx_set_searchdir(own, *search);
    lys_parse_mem(own, model, LYS_IN_YANG, &module);
    struct lysc_type *xpath = module ? type_of(module->compiled->data) : NULL;
    if (path && xpath) {
        xpath_type = xpath->plugin;
        path_type = *xpath_type;
        path_type.store = store_path;
        path_type.print = print_path;
        path->plugin = &path_type;
    }
    ly_ctx_destroy(own);
    return path && xpath ? DONE
                         : fail(err, TAG_OPERATION_FAILED, NULL,
                                "Cannot find the type of paths in ietf-netconf-acm.");
}
