/*
 * What the unit tests of the datastore start from: the modules, and configurations from XML.
 * Include it before cmocka.h, whose macro fail() would hide ours.
 */
#ifndef NORIA_TESTS_GIVEN_H
#define NORIA_TESTS_GIVEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/edit.h"
#include "agent/log.h"
#include "agent/transaction/transaction.h"

/** Begin the XML of virtual servers; close it with "</virtual-servers>". */
#define SERVERS                                                                                    \
    "<virtual-servers xmlns=\"urn:noria:yang:noria-virtual-server\" "                              \
    "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\" "                                        \
    "xmlns:yang=\"urn:ietf:params:xml:ns:yang:1\">"
#define END "</virtual-servers>"

static struct schema *schema;

static inline int given_schema(void **state)
{
    struct error error = {0};
    const char *folders[8] = {NULL};
    size_t count = 0;
    static char dirs[] = NORIA_TEST_YANG_DIRS;
    if (schema)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    for (char *folder = strtok(dirs, ":"); folder; folder = strtok(NULL, ":"))
        folders[count++] = folder;
    if (schema_load(folders, true, &schema, &error) == DONE)
        return 0;
    fprintf(stderr, "%s\n", error_message(&error));
    return -1;
}

static inline int forget_schema(void **state)
{
    schema_free(schema);
    schema = NULL;
    return 0;
}

/** Edit a snapshot by XML. @return As edit_snapshot(). */
static inline enum outcome edit_by_xml(const struct snapshot *base, const char *xml,
                                       enum edit_operation operation, struct snapshot **edited,
                                       struct error *err)
{
    struct lyd_node *tree = NULL;
    if (lyd_parse_data_mem(schema->ctx, xml, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &tree))
        return schema_refuse(schema, NULL, err, "XML");
    enum outcome outcome = edit_snapshot(schema, base, tree, operation, edited, err);
    lyd_free_all(tree);
    return outcome;
}

/** A valid snapshot that follows from an edit of base; NULL base is the empty one. */
static inline struct snapshot *given_snapshot(const struct snapshot *base, const char *xml)
{
    struct error error = {0};
    struct snapshot *empty = NULL, *edited = NULL, *valid = NULL;
    if (!base && snapshot_new_empty(schema, &empty, &error) != DONE)
        abort();
    if (edit_by_xml(base ? base : empty, xml, EDIT_MERGE, &edited, &error) != DONE ||
        transaction_validate(schema, base ? base : empty, edited, &valid, &error) != DONE) {
        fprintf(stderr, "given: %s: %s\n", error.path, error_message(&error));
        abort();
    }
    snapshot_unref(edited);
    snapshot_unref(empty);
    return valid;
}

/** All virtual servers of a snapshot as XML, one after the other; to be freed. */
static inline char *servers_of(const struct snapshot *snapshot)
{
    const struct unit *unit =
        schema_unit_find(schema, "/noria-virtual-server:virtual-servers/virtual-server");
    char *text = NULL;
    size_t size, count, first = snapshot_range(snapshot, unit, &count);
    FILE *stream = open_memstream(&text, &size);
    for (size_t i = first; i < first + count; i++)
        fputs(entry_text(snapshot->entries[i]), stream);
    fclose(stream);
    /* The name space is the same everywhere. */
    static const char *const noises[] = {" xmlns=\"urn:noria:yang:noria-virtual-server\"",
                                         " xmlns:nvs=\"urn:noria:yang:noria-virtual-server\"",
                                         "nvs:"};
    for (size_t i = 0; i < 3; i++)
        for (char *at; (at = strstr(text, noises[i]));)
            memmove(at, at + strlen(noises[i]), strlen(at + strlen(noises[i])) + 1);
    return text;
}

#endif
