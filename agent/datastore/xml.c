/*
 * The XML of an entry.
 */
#include "agent/datastore/xml.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* After libyang's headers, which it does not include itself. */
#include <libyang/plugins_types.h>

/* What is written; all is done twice, and the first time only counted. */
struct writer {
    char *at; /* NULL while it is counted */
    size_t length;
};

static void put(struct writer *writer, const char *text, size_t length)
{
    writer->length += length;
    if (writer->at)
        writer->at = (char *)memcpy(writer->at, text, length) + length;
}

static void put_string(struct writer *writer, const char *text)
{
    put(writer, text, strlen(text));
}

static void put_escaped(struct writer *writer, const char *text)
{
    for (;;) {
        size_t plain = strcspn(text, "&<>");
        put(writer, text, plain);
        text += plain;
        if (!*text)
            return;
        put_string(writer, *text == '&' ? "&amp;" : *text == '<' ? "&lt;" : "&gt;");
        text++;
    }
}

static void put_end(struct writer *writer, const char *name)
{
    put_string(writer, "</");
    put_string(writer, name);
    put_string(writer, ">");
}

/* A value that is one text whatever prefixes mean; NULL if it is not, or is not there. */
static const char *plain_value(const struct lyd_node *node)
{
    const struct lysc_type *type = ((const struct lysc_node_leaf *)node->schema)->type;
    const struct lyd_value *value = &((const struct lyd_node_term *)node)->value;
    struct ly_set namespaces = {0};
    ly_bool made = 0;
    const char *text =
        type->plugin->print(LYD_CTX(node), value, LY_VALUE_XML, &namespaces, &made, NULL);
    bool plain = !namespaces.count && !made;
    if (made)
        free((char *)text);
    ly_set_erase(&namespaces, NULL);
    return plain ? text : NULL;
}

/* Returns false if there is anything that is better left to libyang. */
static bool put_node(struct writer *writer, const struct lyd_node *node,
                     const struct lys_module *around)
{
    const struct lysc_node *schema = node->schema;
    const struct lyd_node *child;
    bool leaf = schema->nodetype & LYD_NODE_TERM, filled = false;
    const char *value = leaf ? plain_value(node) : NULL;
    if (node->meta || (leaf ? !value : !(schema->nodetype & (LYS_CONTAINER | LYS_LIST))))
        return false;
    put_string(writer, "<");
    put_string(writer, schema->name);
    if (schema->module != around) {
        put_string(writer, " xmlns=\"");
        put_string(writer, schema->module->ns);
        put_string(writer, "\"");
    }
    if (leaf && *value) {
        filled = true;
        put_string(writer, ">");
        put_escaped(writer, value);
    }
    LY_LIST_FOR(leaf ? NULL : lyd_child(node), child)
    {
        if (!child->schema)
            return false;
        if (child->flags & LYD_DEFAULT)
            continue;
        if (!filled)
            put_string(writer, ">");
        filled = true;
        if (!put_node(writer, child, schema->module))
            return false;
    }
    if (filled)
        put_end(writer, schema->name);
    else
        put_string(writer, "/>");
    return true;
}

char *xml_of(const struct lyd_node *node)
{
    struct writer writer = {0};
    char *text = NULL;
    if (node->flags & LYD_DEFAULT || !put_node(&writer, node, NULL)) {
        if (lyd_print_mem(&text, node, LYD_XML, LYD_PRINT_SHRINK))
            return NULL;
        return text ? text : strdup("");
    }
    text = malloc(writer.length + 1);
    writer.at = text;
    if (!text)
        return NULL;
    put_node(&writer, node, NULL);
    *writer.at = '\0';
    return text;
}
