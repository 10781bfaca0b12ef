/*
 * A configuration as an XML document.
 */
#include "agent/datastore/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BASE "urn:ietf:params:xml:ns:netconf:base:1.0"

/* A document may begin with a byte order mark and an XML declaration, an element may not. */
static const char *skip_prolog(const char *xml)
{
    if (!strncmp(xml, "\xef\xbb\xbf", 3))
        xml += 3;
    xml += strspn(xml, " \t\r\n");
    if (strncmp(xml, "<?xml", 5) != 0)
        return xml;
    const char *end = strstr(xml, "?>");
    return end ? end + 2 : xml;
}

/* So that libyang reads it exactly as it reads what comes in an edit-config. */
static enum outcome parse(const struct schema *schema, const char *xml, struct lyd_node **owner,
                          struct error *err)
{
    static const char beginning[] = "<edit-config xmlns=\"" BASE "\">", ending[] = "</edit-config>";
    struct ly_in *in = NULL;
    char *wrapped;
    if (asprintf(&wrapped, "%s%s%s", beginning, skip_prolog(xml), ending) < 0)
        return fail_memory(err);
    enum outcome outcome = DONE;
    *owner = NULL;
    if (ly_in_new_memory(wrapped, &in))
        outcome = fail_memory(err);
    else if (lyd_parse_op(schema->ctx, NULL, in, LYD_XML, LYD_TYPE_RPC_YANG, owner, NULL))
        outcome = schema_refuse(schema, NULL, err, "The file is not well-formed XML.");
    ly_in_free(in, 0);
    free(wrapped);
    return outcome;
}

static enum outcome find_config(const struct lyd_node *owner, struct lyd_node **config,
                                struct error *err)
{
    const struct lyd_node *node = lyd_child(owner);
    if (!node || node->next || !node->schema || strcmp(LYD_NAME(node), "config") != 0)
        return refuse(err, TAG_INVALID_VALUE, NULL,
                      "The file must have one element, <config xmlns=\"" BASE "\">.");
    const struct lyd_node_any *any = (const struct lyd_node_any *)node;
    if (any->value_type != LYD_ANYDATA_DATATREE)
        return refuse(err, TAG_INVALID_VALUE, NULL,
                      "The element config of the file must hold elements, not text.");
    *config = any->value.tree;
    return DONE;
}

enum outcome document_read(const struct schema *schema, const char *xml, struct lyd_node **owner,
                           struct lyd_node **config, struct error *err)
{
    enum outcome outcome = parse(schema, xml, owner, err);
    if (outcome == DONE)
        outcome = find_config(*owner, config, err);
    if (outcome != DONE) {
        lyd_free_all(*owner);
        *owner = NULL;
    }
    return outcome;
}

/* A container's own part; its end tag waits for its lists. */
static bool begin_top(FILE *stream, const struct unit *unit, const struct entry *entry)
{
    const char *name = unit->top->name, *text = entry ? entry_text(entry) : "";
    if (!text)
        return false;
    size_t length = strlen(text), end = strlen(name) + 3;
    if (length > end && text[length - 2] != '/')
        fwrite(text, 1, length - end, stream);
    else
        fprintf(stream, "<%s xmlns=\"%s\">", name, unit->top->module->ns);
    return true;
}

static bool write_lists(FILE *stream, const struct schema *schema, const struct snapshot *snapshot,
                        const struct lysc_node *top)
{
    for (size_t i = 0; i < schema->unit_count; i++) {
        const struct unit *unit = &schema->units[i];
        if (unit->top != top || !unit->list || !unit->config)
            continue;
        size_t count, first = snapshot_range(snapshot, unit, &count);
        for (size_t e = first; e < first + count; e++) {
            const char *text = entry_text(snapshot->entries[e]);
            if (!text || fprintf(stream, "%s\n", text) < 0)
                return false;
        }
    }
    return true;
}

static bool write_all(FILE *stream, const struct schema *schema, const struct snapshot *snapshot)
{
    fprintf(stream, "<config xmlns=\"" BASE "\">\n");
    for (size_t i = 0; i < schema->unit_count; i++) {
        const struct unit *unit = &schema->units[i];
        if (unit->list || !unit->config)
            continue;
        if (!begin_top(stream, unit, snapshot_find(snapshot, unit, "")) ||
            !write_lists(stream, schema, snapshot, unit->top))
            return false;
        fprintf(stream, "</%s>\n", unit->top->name);
    }
    fprintf(stream, "</config>\n");
    return !ferror(stream);
}

enum outcome document_write(const struct schema *schema, const struct snapshot *snapshot,
                            char **xml, size_t *size, struct error *err)
{
    *xml = NULL;
    FILE *stream = open_memstream(xml, size);
    if (!stream)
        return fail_memory(err);
    bool whole = write_all(stream, schema, snapshot);
    if (!fclose(stream) && whole)
        return DONE;
    free(*xml);
    *xml = NULL;
    return fail_memory(err);
}
