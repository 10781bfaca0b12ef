/*
 * Operations on datastores.
 */
#include "agent/transaction/operations.h"

#include <stdlib.h>

#include "agent/datastore/edit.h"
#include "agent/transaction/candidate.h"
#include "agent/transaction/running.h"

struct edit_arguments {
    struct lyd_node *edit;
    enum edit_operation operation;
    bool once; /* it is made once and not again */
};

static enum outcome make_edited(const struct schema *schema, const struct snapshot *base,
                                const void *arg, struct snapshot **target, struct error *err)
{
    const struct edit_arguments *arguments = arg;
    return arguments->once
               ? edit_snapshot_taking(schema, base, arguments->edit, arguments->operation, target,
                                      err)
               : edit_snapshot(schema, base, arguments->edit, arguments->operation, target, err);
}

static enum outcome edit_candidate(struct agent *agent, const struct change_maker *maker,
                                   const struct origin *origin, struct error *err)
{
    struct snapshot *edited = NULL;
    enum outcome outcome =
        locks_begin_change(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    if (outcome != DONE)
        return outcome;
    struct snapshot *base = candidate_begin(agent->candidate, agent);
    outcome = running_make_target(agent, maker, origin, base, &edited, err);
    candidate_end(agent->candidate, edited);
    locks_end_change(agent->locks, DATASTORE_CANDIDATE);
    snapshot_unref(base);
    return outcome;
}

static enum outcome change_datastore(struct agent *agent, enum datastore datastore,
                                     const struct origin *origin,
                                     const struct edit_arguments *arguments, bool test_only,
                                     struct error *err)
{
    struct change_maker maker = {make_edited, arguments, arguments->edit};
    enum outcome outcome = locks_check(agent->locks, datastore, origin->session, err);
    if (outcome != DONE)
        return outcome;
    if (datastore == DATASTORE_RUNNING && test_only)
        return running_check(agent, &maker, origin, err);
    if (datastore == DATASTORE_RUNNING)
        return running_change(agent, &maker, origin, NULL, false, err);
    if (!test_only)
        return edit_candidate(agent, &maker, origin, err);

    struct snapshot *base = datastore_read(agent, datastore), *edited = NULL;
    outcome = running_make_target(agent, &maker, origin, base, &edited, err);
    if (outcome == DONE) {
        /* The edit is allowed; what others have edited before is not this one's. */
        struct origin allowed = *origin;
        allowed.recovery = true;
        maker = (struct change_maker){make_given, edited, NULL};
        outcome = running_check(agent, &maker, &allowed, err);
    }
    snapshot_unref(edited);
    snapshot_unref(base);
    return outcome;
}

enum outcome datastore_edit(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, struct lyd_node *edit,
                            enum default_operation operation, bool test_only, struct error *err)
{
    static const enum edit_operation operations[] = {
        [DEFAULT_MERGE] = EDIT_MERGE, [DEFAULT_REPLACE] = EDIT_REPLACE, [DEFAULT_NONE] = EDIT_NONE};
    struct edit_arguments arguments = {edit, operations[operation],
                                       datastore == DATASTORE_CANDIDATE && !test_only};
    return change_datastore(agent, datastore, origin, &arguments, test_only, err);
}

enum outcome datastore_commit(struct agent *agent, const struct origin *origin,
                              const struct commit_terms *terms, struct error *err)
{
    enum outcome outcome = locks_check(agent->locks, DATASTORE_RUNNING, origin->session, err);
    if (outcome == DONE)
        outcome = locks_check(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    if (outcome != DONE)
        return outcome;
    /* A candidate without edits is running; to commit it may still be to confirm. */
    struct snapshot *edited = candidate_get(agent->candidate);
    struct change_maker maker = {edited ? make_given : make_same, edited, NULL};
    outcome = running_change(agent, &maker, origin, terms, !edited, err);
    if (outcome == DONE && edited)
        candidate_committed(agent->candidate, edited);
    snapshot_unref(edited);
    return outcome;
}

/* A worker that waits for its cancel-commit. */
struct cancel_waiter {
    struct confirmed_cancel cancel;
    uv_sem_t done;
    enum outcome outcome;
    struct error *error;
};

static void cancelled(struct confirmed_cancel *cancel, enum outcome outcome, struct error *err)
{
    struct cancel_waiter *waiter = cancel->arg;
    waiter->outcome = outcome;
    if (waiter->error)
        error_move(waiter->error, err);
    uv_sem_post(&waiter->done);
}

static void cancel_on_core(void *arg)
{
    confirmed_cancel(arg);
}

enum outcome datastore_cancel_commit(struct agent *agent, const struct origin *origin,
                                     const char *persist_id, struct error *err)
{
    struct cancel_waiter waiter = {.error = err};
    waiter.cancel = (struct confirmed_cancel){.confirmed = agent->confirmed,
                                              .session = origin->session,
                                              .persist_id = persist_id,
                                              .done = cancelled,
                                              .arg = &waiter};
    if (uv_sem_init(&waiter.done, 0))
        return fail_memory(err);
    if (agent_post(agent, cancel_on_core, &waiter.cancel))
        uv_sem_wait(&waiter.done);
    else
        waiter.outcome =
            fail(err, TAG_RESOURCE_DENIED, NULL, "The agent is stopping: try again later.");
    uv_sem_destroy(&waiter.done);
    return waiter.outcome;
}

enum outcome datastore_discard(struct agent *agent, const struct origin *origin, struct error *err)
{
    enum outcome outcome =
        locks_begin_change(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    if (outcome != DONE)
        return outcome;
    candidate_discard(agent->candidate);
    locks_end_change(agent->locks, DATASTORE_CANDIDATE);
    return DONE;
}

enum outcome datastore_lock(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, struct error *err)
{
    if (datastore == DATASTORE_RUNNING)
        return running_lock(agent, origin, err);
    enum outcome outcome = locks_take(agent->locks, datastore, origin->session, err);
    struct snapshot *edited = outcome == DONE && datastore == DATASTORE_CANDIDATE
                                  ? candidate_get(agent->candidate)
                                  : NULL;
    if (edited) {
        locks_drop(agent->locks, datastore, origin->session);
        outcome = refuse(err, TAG_LOCK_DENIED, NULL,
                         "The candidate has changes that were not committed: commit or discard "
                         "them first.");
    }
    snapshot_unref(edited);
    return outcome;
}

/* With the lock go changes of the candidate that were not committed (RFC 6241, 8.3.5.3). */
static void discard_locked(struct agent *agent, uint32_t session)
{
    uint32_t holder;
    int64_t since;
    if (locks_holder(agent->locks, DATASTORE_CANDIDATE, &holder, &since) && holder == session)
        candidate_discard(agent->candidate);
}

enum outcome datastore_unlock(struct agent *agent, enum datastore datastore,
                              const struct origin *origin, struct error *err)
{
    if (datastore == DATASTORE_CANDIDATE)
        discard_locked(agent, origin->session);
    return locks_release(agent->locks, datastore, origin->session, err);
}

struct ended_session {
    struct confirmed *confirmed;
    uint32_t session;
};

static void session_ended_on_core(void *arg)
{
    struct ended_session *ended = arg;
    confirmed_session_ended(ended->confirmed, ended->session);
    free(ended);
}

void datastore_session_ended(struct agent *agent, uint32_t session)
{
    struct ended_session *ended = malloc(sizeof(*ended));
    if (ended)
        *ended = (struct ended_session){agent->confirmed, session};
    /* If the agent is stopping, the next start takes an unconfirmed commit back. */
    if (ended && !agent_post(agent, session_ended_on_core, ended))
        free(ended);
    discard_locked(agent, session);
    for (int i = 0; i < DATASTORE_COUNT; i++)
        locks_drop(agent->locks, i, session);
}

struct snapshot *datastore_read(struct agent *agent, enum datastore datastore)
{
    struct snapshot *edited = NULL;
    if (datastore == DATASTORE_CANDIDATE)
        edited = candidate_get(agent->candidate);
    return edited ? edited : agent_running(agent);
}
