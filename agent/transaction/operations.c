/*
 * Operations on datastores.
 */
#include "agent/transaction/operations.h"

#include <stdlib.h>

#include "agent/datastore/edit.h"
#include "agent/transaction/candidate.h"
#include "agent/transaction/transaction.h"

/* A worker that waits for its transaction. */
struct waiter {
    struct agent *agent;
    struct transaction_request request;
    uv_sem_t done;
    enum outcome outcome;
    bool stale;
    struct error *error;
};

static void finished(struct transaction_request *request, enum outcome outcome, bool stale,
                     struct error *err)
{
    struct waiter *waiter = request->arg;
    waiter->outcome = outcome;
    waiter->stale = stale;
    if (waiter->error && !stale)
        error_move(waiter->error, err);
    uv_sem_post(&waiter->done);
}

static void submit(void *arg)
{
    struct waiter *waiter = arg;
    transactions_submit(waiter->agent->transactions, &waiter->request);
}

/* Submit a valid target and wait. */
static enum outcome run_transaction(struct agent *agent, struct snapshot *base,
                                    struct snapshot *target, const struct origin *origin,
                                    bool only_check, bool *stale, struct error *err)
{
    struct waiter waiter = {.agent = agent, .error = err};
    waiter.request = (struct transaction_request){.base = base,
                                                  .target = target,
                                                  .only_check = only_check,
                                                  .user = origin->user,
                                                  .protocol = origin->protocol,
                                                  .finished = finished,
                                                  .arg = &waiter};
    *stale = false;
    if (uv_sem_init(&waiter.done, 0))
        return fail_memory(err);
    if (agent_post(agent, submit, &waiter)) {
        uv_sem_wait(&waiter.done);
        *stale = waiter.stale;
    } else {
        waiter.outcome =
            fail(err, TAG_RESOURCE_DENIED, NULL, "The agent is stopping: try again later.");
    }
    uv_sem_destroy(&waiter.done);
    return waiter.outcome;
}

/* How to make the snapshot that running is to become, from what running is. */
struct change_maker {
    enum outcome (*make)(const struct schema *schema, const struct snapshot *base, const void *arg,
                         struct snapshot **target, struct error *err);
    const void *arg;
};

/*
 * Whoever takes no turn (the core thread's own transactions) may still change running meanwhile:
 * then the target is made anew on top of theirs.
 */
static enum outcome change_running(struct agent *agent, const struct change_maker *maker,
                                   const struct origin *origin, bool only_check, struct error *err)
{
    enum outcome outcome;
    bool stale;
    transactions_take_turn(agent->transactions);
    do {
        struct snapshot *base = agent_running(agent), *target = NULL, *valid = NULL;
        stale = false;
        outcome = maker->make(agent->schema, base, maker->arg, &target, err);
        if (outcome == DONE)
            outcome = transaction_validate(agent->schema, base, target, &valid, err);
        if (outcome == DONE)
            outcome = run_transaction(agent, base, valid, origin, only_check, &stale, err);
        snapshot_unref(valid);
        snapshot_unref(target);
        snapshot_unref(base);
    } while (stale);
    transactions_end_turn(agent->transactions);
    return outcome;
}

static enum outcome make_given(const struct schema *schema, const struct snapshot *base,
                               const void *arg, struct snapshot **target, struct error *err)
{
    *target = snapshot_ref(arg);
    return DONE;
}

struct edit_arguments {
    const struct lyd_node *edit;
    enum edit_operation operation;
};

static enum outcome make_edited(const struct schema *schema, const struct snapshot *base,
                                const void *arg, struct snapshot **target, struct error *err)
{
    const struct edit_arguments *arguments = arg;
    return edit_snapshot(schema, base, arguments->edit, arguments->operation, target, err);
}

struct snapshot *datastore_read(struct agent *agent, enum datastore datastore)
{
    struct snapshot *edited = NULL;
    if (datastore == DATASTORE_CANDIDATE)
        edited = candidate_get(agent->candidate);
    return edited ? edited : agent_running(agent);
}

static enum outcome edit_candidate(struct agent *agent, const struct edit_arguments *arguments,
                                   struct error *err)
{
    struct snapshot *edited = NULL;
    struct snapshot *base = candidate_begin(agent->candidate, agent);
    enum outcome outcome = make_edited(agent->schema, base, arguments, &edited, err);
    candidate_end(agent->candidate, edited);
    snapshot_unref(base);
    return outcome;
}

static enum outcome change_datastore(struct agent *agent, enum datastore datastore,
                                     const struct origin *origin,
                                     const struct edit_arguments *arguments, bool test_only,
                                     struct error *err)
{
    struct change_maker maker = {make_edited, arguments};
    enum outcome outcome = locks_check(agent->locks, datastore, origin->session, err);
    if (outcome != DONE)
        return outcome;
    if (datastore == DATASTORE_RUNNING)
        return change_running(agent, &maker, origin, test_only, err);
    if (!test_only)
        return edit_candidate(agent, arguments, err);

    struct snapshot *base = datastore_read(agent, datastore), *edited = NULL;
    outcome = make_edited(agent->schema, base, arguments, &edited, err);
    if (outcome == DONE) {
        maker = (struct change_maker){make_given, edited};
        outcome = change_running(agent, &maker, origin, true, err);
    }
    snapshot_unref(edited);
    snapshot_unref(base);
    return outcome;
}

enum outcome datastore_edit(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, const struct lyd_node *edit,
                            enum default_operation operation, bool test_only, struct error *err)
{
    static const enum edit_operation operations[] = {
        [DEFAULT_MERGE] = EDIT_MERGE, [DEFAULT_REPLACE] = EDIT_REPLACE, [DEFAULT_NONE] = EDIT_NONE};
    struct edit_arguments arguments = {edit, operations[operation]};
    return change_datastore(agent, datastore, origin, &arguments, test_only, err);
}

enum outcome datastore_replace(struct agent *agent, enum datastore target,
                               const struct origin *origin, const struct lyd_node *config,
                               struct error *err)
{
    struct edit_arguments arguments = {config, EDIT_REPLACE};
    return change_datastore(agent, target, origin, &arguments, false, err);
}

enum outcome datastore_copy(struct agent *agent, enum datastore target, enum datastore source,
                            const struct origin *origin, struct error *err)
{
    if (target == source)
        return refuse(err, TAG_INVALID_VALUE, NULL,
                      "Source and target are the same datastore: name two different ones.");
    if (target == DATASTORE_CANDIDATE)
        return datastore_discard(agent, origin, err);
    enum outcome outcome = locks_check(agent->locks, target, origin->session, err);
    if (outcome != DONE)
        return outcome;
    struct snapshot *copied = datastore_read(agent, source);
    struct change_maker maker = {make_given, copied};
    outcome = change_running(agent, &maker, origin, false, err);
    snapshot_unref(copied);
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
    static const struct origin nobody = {.user = "-", .protocol = "validate"};
    struct error own = {0};
    struct change_maker maker = {make_given, snapshot};
    enum outcome outcome = only_refusals(change_running(agent, &maker, &nobody, true, &own), &own);
    if (outcome != DONE && err)
        error_move(err, &own);
    error_clear(&own);
    return outcome;
}

enum outcome datastore_validate(struct agent *agent, enum datastore datastore, struct error *err)
{
    struct snapshot *snapshot = datastore_read(agent, datastore);
    enum outcome outcome = validate_snapshot(agent, snapshot, err);
    snapshot_unref(snapshot);
    return outcome;
}

enum outcome datastore_validate_config(struct agent *agent, const struct lyd_node *config,
                                       struct error *err)
{
    struct snapshot *running = agent_running(agent), *replaced = NULL;
    enum outcome outcome =
        edit_snapshot(agent->schema, running, config, EDIT_REPLACE, &replaced, err);
    if (outcome == DONE)
        outcome = validate_snapshot(agent, replaced, err);
    snapshot_unref(replaced);
    snapshot_unref(running);
    return outcome;
}

enum outcome datastore_commit(struct agent *agent, const struct origin *origin, struct error *err)
{
    enum outcome outcome = locks_check(agent->locks, DATASTORE_RUNNING, origin->session, err);
    if (outcome == DONE)
        outcome = locks_check(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    struct snapshot *target = outcome == DONE ? candidate_get(agent->candidate) : NULL;
    if (!target)
        return outcome; /* candidate is running: there is nothing to commit */
    struct change_maker maker = {make_given, target};
    outcome = change_running(agent, &maker, origin, false, err);
    if (outcome == DONE)
        candidate_committed(agent->candidate, target);
    snapshot_unref(target);
    return outcome;
}

enum outcome datastore_discard(struct agent *agent, const struct origin *origin, struct error *err)
{
    enum outcome outcome = locks_check(agent->locks, DATASTORE_CANDIDATE, origin->session, err);
    if (outcome == DONE)
        candidate_discard(agent->candidate);
    return outcome;
}

enum outcome datastore_lock(struct agent *agent, enum datastore datastore,
                            const struct origin *origin, struct error *err)
{
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

enum outcome datastore_unlock(struct agent *agent, enum datastore datastore,
                              const struct origin *origin, struct error *err)
{
    return locks_release(agent->locks, datastore, origin->session, err);
}

void datastore_session_ended(struct agent *agent, uint32_t session)
{
    if (locks_drop(agent->locks, DATASTORE_CANDIDATE, session))
        candidate_discard(agent->candidate);
    locks_drop(agent->locks, DATASTORE_RUNNING, session);
}
