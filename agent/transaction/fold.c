/*
 * Folding the journal in the background.
 */
#include "agent/log.h"
#include "agent/transaction/internal.h"

static void fold_work(uv_work_t *work)
{
    struct transactions *queue = work->data;
    struct error error = {0};
    if (journal_fold(&queue->fold, &error) != DONE)
        log_error(AREA_DATASTORE, "the journal cannot be folded: %s", error_message(&error));
    error_clear(&error);
}

static void fold_done(uv_work_t *work, int status)
{
    struct transactions *queue = work->data;
    journal_fold_end(&queue->fold);
    queue->folding = false;
}

void fold_if_long(struct transactions *queue)
{
    struct agent *agent = queue->agent;
    struct error error = {0};
    if (queue->folding || !journal_is_long(agent->journal))
        return;
    if (journal_rotate(agent->journal, agent->running->revision, &error) != DONE ||
        journal_fold_begin(agent->journal, agent->running, &queue->fold, &error) != DONE) {
        log_error(AREA_DATASTORE, "the journal cannot be folded: %s", error_message(&error));
        error_clear(&error);
        return;
    }
    queue->folding = true;
    queue->fold_work.data = queue;
    uv_queue_work(&agent->loop, &queue->fold_work, fold_work, fold_done);
}
