/*
 * Storing: what was applied waits here for the journal.
 *
 * All that wait when the journal is free go to it together, and share its one wait for the disk.
 */
#include "agent/transaction/internal.h"

#include <stdlib.h>

#include "agent/event/alarms.h"

/* Helper thread. */

static enum outcome append(struct transactions *queue, struct error *err)
{
    size_t count = 0;
    enum outcome outcome = DONE;
    for (struct transaction *t = queue->writing.first; t; t = t->next)
        count++;
    const struct change_set **sets = malloc(count * sizeof(*sets));
    if (!sets)
        return fail_memory(err);
    count = 0;
    for (struct transaction *t = queue->writing.first; t; t = t->next)
        if (t->changes.count)
            sets[count++] = &t->changes;
    if (count)
        outcome = journal_append(queue->agent->journal, sets, count, err);
    free(sets);
    return outcome;
}

static void note(struct transactions *queue, enum outcome outcome, const struct error *err)
{
    for (struct transaction *t = queue->writing.first; t; t = t->next) {
        t->outcome = outcome;
        t->journaled = outcome == DONE && t->changes.count > 0;
        if (outcome != DONE)
            fail(&t->error, err->tag, NULL, "%s", error_message(err));
    }
}

static void store_group(struct transactions *queue)
{
    struct error error = {0};
    note(queue, append(queue, &error), &error);
    error_clear(&error);
}

/* The only one in hand, with what its hooks have to do before and after. */
static void store_alone(struct transaction *transaction)
{
    struct transaction_request *request = transaction->request;
    struct error *err = &transaction->error;
    transaction->outcome = request->hooks->store(request, err);
    if (transaction->outcome != DONE)
        return;
    transaction->outcome = append(transaction->queue, err);
    transaction->journaled = transaction->outcome == DONE && transaction->changes.count > 0;
    if (transaction->outcome == DONE)
        transaction->outcome = request->hooks->stored(request, err);
    else
        request->hooks->unstore(request);
}

static void store_work(uv_work_t *work)
{
    struct transactions *queue = work->data;
    if (queue->writing.first->alone)
        store_alone(queue->writing.first);
    else
        store_group(queue);
}

/* Core thread. */

static void store_done(uv_work_t *work, int status);

static void store_next(struct transactions *queue)
{
    if (queue->writing.first || !queue->applied.first)
        return;
    queue->writing = queue->applied;
    queue->applied = (struct transaction_list){0};
    queue->store_work.data = queue;
    uv_queue_work(&queue->agent->loop, &queue->store_work, store_work, store_done);
}

/*
 * Those in hand have failed. Those that were applied on top of them have not: they are to be made
 * anew, as is the one that is running, when its step has ended.
 */
static void store_failed(struct transactions *queue)
{
    struct transaction *transaction;
    queue->failed = true;
    queue->undoing = queue->writing;
    queue->writing = (struct transaction_list){0};
    while ((transaction = transaction_list_take(&queue->applied))) {
        transaction->outcome = FAILED;
        transaction->stale = true;
        transaction_list_add(&queue->undoing, transaction);
    }
    if (!queue->running)
        store_undo_next(queue);
}

/* An alarm may be left of an earlier run, so the first that is stored clears it, too. */
static void tell(struct transactions *queue, const struct transaction *transaction)
{
    const struct alarm_id id = {"/noria-agent:agent", "storage-failed", NULL};
    if (transaction->outcome != DONE)
        alarm_raise(queue->agent, &id, ALARM_MAJOR, "%s", error_message(&transaction->error));
    else if (!queue->stored && transaction->journaled)
        alarm_clear(queue->agent, &id, NULL);
    else
        return;
    queue->stored = transaction->outcome == DONE;
}

static void store_done(uv_work_t *work, int status)
{
    struct transactions *queue = work->data;
    struct transaction *transaction = queue->writing.first;
    tell(queue, transaction);
    if (transaction->outcome != DONE && !transaction->journaled) {
        store_failed(queue);
        return;
    }
    while ((transaction = transaction_list_take(&queue->writing)))
        transaction_finish(transaction);
    fold_if_long(queue);
    store_next(queue);
    transaction_start_next(queue);
}

bool store_is_busy(const struct transactions *queue)
{
    return queue->writing.first || queue->applied.first;
}

bool store_wants_quiet(const struct transactions *queue)
{
    return (queue->writing.first && queue->writing.first->alone) ||
           (queue->applied.first && queue->applied.first->alone);
}

void store_add(struct transaction *transaction)
{
    transaction_list_add(&transaction->queue->applied, transaction);
    store_next(transaction->queue);
}

static struct transaction *take_last(struct transaction_list *list)
{
    struct transaction *last = list->last, *before = list->first;
    if (before == last) {
        *list = (struct transaction_list){0};
        return last;
    }
    while (before->next != last)
        before = before->next;
    before->next = NULL;
    list->last = before;
    return last;
}

void store_undo_next(struct transactions *queue)
{
    struct transaction *transaction = take_last(&queue->undoing);
    if (transaction) {
        transaction_undo(transaction);
        return;
    }
    queue->failed = false;
    transactions_set_newest(queue, queue->agent->running);
    transaction_start_next(queue);
}
