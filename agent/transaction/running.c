/*
 * How a worker changes running.
 */
#include "agent/transaction/running.h"

#include <stdlib.h>

#include "agent/access/access.h"

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
                                    struct confirmed_part *part, bool *stale, struct error *err)
{
    struct waiter waiter = {.agent = agent, .error = err};
    waiter.request = (struct transaction_request){.base = base,
                                                  .target = target,
                                                  .only_check = !part,
                                                  .user = origin->user,
                                                  .protocol = origin->protocol,
                                                  .host = origin->host,
                                                  .session = origin->session,
                                                  .finished = finished,
                                                  .arg = &waiter};
    *stale = false;
    if (part && confirmed_govern(part, &waiter.request, err) != DONE)
        return FAILED;
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

enum outcome running_make_target(struct agent *agent, const struct change_maker *maker,
                                 const struct origin *origin, const struct snapshot *base,
                                 struct snapshot **target, struct error *err)
{
    struct access access;
    enum outcome outcome = access_begin(agent, origin->user, origin->recovery, &access, err);
    *target = NULL;
    if (outcome == DONE) {
        outcome = maker->make(agent->schema, base, maker->arg, target, err);
        if (outcome == REFUSED && maker->edit)
            access_hide_presence(&access, maker->edit, err);
    }
    if (outcome == DONE)
        outcome = access_check_changes(&access, base, *target, err);
    if (outcome != DONE) {
        snapshot_unref(*target);
        *target = NULL;
    }
    access_end(&access);
    return outcome;
}

/*
 * Whoever takes no turn (the core thread's own transactions) may still change running meanwhile:
 * then the target is made anew on top of theirs.
 */
static enum outcome change_until_fresh(struct agent *agent, const struct change_maker *maker,
                                       const struct origin *origin, struct confirmed_part *part,
                                       struct error *err)
{
    enum outcome outcome;
    bool stale;
    transactions_take_turn(agent->transactions);
    do {
        struct snapshot *base = agent_running(agent), *target = NULL, *valid = NULL;
        stale = false;
        outcome = running_make_target(agent, maker, origin, base, &target, err);
        if (outcome == DONE)
            outcome = transaction_validate(agent->schema, base, target, &valid, err);
        if (outcome == DONE)
            outcome = run_transaction(agent, base, valid, origin, part, &stale, err);
        snapshot_unref(valid);
        snapshot_unref(target);
        snapshot_unref(base);
    } while (stale);
    transactions_end_turn(agent->transactions);
    return outcome;
}

enum outcome running_change(struct agent *agent, const struct change_maker *maker,
                            const struct origin *origin, const struct commit_terms *terms,
                            bool nothing_new, struct error *err)
{
    struct confirmed_part part = {.confirmed = agent->confirmed,
                                  .terms = terms,
                                  .session = origin->session,
                                  .nothing_new = nothing_new};
    enum outcome outcome = change_until_fresh(agent, maker, origin, &part, err);
    confirmed_part_clear(&part);
    return outcome;
}

enum outcome running_check(struct agent *agent, const struct change_maker *maker,
                           const struct origin *origin, struct error *err)
{
    return change_until_fresh(agent, maker, origin, NULL, err);
}

enum outcome make_given(const struct schema *schema, const struct snapshot *base, const void *arg,
                        struct snapshot **target, struct error *err)
{
    *target = snapshot_ref(arg);
    return DONE;
}

enum outcome make_same(const struct schema *schema, const struct snapshot *base, const void *arg,
                       struct snapshot **target, struct error *err)
{
    *target = snapshot_ref(base);
    return DONE;
}
