/*
 * What the agent starts with.
 */
#include "agent/configuration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/datastore/edit.h"
#include "agent/datastore/stored.h"
#include "agent/log.h"
#include "agent/transaction/transaction.h"

enum outcome configuration_schema(const struct agent_options *options, struct schema **schema,
                                  struct error *err)
{
    const char *folders[32] = {NULL};
    size_t count = 0;
    char *copy = strdup(options->yang_dirs), *rest = NULL;
    if (!copy)
        return fail_memory(err);
    for (char *folder = strtok_r(copy, ":", &rest); folder && count < 31;
         folder = strtok_r(NULL, ":", &rest))
        folders[count++] = folder;
    enum outcome outcome = schema_load(folders, options->null_backend, schema, err);
    free(copy);
    return outcome;
}

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

/* Append what differs, if anything does; state is made anew at each start. */
static enum outcome append(struct journal *journal, const struct snapshot *before,
                           const struct snapshot *after, bool *differs, struct error *err)
{
    struct change_set changes = {0};
    size_t kept = 0;
    enum outcome outcome = change_set_make(before, after, &changes, err);
    for (size_t i = 0; i < changes.count; i++)
        if (changes.changes[i].unit->config)
            changes.changes[kept++] = changes.changes[i];
    changes.count = kept;
    *differs = kept > 0;
    if (outcome == DONE && kept) {
        journal_number(journal, &changes);
        outcome = journal_append(journal, &(const struct change_set *){&changes}, 1, err);
    }
    change_set_free(&changes);
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

static enum outcome read_first(const struct schema *schema, struct journal *journal,
                               const char *file, struct snapshot **snapshot, struct error *err)
{
    struct snapshot *empty = NULL;
    bool differs;
    if (access(file, F_OK)) {
        log_notice(AREA_DATASTORE, "nothing is stored and there is no %s: the agent starts empty",
                   file);
        return snapshot_new_empty(schema, snapshot, err);
    }
    struct error cause = {0};
    enum outcome outcome = configuration_read(schema, file, snapshot, &cause);
    if (outcome == DONE)
        outcome = snapshot_new_empty(schema, &empty, err);
    else
        fail(
            err, TAG_OPERATION_FAILED, cause.path,
            "The agent cannot begin with %s: %s Mend the file; 'noriad --check -c %s' says whether "
            "it is valid.",
            file, error_message(&cause), file);
    error_clear(&cause);
    if (outcome == DONE)
        outcome = append(journal, empty, *snapshot, &differs, err);
    snapshot_unref(empty);
    if (outcome == DONE)
        log_notice(AREA_DATASTORE, "took the initial configuration from %s", file);
    return outcome;
}

/* What could not be started with must not be stored: the rules between entries. */
static enum outcome check_all(const struct schema *schema, const struct snapshot *snapshot,
                              struct error *err)
{
    struct agent agent = {.schema = (struct schema *)schema};
    struct transactions *transactions = NULL;
    enum outcome outcome = transactions_new(&agent, snapshot, &transactions, err);
    transactions_free(transactions);
    return outcome;
}

/* Make running what was stored at another time: one more commit. */
static enum outcome become(const struct schema *schema, struct journal *journal,
                           const struct snapshot *target, struct snapshot **running,
                           struct error *err)
{
    struct snapshot *next = NULL;
    bool differs = false;
    enum outcome outcome = transaction_validate(schema, *running, target, &next, err);
    if (outcome == DONE)
        outcome = check_all(schema, next, err);
    if (outcome == DONE) {
        next->revision = (*running)->revision + 1;
        next->committed = clock_now();
        outcome = append(journal, *running, next, &differs, err);
    }
    if (outcome == DONE && differs) {
        snapshot_unref(*running);
        *running = next;
    } else {
        snapshot_unref(next);
    }
    return outcome;
}

static enum outcome roll_back(const struct schema *schema, struct journal *journal,
                              const char *folder, struct snapshot **running, struct error *err)
{
    struct snapshot *before = NULL;
    enum outcome outcome = stored_read(schema, folder, STORED_CONFIRM, &before, err);
    if (outcome != DONE || !before)
        return outcome;
    log_notice(AREA_DATASTORE, "the agent ended before a confirmed commit was confirmed: it is "
                               "taken back");
    outcome = become(schema, journal, before, running, err);
    snapshot_unref(before);
    /* Only now that this is stored; a crash before it does the same once more. */
    return outcome == DONE ? stored_remove(folder, STORED_CONFIRM, err) : outcome;
}

static enum outcome begin_from_startup(const struct schema *schema, struct journal *journal,
                                       const char *folder, struct snapshot **running,
                                       struct error *err)
{
    struct snapshot *startup = NULL;
    enum outcome outcome = stored_read(schema, folder, STORED_STARTUP, &startup, err);
    if (outcome == DONE && !startup)
        log_warning(AREA_DATASTORE, "the startup datastore was never written: the agent starts "
                                    "with what was running last");
    else if (outcome == DONE)
        outcome = become(schema, journal, startup, running, err);
    snapshot_unref(startup);
    return outcome;
}

enum outcome configuration_load(const struct schema *schema, struct journal *journal,
                                const struct agent_options *options, struct snapshot **snapshot,
                                struct error *err)
{
    *snapshot = NULL;
    enum outcome outcome = journal_load(journal, snapshot, err);
    if (outcome == DONE && *snapshot)
        outcome = settle(schema, snapshot, err);
    /* Where nothing was ever committed, there is nothing to be taken back. */
    if (outcome == DONE && !*snapshot)
        outcome = stored_remove(options->state_dir, STORED_CONFIRM, err);
    else if (outcome == DONE)
        outcome = roll_back(schema, journal, options->state_dir, snapshot, err);
    if (outcome == DONE && !*snapshot)
        outcome = read_first(schema, journal, options->config, snapshot, err);
    if (outcome == DONE && options->from_startup)
        outcome = begin_from_startup(schema, journal, options->state_dir, snapshot, err);
    if (outcome != DONE) {
        snapshot_unref(*snapshot);
        *snapshot = NULL;
    }
    return outcome;
}
