/*
 * Transactions.
 */
#include "agent/transaction/internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/notices.h"
#include "agent/log.h"

/* The rules between entries that are kept as indexes. */
static enum outcome index_changes(struct transactions *queue, const struct change_set *changes,
                                  struct error *err)
{
    enum outcome outcome = unique_apply(&queue->unique, changes, err);
    if (outcome != DONE)
        return outcome;
    outcome = references_apply(&queue->references, queue->agent->schema, changes, err);
    if (outcome != DONE)
        unique_revert(&queue->unique, changes);
    return outcome;
}

enum outcome transactions_new(struct agent *agent, const struct snapshot *running,
                              struct transactions **result, struct error *err)
{
    struct transactions *transactions = calloc(1, sizeof(*transactions));
    struct snapshot *nothing = NULL;
    struct change_set all = {0};
    if (!transactions)
        return fail_memory(err);
    uv_mutex_init(&transactions->turn);
    uv_mutex_init(&transactions->newest_lock);
    transactions->agent = agent;
    transactions->newest = snapshot_ref(running);
    enum outcome outcome = snapshot_new_empty(agent->schema, &nothing, err);
    if (outcome == DONE)
        outcome = change_set_make(nothing, running, &all, err);
    if (outcome == DONE)
        outcome = index_changes(transactions, &all, err);
    change_set_free(&all);
    snapshot_unref(nothing);
    if (outcome == DONE)
        *result = transactions;
    else
        transactions_free(transactions);
    return outcome;
}

void transactions_follow(struct transactions *transactions, transactions_follower *follower)
{
    transactions->follower = follower;
}

bool transactions_unsettled(const struct transactions *transactions)
{
    return transactions->running || transactions->failed || store_is_busy(transactions);
}

bool transactions_idle(const struct transactions *transactions)
{
    return !transactions->waiting.first && !transactions_unsettled(transactions) &&
           !transactions->folding;
}

void transactions_free(struct transactions *transactions)
{
    if (!transactions)
        return;
    unique_free(&transactions->unique);
    references_free(&transactions->references);
    snapshot_unref(transactions->newest);
    uv_mutex_destroy(&transactions->newest_lock);
    uv_mutex_destroy(&transactions->turn);
    free(transactions);
}

struct snapshot *transactions_newest(struct transactions *transactions)
{
    uv_mutex_lock(&transactions->newest_lock);
    struct snapshot *newest = snapshot_ref(transactions->newest);
    uv_mutex_unlock(&transactions->newest_lock);
    return newest;
}

void transactions_set_newest(struct transactions *queue, struct snapshot *newest)
{
    uv_mutex_lock(&queue->newest_lock);
    struct snapshot *before = queue->newest;
    queue->newest = snapshot_ref(newest);
    uv_mutex_unlock(&queue->newest_lock);
    snapshot_unref(before);
}

void transactions_take_turn(struct transactions *transactions)
{
    uv_mutex_lock(&transactions->turn);
}

void transactions_end_turn(struct transactions *transactions)
{
    uv_mutex_unlock(&transactions->turn);
}

/* Lists. */

void transaction_list_add(struct transaction_list *list, struct transaction *transaction)
{
    transaction->next = NULL;
    if (list->last)
        list->last->next = transaction;
    else
        list->first = transaction;
    list->last = transaction;
}

struct transaction *transaction_list_take(struct transaction_list *list)
{
    struct transaction *first = list->first;
    if (first)
        list->first = first->next;
    if (!list->first)
        list->last = NULL;
    return first;
}

/* The end of a transaction. */

static void publish(struct transaction *transaction)
{
    struct agent *agent = transaction->queue->agent;
    uv_mutex_lock(&agent->running_lock);
    struct snapshot *before = agent->running;
    agent->running = snapshot_ref(transaction->after);
    uv_mutex_unlock(&agent->running_lock);
    snapshot_unref(before);
    log_info(AREA_COMMIT, "revision %" PRIu64 ": %zu changes by %s over %s",
             transaction->after->revision, transaction->changes.count, transaction->request->user,
             transaction->request->protocol);
    struct origin origin = {.user = transaction->request->user,
                            .protocol = transaction->request->protocol,
                            .session = transaction->request->session,
                            .host = transaction->request->host};
    event_config_change(agent, &origin, &transaction->changes);
}

static void transaction_free(struct transaction *transaction)
{
    for (size_t i = 0; transaction->parts && i < transaction->queue->agent->backend_count; i++) {
        error_clear(&transaction->parts[i].step.error);
        change_set_free(&transaction->parts[i].changes);
    }
    free(transaction->parts);
    change_set_free(&transaction->changes);
    snapshot_unref(transaction->after);
    error_clear(&transaction->error);
    free(transaction);
}

static const struct transaction_hooks *hooks_of(const struct transaction *transaction)
{
    const struct transaction_request *request = transaction->request;
    return request->only_check ? NULL : request->hooks;
}

static void release_plans(struct transaction *transaction)
{
    struct agent *agent = transaction->queue->agent;
    for (size_t i = agent->backend_count; transaction->parts && i-- > 0;) {
        struct transaction_part *part = &transaction->parts[i];
        struct backend *backend = &agent->backends[i];
        if (part->prepared && backend->ops->release)
            backend->ops->release(backend, part->step.plan);
    }
}

void transaction_finish(struct transaction *transaction)
{
    struct transactions *queue = transaction->queue;
    struct transaction_request *request = transaction->request;
    release_plans(transaction);
    if (transaction->journaled) {
        publish(transaction);
    } else if (transaction->indexed) {
        unique_revert(&queue->unique, &transaction->changes);
        references_revert(&queue->references, queue->agent->schema, &transaction->changes);
    }
    if (transaction->begun)
        hooks_of(transaction)->ended(request, transaction->outcome);
    if (transaction->outcome != DONE && !transaction->stale)
        log_info(AREA_COMMIT, "%s by %s: %s%s%s",
                 transaction->outcome == REFUSED ? "refused a change" : "a change failed",
                 request->user, transaction->error.path ? transaction->error.path : "",
                 transaction->error.path ? ": " : "", error_message(&transaction->error));
    if (queue->follower)
        queue->follower(queue->agent, transaction->journaled ? &transaction->changes : NULL);
    request->finished(request, transaction->outcome, transaction->stale, &transaction->error);
    transaction_free(transaction);
}

/* The running transaction has ended before it came to the journal, or one was undone. */
static void end(struct transaction *transaction)
{
    struct transactions *queue = transaction->queue;
    if (queue->running == transaction)
        queue->running = NULL;
    transaction_finish(transaction);
    if (queue->failed)
        store_undo_next(queue);
    else
        transaction_start_next(queue);
}

/* The steps, one after the other; each goes on in step_ended(). */

static void run_step(struct transaction *transaction);

static bool take_part(const struct transaction *transaction, size_t index)
{
    if (!transaction->parts) /* nothing changes, or it has not got so far */
        return false;
    const struct transaction_part *part = &transaction->parts[index];
    return transaction->phase == REVERTING ? part->applied : part->changes.count > 0;
}

/* The engines have it: the next one runs on top of it while it is being stored. */
static void hand_over(struct transaction *transaction)
{
    struct transactions *queue = transaction->queue;
    struct transaction_request *request = transaction->request;
    transaction->phase = STORING;
    journal_number(queue->agent->journal, &transaction->changes);
    if (transaction->changes.count)
        transactions_set_newest(queue, transaction->after);
    queue->running = NULL;
    if (request->applied)
        request->applied(request);
    store_add(transaction);
    transaction_start_next(queue);
}

/* After the last backend of a phase. */
static void end_phase(struct transaction *transaction)
{
    if (transaction->phase == PREPARING && !transaction->request->only_check) {
        transaction->phase = APPLYING;
        transaction->at = 0;
        run_step(transaction);
    } else if (transaction->phase == APPLYING) {
        hand_over(transaction);
    } else {
        end(transaction);
    }
}

static void run_step(struct transaction *transaction)
{
    struct agent *agent = transaction->queue->agent;
    if (transaction->phase == REVERTING) {
        while (transaction->at > 0 && !take_part(transaction, transaction->at - 1))
            transaction->at--;
        if (transaction->at == 0) {
            end_phase(transaction);
            return;
        }
        struct transaction_part *part = &transaction->parts[transaction->at - 1];
        part->step.backend->ops->revert(part->step.backend, &part->step);
        return;
    }
    while (transaction->at < agent->backend_count && !take_part(transaction, transaction->at))
        transaction->at++;
    if (transaction->at == agent->backend_count) {
        end_phase(transaction);
        return;
    }
    struct transaction_part *part = &transaction->parts[transaction->at];
    const struct backend_ops *ops = part->step.backend->ops;
    log_debug(AREA_COMMIT, "%s: %s of %zu changes", ops->name,
              transaction->phase == PREPARING ? "prepare" : "apply", part->changes.count);
    if (transaction->phase == PREPARING)
        ops->prepare(part->step.backend, &part->step);
    else
        ops->apply(part->step.backend, &part->step);
}

static void take_error(struct transaction *transaction, struct transaction_part *part,
                       enum outcome outcome)
{
    transaction->outcome = outcome;
    error_move(&transaction->error, &part->step.error);
    if (transaction->error.outcome == DONE)
        fail(&transaction->error, TAG_OPERATION_FAILED, NULL, "The backend %s failed.",
             part->step.backend->ops->name);
}

static void revert_ended(struct transaction *transaction, struct transaction_part *part,
                         enum outcome outcome)
{
    part->applied = false;
    if (outcome != DONE) {
        /* The client must learn that the engine is not as it was; the cause stays in the log. */
        log_error(AREA_COMMIT, "%s could not take its change back: %s",
                  part->step.backend->ops->name, error_message(&part->step.error));
        log_error(AREA_COMMIT, "the change was to be taken back because: %s",
                  error_message(&transaction->error));
        error_clear(&transaction->error);
        fail(&transaction->error, TAG_ROLLBACK_FAILED, part->step.error.path,
             "The change failed and %s could not take its part of it back: %s",
             part->step.backend->ops->name, error_message(&part->step.error));
        transaction->stale = false; /* it must not be tried again on an engine like that */
    }
    error_clear(&part->step.error);
    run_step(transaction);
}

void transaction_undo(struct transaction *transaction)
{
    transaction->phase = REVERTING;
    transaction->at = transaction->queue->agent->backend_count;
    run_step(transaction);
}

static void step_ended(struct backend_step *step, enum outcome outcome)
{
    struct transaction *transaction = step->transaction;
    if (transaction->phase == REVERTING) {
        revert_ended(transaction, &transaction->parts[transaction->at - 1], outcome);
        return;
    }
    struct transaction_part *part = &transaction->parts[transaction->at];
    part->prepared = true;
    part->applied = transaction->phase == APPLYING && outcome == DONE;
    transaction->stale = transaction->queue->failed;
    if (outcome == DONE && !transaction->stale) {
        transaction->at++;
        run_step(transaction);
        return;
    }
    take_error(transaction, part, outcome == DONE ? FAILED : outcome);
    transaction_undo(transaction);
}

/* The start of a transaction. */

static enum outcome share_out(struct transaction *transaction, struct error *err)
{
    struct agent *agent = transaction->queue->agent;
    transaction->parts = calloc(agent->backend_count, sizeof(*transaction->parts));
    if (!transaction->parts)
        return fail_memory(err);
    for (size_t i = 0; i < agent->backend_count; i++) {
        struct transaction_part *part = &transaction->parts[i];
        part->step = (struct backend_step){.backend = &agent->backends[i],
                                           .changes = &part->changes,
                                           .done = step_ended,
                                           .transaction = transaction};
        part->changes.before = transaction->changes.before;
        part->changes.after = transaction->changes.after;
    }
    for (size_t b = 0; b < agent->backend_count; b++) {
        struct change_set *own = &transaction->parts[b].changes;
        size_t count = 0;
        for (size_t i = 0; i < transaction->changes.count; i++)
            count +=
                agent_concerns(agent, &agent->backends[b], transaction->changes.changes[i].unit);
        own->changes = calloc(count + 1, sizeof(*own->changes));
        if (!own->changes)
            return fail_memory(err);
        for (size_t i = 0; i < transaction->changes.count; i++)
            if (agent_concerns(agent, &agent->backends[b], transaction->changes.changes[i].unit))
                own->changes[own->count++] = transaction->changes.changes[i];
    }
    return DONE;
}

static enum outcome set_up(struct transaction *transaction, struct error *err)
{
    struct transaction_request *request = transaction->request;
    transaction->after = snapshot_own(request->target);
    if (!transaction->after)
        return fail_memory(err);
    transaction->after->revision = request->base->revision + 1;
    transaction->after->committed = clock_now();
    enum outcome outcome =
        change_set_make(request->base, transaction->after, &transaction->changes, err);
    if (outcome != DONE || !transaction->changes.count)
        return outcome;
    outcome = index_changes(transaction->queue, &transaction->changes, err);
    if (outcome != DONE)
        return outcome;
    transaction->indexed = true;
    return share_out(transaction, err);
}

static enum outcome begin(struct transaction *transaction, struct error *err)
{
    const struct transaction_hooks *hooks = hooks_of(transaction);
    enum outcome outcome = hooks ? hooks->begin(transaction->request, err) : DONE;
    transaction->begun = hooks && outcome == DONE;
    return outcome == DONE ? set_up(transaction, err) : outcome;
}

static void start(struct transaction *transaction)
{
    struct transactions *queue = transaction->queue;
    if (queue->newest != transaction->request->base) {
        transaction->outcome = FAILED;
        transaction->stale = true;
        end(transaction);
        return;
    }
    transaction->outcome = begin(transaction, &transaction->error);
    if (transaction->outcome != DONE || (!transaction->changes.count && !transaction->begun)) {
        end(transaction);
        return;
    }
    if (!transaction->changes.count) { /* nothing for the backends, but something for the hooks */
        transaction->phase = APPLYING;
        end_phase(transaction);
        return;
    }
    transaction->phase = PREPARING;
    run_step(transaction);
}

void transaction_start_next(struct transactions *queue)
{
    struct transaction *next = queue->waiting.first;
    if (!next || queue->running || queue->failed || store_wants_quiet(queue))
        return;
    const struct transaction_hooks *hooks = hooks_of(next);
    next->alone = hooks && hooks->alone(next->request);
    if (next->alone && store_is_busy(queue))
        return;
    queue->running = transaction_list_take(&queue->waiting);
    start(next);
}

void transactions_submit(struct transactions *queue, struct transaction_request *request)
{
    struct transaction *transaction = calloc(1, sizeof(*transaction));
    if (!transaction) {
        struct error error = {0};
        request->finished(request, fail_memory(&error), false, &error);
        error_clear(&error);
        return;
    }
    transaction->queue = queue;
    transaction->request = request;
    transaction_list_add(&queue->waiting, transaction);
    transaction_start_next(queue);
}
