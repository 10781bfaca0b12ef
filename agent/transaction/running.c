/*
 * How a worker changes running.
 */
#include "agent/transaction/running.h"

#include <stdlib.h>

#include "agent/access/access.h"
#include "agent/transaction/candidate.h"

/* A worker that waits for its transaction. */
struct waiter {
    struct agent *agent;
    struct transaction_request request;
    uv_sem_t applied, done;
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
    uv_sem_post(&waiter->applied);
    uv_sem_post(&waiter->done);
}

static void applied(struct transaction_request *request)
{
    struct waiter *waiter = request->arg;
    uv_sem_post(&waiter->applied);
}

static void submit(void *arg)
{
    struct waiter *waiter = arg;
    transactions_submit(waiter->agent->transactions, &waiter->request);
}

/*
 * Submit a valid target, and wait until it is applied or is not: then the next one may be made.
 * @return Whether there is an end to wait for.
 */
static bool begin_transaction(struct waiter *waiter, const struct origin *origin,
                              struct confirmed_part *part)
{
    waiter->request.only_check = !part;
    waiter->request.user = origin->user;
    waiter->request.protocol = origin->protocol;
    waiter->request.host = origin->host;
    waiter->request.session = origin->session;
    waiter->request.applied = applied;
    waiter->request.finished = finished;
    waiter->request.arg = waiter;
    if (part && confirmed_govern(part, &waiter->request, waiter->error) != DONE) {
        waiter->outcome = FAILED;
        return false;
    }
    if (!agent_post(waiter->agent, submit, waiter)) {
        waiter->outcome = fail(waiter->error, TAG_RESOURCE_DENIED, NULL,
                               "The agent is stopping: try again later.");
        return false;
    }
    uv_sem_wait(&waiter->applied);
    return true;
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

/* Take a turn: make the target from what is newest, and have it applied. */
static bool take_turn(struct waiter *waiter, const struct change_maker *maker,
                      const struct origin *origin, struct confirmed_part *part)
{
    struct agent *agent = waiter->agent;
    struct transaction_request *request = &waiter->request;
    struct snapshot *target = NULL;
    transactions_take_turn(agent->transactions);
    request->base = transactions_newest(agent->transactions);
    waiter->outcome =
        running_make_target(agent, maker, origin, request->base, &target, waiter->error);
    if (waiter->outcome == DONE)
        waiter->outcome = transaction_validate(agent->schema, request->base, target,
                                               &request->target, waiter->error);
    if (waiter->outcome == DONE && !origin->recovery)
        waiter->outcome =
            access_check_way_in(agent->schema, request->base, request->target, waiter->error);
    bool begun = waiter->outcome == DONE && begin_transaction(waiter, origin, part);
    transactions_end_turn(agent->transactions);
    snapshot_unref(target);
    return begun;
}

/*
 * Whoever takes no turn (the core thread's own transactions) may still change running meanwhile,
 * and what it was made from may not have been stored: then the target is made anew.
 */
static enum outcome change_until_fresh(struct agent *agent, const struct change_maker *maker,
                                       const struct origin *origin, struct confirmed_part *part,
                                       struct error *err)
{
    struct waiter waiter;
    do {
        waiter = (struct waiter){.agent = agent, .error = err};
        uv_sem_init(&waiter.applied, 0);
        uv_sem_init(&waiter.done, 0);
        if (take_turn(&waiter, maker, origin, part))
            uv_sem_wait(&waiter.done);
        uv_sem_destroy(&waiter.applied);
        uv_sem_destroy(&waiter.done);
        snapshot_unref(waiter.request.target);
        snapshot_unref(waiter.request.base);
    } while (waiter.stale);
    return waiter.outcome;
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

enum outcome running_lock(struct agent *agent, const struct origin *origin, struct error *err)
{
    struct confirmed_part part = {
        .confirmed = agent->confirmed, .session = origin->session, .locks = true};
    struct change_maker maker = {make_same, NULL, NULL};
    enum outcome outcome = locks_check_free(agent->locks, DATASTORE_RUNNING, err);
    return outcome == DONE ? change_until_fresh(agent, &maker, origin, &part, err) : outcome;
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
