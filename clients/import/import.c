/*
 * The tree of an import, and the list of what could not be carried over.
 */
#include "clients/import/import.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"

void *import_need(void *memory)
{
    if (!memory) {
        fputs("noria-import: out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

char *import_text(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return import_need(text);
}

static void grow(void *array, size_t count, size_t *room, size_t size)
{
    if (!array_grow(array, count, room, size))
        import_need(NULL);
}

void import_begin(struct import *import, const struct schema *schema)
{
    *import = (struct import){.schema = schema};
}

void import_end(struct import *import)
{
    lyd_free_all(import->tree);
    for (size_t i = 0; i < import->leftover_count; i++)
        free(import->leftovers[i].text);
    for (size_t i = 0; i < import->file_count; i++)
        free(import->files[i]);
    for (size_t i = 0; i < import->place_count; i++)
        free(import->places[i]);
    free(import->leftovers);
    free(import->files);
    free(import->places);
    *import = (struct import){0};
}

const char *import_file(struct import *import, const char *name)
{
    for (size_t i = 0; i < import->file_count; i++)
        if (!strcmp(import->files[i], name))
            return import->files[i];
    grow(&import->files, import->file_count, &import->file_room, sizeof(*import->files));
    return import->files[import->file_count++] = import_need(strdup(name));
}

/* Whether that was said of a place just now: a line that makes many entries says it of each. */
static bool is_left(const struct import *import, struct place place, const char *text)
{
    for (size_t i = import->leftover_count; i--;) {
        const struct leftover *left = &import->leftovers[i];
        if (left->place.file != place.file || left->place.line != place.line)
            return false;
        if (!strcmp(left->text, text))
            return true;
    }
    return false;
}

void import_left(struct import *import, struct place place, const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    for (char *c = import_need(text); *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?'; /* what a file holds is not to steer a terminal */
    if (is_left(import, place, text)) {
        free(text);
        return;
    }
    grow(&import->leftovers, import->leftover_count, &import->leftover_room,
         sizeof(*import->leftovers));
    import->leftovers[import->leftover_count] =
        (struct leftover){.place = place, .order = import->leftover_count, .text = text};
    import->leftover_count++;
}

char *import_name(const char *from)
{
    char *name = import_need(strdup(*from ? from : "_"));
    for (char *c = name; *c; c++)
        if (!isascii((unsigned char)*c) ||
            (!isalnum((unsigned char)*c) && *c != '_' && (c == name || !strchr("-.", *c))))
            *c = '_';
    return name;
}

static void set_place(struct import *import, struct lyd_node *node, struct place place)
{
    struct place *kept = import_need(malloc(sizeof(*kept)));
    *kept = place;
    grow(&import->places, import->place_count, &import->place_room, sizeof(*import->places));
    import->places[import->place_count++] = kept;
    node->priv = kept;
}

/* The module and the bare name of "module:name". */
static const struct lys_module *module_of(const struct import *import,
                                          const struct lyd_node *parent, const char **name)
{
    const char *colon = strchr(*name, ':');
    if (!colon)
        return parent->schema->module;
    char module[64];
    snprintf(module, sizeof(module), "%.*s", (int)(colon - *name), *name);
    *name = colon + 1;
    return ly_ctx_get_module_implemented(import->schema->ctx, module);
}

struct lyd_node *import_find(const struct lyd_node *parent, const char *name)
{
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(parent), child)
    {
        if (!strcmp(child->schema->name, name))
            return child;
    }
    return NULL;
}

static struct lyd_node *find_top(const struct import *import, const char *name)
{
    struct lyd_node *node;
    LY_LIST_FOR(import->tree, node)
    {
        if (!strcmp(node->schema->name, name))
            return node;
    }
    return NULL;
}

static struct lyd_node *one_container(struct import *import, struct place place,
                                      struct lyd_node *parent, const char *name)
{
    const struct lys_module *module = module_of(import, parent, &name);
    struct lyd_node *node = parent ? import_find(parent, name) : find_top(import, name);
    if (node)
        return node;
    if (lyd_new_inner(parent, module, name, 0, &node)) {
        fprintf(stderr, "noria-import: the YANG modules have no container %s: %s\n", name,
                ly_errmsg(import->schema->ctx));
        exit(1); /* a defect, not a matter of what is imported */
    }
    set_place(import, node, place);
    if (!parent)
        lyd_insert_sibling(import->tree, node, &import->tree);
    return node;
}

struct lyd_node *import_container(struct import *import, struct place place,
                                  struct lyd_node *parent, const char *name)
{
    const char *slash;
    while ((slash = strchr(name, '/'))) {
        char first[64];
        snprintf(first, sizeof(first), "%.*s", (int)(slash - name), name);
        parent = one_container(import, place, parent, first);
        name = slash + 1;
    }
    return one_container(import, place, parent, name);
}

struct lyd_node *import_entry(struct import *import, struct place place, struct lyd_node *parent,
                              const char *list, const char *first, const char *second)
{
    struct lyd_node *node, *other;
    LY_ERR error = second ? lyd_new_list(parent, NULL, list, 0, &node, first, second)
                          : lyd_new_list(parent, NULL, list, 0, &node, first);
    if (error) {
        import_left(import, place, "%s %s%s%s: %s", list, first, second ? " " : "",
                    second ? second : "", ly_errmsg(import->schema->ctx));
        ly_err_clean(import->schema->ctx, NULL);
        return NULL;
    }
    if (!lyd_find_sibling_first(lyd_child(parent), node, &other) && other != node) {
        import_left(import, place, "%s %s%s%s: it is there already", list, first, second ? " " : "",
                    second ? second : "");
        lyd_free_tree(node);
        return NULL;
    }
    set_place(import, node, place);
    return node;
}

static bool set_leaf(struct import *import, struct place place, struct lyd_node *parent,
                     const char *path, const char *value, bool secret)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if (slash) {
        char *above = import_text("%.*s", (int)(slash - path), path);
        parent = import_container(import, place, parent, above);
        free(above);
    }
    const struct lys_module *module = NULL;
    const char *colon = strchr(name, ':');
    if (colon) {
        char *of = import_text("%.*s", (int)(colon - name), name);
        module = ly_ctx_get_module_implemented(import->schema->ctx, of);
        name = colon + 1;
        free(of);
    }
    struct lyd_node *node, *before = import_find(parent, name);
    if (lyd_new_term(parent, module, name, value, 0, &node)) {
        const char *why = ly_errmsg(import->schema->ctx);
        if (secret)
            import_left(import, place, "%s: not a value that it can have", name);
        else
            import_left(import, place, "%s %s: %s", name, value, why ? why : "not possible");
        ly_err_clean(import->schema->ctx, NULL);
        return false;
    }
    set_place(import, node, place);
    if (before && before->schema->nodetype == LYS_LEAF)
        lyd_free_tree(before);
    return true;
}

bool import_leaf(struct import *import, struct place place, struct lyd_node *parent,
                 const char *path, const char *value)
{
    return set_leaf(import, place, parent, path, value, false);
}

bool import_secret(struct import *import, struct place place, struct lyd_node *parent,
                   const char *path, const char *value)
{
    return set_leaf(import, place, parent, path, value, true);
}

bool import_number(struct import *import, struct place place, struct lyd_node *parent,
                   const char *path, long value)
{
    char text[24];
    snprintf(text, sizeof(text), "%ld", value);
    return import_leaf(import, place, parent, path, text);
}
