/*
 * Operations on whole datastores: read, copy, replace, validate, delete.
 */
#include "agent/access/access.h"
#include "agent/datastore/edit.h"
#include "agent/datastore/stored.h"
#include "agent/transaction/candidate.h"
#include "agent/transaction/running.h"

static enum outcome fetch_startup(struct agent *agent, struct snapshot **snapshot,
                                  struct error *err)
{
    enum outcome outcome =
        stored_read(agent->schema, agent->options.state_dir, STORED_STARTUP, snapshot, err);
    if (outcome == DONE && !*snapshot)
        outcome = snapshot_new_empty(agent->schema, snapshot, err);
    return outcome;
}

enum outcome datastore_fetch(struct agent *agent, enum datastore datastore,
                             struct snapshot **snapshot, struct error *err)
{
    if (datastore == DATASTORE_STARTUP)
        return fetch_startup(agent, snapshot, err);
    *snapshot = datastore_read(agent, datastore);
    return DONE;
}

enum outcome datastore_fetch_config(struct agent *agent, const struct lyd_node *config,
                                    struct snapshot **snapshot, struct error *err)
{
    struct snapshot *running = agent_running(agent);
    enum outcome outcome =
        edit_snapshot(agent->schema, running, config, EDIT_REPLACE, snapshot, err);
    snapshot_unref(running);
    return outcome;
}

/* A backend that is down does not make a configuration invalid: only a refusal counts. */
static enum outcome only_refusals(enum outcome outcome, struct error *err)
{
    if (outcome != FAILED || (err && err->tag != TAG_RESOURCE_DENIED))
        return outcome;
    error_clear(err);
    return DONE;
}

static enum outcome validate_snapshot(struct agent *agent, const struct snapshot *snapshot,
                                      struct error *err)
{
    static const struct origin nobody = {.user = "-", .protocol = "validate", .recovery = true};
    struct error own = {0};
    struct change_maker maker = {make_given, snapshot, NULL};
    enum outcome outcome = only_refusals(running_check(agent, &maker, &nobody, &own), &own);
    if (outcome != DONE && err)
        error_move(err, &own);
    error_clear(&own);
    return outcome;
}

enum outcome datastore_validate(struct agent *agent, enum datastore datastore, struct error *err)
{
    struct snapshot *snapshot = NULL;
    enum outcome outcome = datastore_fetch(agent, datastore, &snapshot, err);
    if (outcome == DONE)
        outcome = validate_snapshot(agent, snapshot, err);
    snapshot_unref(snapshot);
    return outcome;
}

enum outcome datastore_validate_config(struct agent *agent, const struct lyd_node *config,
                                       struct error *err)
{
    struct snapshot *snapshot = NULL;
    enum outcome outcome = datastore_fetch_config(agent, config, &snapshot, err);
    if (outcome == DONE)
        outcome = validate_snapshot(agent, snapshot, err);
    snapshot_unref(snapshot);
    return outcome;
}

static enum outcome store_candidate(struct agent *agent, const struct change_maker *maker,
                                    const struct origin *origin, struct error *err)
{
    struct snapshot *stored = NULL;
    enum outcome outcome =
        locks_begin_change(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    if (outcome != DONE)
        return outcome;
    struct snapshot *before = candidate_begin(agent->candidate, agent);
    outcome = running_make_target(agent, maker, origin, before, &stored, err);
    candidate_end(agent->candidate, stored);
    locks_end_change(agent->locks, DATASTORE_CANDIDATE);
    snapshot_unref(before);
    return outcome;
}

/* Whether the asker may make startup what it is to be. */
static enum outcome check_startup(struct agent *agent, const struct change_maker *maker,
                                  const struct origin *origin, struct error *err)
{
    struct snapshot *before = NULL, *stored = NULL;
    if (origin->recovery)
        return DONE; /* also where what is there cannot be read any more */
    enum outcome outcome = fetch_startup(agent, &before, err);
    if (outcome == DONE)
        outcome = running_make_target(agent, maker, origin, before, &stored, err);
    snapshot_unref(stored);
    snapshot_unref(before);
    return outcome;
}

/* What the agent could not start from must not get there. */
static enum outcome store_startup(struct agent *agent, const struct origin *origin,
                                  const struct snapshot *snapshot, struct error *err)
{
    struct snapshot *running = agent_running(agent);
    enum outcome outcome = snapshot == running ? DONE : validate_snapshot(agent, snapshot, err);
    snapshot_unref(running);
    if (outcome == DONE)
        outcome = locks_begin_change(agent->locks, DATASTORE_STARTUP, origin->session, err);
    if (outcome != DONE)
        return outcome;
    outcome = stored_write(agent->schema, agent->options.state_dir, STORED_STARTUP, snapshot, err);
    locks_end_change(agent->locks, DATASTORE_STARTUP);
    return outcome;
}

/* Startup takes what is valid only. */
static enum outcome store_snapshot(struct agent *agent, enum datastore target,
                                   const struct origin *origin, struct snapshot *snapshot,
                                   struct error *err)
{
    struct change_maker maker = {make_given, snapshot, NULL};
    enum outcome outcome = locks_check(agent->locks, target, origin->session, err);
    if (outcome != DONE)
        return outcome;
    if (target == DATASTORE_RUNNING)
        return running_change(agent, &maker, origin, NULL, false, err);
    if (target == DATASTORE_CANDIDATE)
        return store_candidate(agent, &maker, origin, err);
    outcome = check_startup(agent, &maker, origin, err);
    return outcome == DONE ? store_startup(agent, origin, snapshot, err) : outcome;
}

/* What the asker cannot read is left out of what he copies (RFC 8341, 3.2.7). */
enum outcome datastore_fetch_visible(struct agent *agent, enum datastore datastore,
                                     const struct origin *origin, struct snapshot **snapshot,
                                     struct error *err)
{
    struct access access;
    struct snapshot *whole = NULL;
    enum outcome outcome = access_begin(agent, origin->user, origin->recovery, &access, err);
    if (outcome == DONE)
        outcome = datastore_fetch(agent, datastore, &whole, err);
    if (outcome == DONE)
        outcome = access_visible(&access, whole, snapshot, err);
    snapshot_unref(whole);
    access_end(&access);
    return outcome;
}

enum outcome datastore_replace(struct agent *agent, enum datastore target,
                               const struct origin *origin, struct lyd_node *config,
                               struct error *err)
{
    struct snapshot *snapshot = NULL;
    if (target != DATASTORE_STARTUP)
        return datastore_edit(agent, target, origin, config, DEFAULT_REPLACE, false, err);
    enum outcome outcome = datastore_fetch_config(agent, config, &snapshot, err);
    if (outcome == DONE)
        outcome = store_snapshot(agent, target, origin, snapshot, err);
    snapshot_unref(snapshot);
    return outcome;
}

enum outcome datastore_copy(struct agent *agent, enum datastore target, enum datastore source,
                            const struct origin *origin, struct error *err)
{
    struct snapshot *snapshot = NULL;
    if (target == source)
        return refuse(err, TAG_INVALID_VALUE, NULL,
                      "Source and target are the same datastore: name two different ones.");
    struct snapshot *running = agent_running(agent);
    enum outcome outcome = datastore_fetch_visible(agent, source, origin, &snapshot, err);
    if (outcome == DONE)
        outcome = store_snapshot(agent, target, origin, snapshot, err);
    if (outcome == DONE && target == DATASTORE_CANDIDATE && snapshot == running)
        candidate_committed(agent->candidate, snapshot); /* it is running, and follows it */
    snapshot_unref(running);
    snapshot_unref(snapshot);
    return outcome;
}

enum outcome datastore_delete_startup(struct agent *agent, const struct origin *origin,
                                      struct error *err)
{
    enum outcome outcome =
        locks_begin_change(agent->locks, DATASTORE_STARTUP, origin->session, err);
    if (outcome != DONE)
        return outcome;
    outcome = stored_remove(agent->options.state_dir, STORED_STARTUP, err);
    locks_end_change(agent->locks, DATASTORE_STARTUP);
    return outcome;
}
