/*
 * What the agent starts with.
 */
#include "agent/configuration.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/datastore/edit.h"
#include "agent/log.h"
#include "agent/transaction/transaction.h"

static enum outcome parse(const struct schema *schema, const char *file, struct lyd_node **tree,
                          struct error *err)
{
    *tree = NULL;
    if (access(file, R_OK))
        return refuse(err, TAG_OPERATION_FAILED, NULL, "Cannot read %s: %s.", file,
                      strerror(errno));
    if (!lyd_parse_data_path(schema->ctx, file, LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, tree))
        return DONE;
    return schema_refuse(schema, NULL, err, "The file is not well-formed XML.");
}

enum outcome configuration_read(const struct schema *schema, const char *file,
                                struct snapshot **snapshot, struct error *err)
{
    struct lyd_node *tree = NULL;
    struct snapshot *empty = NULL, *edited = NULL;
    enum outcome outcome = parse(schema, file, &tree, err);
    if (outcome == DONE)
        outcome = snapshot_new_empty(schema, &empty, err);
    if (outcome == DONE)
        outcome = edit_snapshot(schema, empty, tree, EDIT_MERGE, &edited, err);
    if (outcome == DONE)
        outcome = transaction_validate(schema, empty, edited, snapshot, err);
    if (outcome == DONE) {
        (*snapshot)->revision = 1;
        (*snapshot)->committed = clock_now();
    }
    lyd_free_all(tree);
    snapshot_unref(edited);
    snapshot_unref(empty);
    return outcome;
}

static enum outcome store_first(const struct schema *schema, struct journal *journal,
                                const struct snapshot *first, struct error *err)
{
    struct snapshot *empty = NULL;
    struct change_set changes = {0};
    enum outcome outcome = snapshot_new_empty(schema, &empty, err);
    if (outcome == DONE)
        outcome = change_set_make(empty, first, &changes, err);
    if (outcome == DONE) {
        /* State is made anew at each start. */
        size_t kept = 0;
        for (size_t i = 0; i < changes.count; i++)
            if (changes.changes[i].unit->config)
                changes.changes[kept++] = changes.changes[i];
        changes.count = kept;
        journal_number(journal, &changes);
        outcome = journal_append(journal, &changes, err);
    }
    change_set_free(&changes);
    snapshot_unref(empty);
    return outcome;
}

/* Validate what could not be validated entry by entry while it was read. */
static enum outcome settle(const struct schema *schema, struct snapshot **snapshot,
                           struct error *err)
{
    struct snapshot *empty, *valid = NULL;
    bool all_valid = true;
    for (size_t i = 0; i < (*snapshot)->count; i++)
        all_valid = all_valid && (*snapshot)->entries[i]->valid;
    if (all_valid)
        return DONE;
    enum outcome outcome = snapshot_new_empty(schema, &empty, err);
    if (outcome != DONE)
        return outcome;
    outcome = transaction_validate(schema, empty, *snapshot, &valid, err);
    snapshot_unref(empty);
    if (outcome != DONE)
        return outcome;
    valid->revision = (*snapshot)->revision;
    valid->committed = (*snapshot)->committed;
    snapshot_unref(*snapshot);
    *snapshot = valid;
    return DONE;
}

enum outcome configuration_load(const struct schema *schema, struct journal *journal,
                                const char *file, struct snapshot **snapshot, struct error *err)
{
    *snapshot = NULL;
    enum outcome outcome = journal_load(journal, snapshot, err);
    if (outcome != DONE)
        return outcome;
    if (*snapshot)
        return settle(schema, snapshot, err);
    if (access(file, F_OK)) {
        log_notice(AREA_DATASTORE, "nothing is stored and there is no %s: the agent starts empty",
                   file);
        return snapshot_new_empty(schema, snapshot, err);
    }
    outcome = configuration_read(schema, file, snapshot, err);
    if (outcome == DONE)
        outcome = store_first(schema, journal, *snapshot, err);
    if (outcome == DONE)
        log_notice(AREA_DATASTORE, "took the initial configuration from %s", file);
    else {
        snapshot_unref(*snapshot);
        *snapshot = NULL;
    }
    return outcome;
}
