/*
 * Confirmed commits.
 */
#include "agent/transaction/confirmed.h"
#include "agent/event/notices.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/stored.h"
#include "agent/log.h"
#include "agent/transaction/candidate.h"

/* How long a rollback that failed rests before the next attempt: from, and at most. */
#define RETRY_MS 1000
#define RETRY_MOST_MS 60000

/* What a change of running is to the pending commit. */
enum role {
    ROLE_NONE,      /* nothing is pending */
    ROLE_BEGIN,     /* it will be */
    ROLE_FOLLOW_UP, /* it extends the time */
    ROLE_CONFIRM,   /* it makes it permanent */
    ROLE_ROLLBACK,  /* it takes it back */
};

struct confirmed {
    struct agent *agent;
    uv_timer_t timer; /* until the rollback, or until its next attempt */
    bool pending;
    bool rolling_back;         /* decided; nobody can confirm any more */
    bool in_flight;            /* the rollback is a transaction now */
    bool in_time;              /* it was asked for, no time-out */
    uint32_t session;          /* who did it; 0: it is gone */
    char *persist;             /* the token, or NULL */
    struct snapshot *original; /* what running becomes again */
    uint64_t rest;             /* before the next attempt */
    uint32_t lapsed;           /* session whose commit timed out and that may not know yet */
    /* The rollback in flight: */
    struct transaction_request request;
    struct confirmed_part part;
    struct snapshot *base, *target;
    struct confirmed_cancel *cancel; /* who waits for it, or NULL */
};

static const struct transaction_hooks hooks;

/* The state, and its changes. */

static void forget(struct confirmed *confirmed)
{
    uv_timer_stop(&confirmed->timer);
    snapshot_unref(confirmed->original);
    free(confirmed->persist);
    confirmed->original = NULL;
    confirmed->persist = NULL;
    confirmed->pending = confirmed->rolling_back = confirmed->in_time = false;
    confirmed->session = 0;
    confirmed->rest = 0;
}

static void on_timer(uv_timer_t *timer);

static void start_timer(struct confirmed *confirmed, uint64_t milliseconds)
{
    uv_update_time(&confirmed->agent->loop);
    uv_timer_start(&confirmed->timer, on_timer, milliseconds, 0);
}

static void set_terms(struct confirmed *confirmed, struct confirmed_part *part)
{
    free(confirmed->persist);
    confirmed->persist = part->persist;
    part->persist = NULL;
    confirmed->pending = true;
    confirmed->session = part->session;
    confirmed->rest = 0;
    start_timer(confirmed, (uint64_t)part->terms->timeout * 1000);
}

/* The rollback. */

static void retry_later(struct confirmed *confirmed, const struct error *err)
{
    uint64_t rest = confirmed->rest ? confirmed->rest * 2 : RETRY_MS;
    confirmed->rest = rest < RETRY_MOST_MS ? rest : RETRY_MOST_MS;
    log_error(AREA_COMMIT,
              "a confirmed commit cannot be taken back: %s%s%s; the next attempt is in %" PRIu64
              " s, and a restart takes it back, too",
              err->path ? err->path : "", err->path ? ": " : "", error_message(err),
              confirmed->rest / 1000);
    start_timer(confirmed, confirmed->rest);
}

static void answer(struct confirmed *confirmed, enum outcome outcome, struct error *err)
{
    struct confirmed_cancel *cancel = confirmed->cancel;
    confirmed->cancel = NULL;
    if (cancel)
        cancel->done(cancel, outcome, err);
}

static void rolled_back(struct transaction_request *request, enum outcome outcome, bool stale,
                        struct error *err)
{
    struct confirmed *confirmed = request->arg;
    snapshot_unref(confirmed->base);
    snapshot_unref(confirmed->target);
    confirmed->base = confirmed->target = NULL;
    confirmed->in_flight = false;
    bool wanted = confirmed->pending && confirmed->rolling_back;
    if (stale && wanted) {
        start_timer(confirmed, 0);
        return;
    }
    if (outcome != DONE && wanted)
        retry_later(confirmed, err);
    if (stale) /* it was confirmed while the rollback was waiting for its turn */
        outcome = refuse(err, TAG_OPERATION_FAILED, NULL, "The commit has just been confirmed.");
    answer(confirmed, outcome, err);
}

static void roll_back(struct confirmed *confirmed)
{
    struct agent *agent = confirmed->agent;
    struct error error = {0};
    uv_timer_stop(&confirmed->timer);
    if (agent->ending) { /* no transaction may begin any more */
        fail(&error, TAG_RESOURCE_DENIED, NULL,
             "The agent is stopping: its next start takes the commit back.");
        answer(confirmed, FAILED, &error);
        error_clear(&error);
        return;
    }
    confirmed->rolling_back = true;
    if (confirmed->in_flight)
        return;
    confirmed->base = transactions_newest(agent->transactions);
    enum outcome outcome = transaction_validate(agent->schema, confirmed->base, confirmed->original,
                                                &confirmed->target, &error);
    if (outcome != DONE) {
        snapshot_unref(confirmed->base);
        confirmed->base = NULL;
        retry_later(confirmed, &error);
        answer(confirmed, outcome, &error);
        error_clear(&error);
        return;
    }
    confirmed->in_flight = true;
    confirmed->part = (struct confirmed_part){.confirmed = confirmed, .role = ROLE_ROLLBACK};
    confirmed->request = (struct transaction_request){.base = confirmed->base,
                                                      .target = confirmed->target,
                                                      .user = "-",
                                                      .protocol = "rollback",
                                                      .hooks = &hooks,
                                                      .hook = &confirmed->part,
                                                      .finished = rolled_back,
                                                      .arg = confirmed};
    transactions_submit(agent->transactions, &confirmed->request);
}

static void on_timer(uv_timer_t *timer)
{
    struct confirmed *confirmed = timer->data;
    if (!confirmed->rolling_back)
        log_notice(AREA_COMMIT, "a confirmed commit was not confirmed in time");
    roll_back(confirmed);
}

/* The hooks. */

static enum outcome refuse_pending(const struct confirmed *confirmed, enum error_tag tag,
                                   struct error *err)
{
    if (err && err->outcome == DONE)
        err->session_id = confirmed->session;
    if (confirmed->rolling_back)
        return refuse(err, tag, NULL,
                      "A confirmed commit is being taken back: try again when that is done.");
    if (confirmed->persist)
        return refuse(err, tag, NULL,
                      "A confirmed commit with a persist token is pending: confirm it by a commit "
                      "with its persist-id, or cancel it, first.");
    return refuse(err, tag, NULL,
                  "A confirmed commit of session %" PRIu32 " is pending: that session has to "
                  "confirm or cancel it first, or its time must run out.",
                  confirmed->session);
}

/* Whether somebody with these credentials may confirm or cancel. */
static enum outcome check_right(const struct confirmed *confirmed, uint32_t session,
                                const char *persist_id, struct error *err)
{
    if (persist_id && (!confirmed->pending || !confirmed->persist ||
                       strcmp(persist_id, confirmed->persist) != 0)) {
        refuse(err, TAG_INVALID_VALUE, NULL,
               "No confirmed commit with this persist-id is pending: it was confirmed or taken "
               "back, or had another token.");
        if (err && !err->element)
            err->element = strdup("persist-id");
        return REFUSED;
    }
    if (confirmed->pending && (confirmed->rolling_back || (confirmed->persist && !persist_id) ||
                               (!confirmed->persist && confirmed->session != session)))
        return refuse_pending(confirmed, TAG_IN_USE, err);
    return DONE;
}

/* A client that does not know yet must not take the answer to its commit for a confirmation. */
static enum outcome refuse_late(struct confirmed *confirmed, const struct confirmed_part *part,
                                struct error *err)
{
    if (!confirmed->lapsed || confirmed->lapsed != part->session)
        return DONE;
    confirmed->lapsed = 0;
    if (!part->nothing_new || part->terms->confirmed)
        return DONE;
    return refuse(err, TAG_OPERATION_FAILED, NULL,
                  "The confirmed commit of this session was not confirmed in time and was taken "
                  "back: make the change again.");
}

static bool alone(const struct transaction_request *request)
{
    const struct confirmed_part *part = request->hook;
    return part->role == ROLE_ROLLBACK || part->locks || part->confirmed->pending ||
           (part->terms && part->terms->confirmed);
}

/* Nothing of anybody else's is on its way just now, and what comes later asks for the lock. */
static enum outcome take_lock(const struct confirmed *confirmed, uint32_t session,
                              struct error *err)
{
    if (!confirmed->pending || confirmed->session == session)
        return locks_take(confirmed->agent->locks, DATASTORE_RUNNING, session, err);
    if (err && err->outcome == DONE)
        err->session_id = confirmed->session;
    return refuse(err, TAG_LOCK_DENIED, NULL,
                  "A confirmed commit is pending: running can be locked when it was confirmed or "
                  "taken back.");
}

static enum outcome begin(struct transaction_request *request, struct error *err)
{
    struct confirmed_part *part = request->hook;
    struct confirmed *confirmed = part->confirmed;
    const struct commit_terms *terms = part->terms;
    if (part->role == ROLE_ROLLBACK)
        return confirmed->pending && confirmed->rolling_back
                   ? DONE
                   : refuse(err, TAG_OPERATION_FAILED, NULL, "The commit has just been confirmed.");
    part->role = ROLE_NONE;
    if (part->locks)
        return take_lock(confirmed, part->session, err);
    enum outcome outcome =
        locks_check(confirmed->agent->locks, DATASTORE_RUNNING, part->session, err);
    if (outcome == DONE && !terms && confirmed->pending)
        outcome = refuse_pending(confirmed, TAG_IN_USE, err);
    if (outcome != DONE || !terms)
        return outcome;
    outcome = check_right(confirmed, part->session, terms->persist_id, err);
    if (outcome == DONE)
        outcome = refuse_late(confirmed, part, err);
    if (confirmed->pending)
        part->role = terms->confirmed ? ROLE_FOLLOW_UP : ROLE_CONFIRM;
    else if (terms->confirmed)
        part->role = ROLE_BEGIN;
    return outcome;
}

static enum outcome store(struct transaction_request *request, struct error *err)
{
    struct confirmed_part *part = request->hook;
    struct agent *agent = part->confirmed->agent;
    if (part->role != ROLE_BEGIN)
        return DONE;
    enum outcome outcome =
        stored_write(agent->schema, agent->options.state_dir, STORED_CONFIRM, request->base, err);
    /* The file may be in place although its folder could not be synchronised. */
    if (outcome != DONE)
        part->stuck = stored_remove(agent->options.state_dir, STORED_CONFIRM, NULL) != DONE;
    return outcome;
}

static void unstore(struct transaction_request *request)
{
    struct confirmed_part *part = request->hook;
    const char *folder = part->confirmed->agent->options.state_dir;
    if (part->role == ROLE_BEGIN)
        part->stuck = stored_remove(folder, STORED_CONFIRM, NULL) != DONE;
}

static enum outcome stored(struct transaction_request *request, struct error *err)
{
    struct confirmed_part *part = request->hook;
    const char *folder = part->confirmed->agent->options.state_dir;
    if (part->role == ROLE_CONFIRM || part->role == ROLE_ROLLBACK)
        return stored_remove(folder, STORED_CONFIRM, err);
    return DONE;
}

/* Tell subscribers (RFC 6470, 2.4). */
static void tell(const struct confirmed *confirmed, const struct transaction_request *request,
                 enum confirmed_commit kind, uint32_t timeout)
{
    struct origin origin = {.user = request->user,
                            .protocol = request->protocol,
                            .session = request->session ? request->session : confirmed->session,
                            .host = request->host};
    event_confirmed_commit(confirmed->agent, kind, &origin, timeout);
}

static void began(struct confirmed *confirmed, struct transaction_request *request)
{
    struct confirmed_part *part = request->hook;
    confirmed->original = snapshot_ref(request->base);
    set_terms(confirmed, part);
    log_notice(AREA_COMMIT,
               "the commit of session %" PRIu32 " is to be confirmed within %" PRIu32 " s",
               part->session, part->terms->timeout);
    tell(confirmed, request, CONFIRMED_COMMIT_START, part->terms->timeout);
}

/*
 * The commit failed, and its rollback point cannot be removed: as long as it is there, a restart
 * would take back what comes later. So nothing may come before it is gone.
 */
static void got_stuck(struct confirmed *confirmed, struct transaction_request *request)
{
    confirmed->original = snapshot_ref(request->base);
    confirmed->pending = confirmed->rolling_back = confirmed->in_time = true;
    start_timer(confirmed, RETRY_MS);
}

static void ended(struct transaction_request *request, enum outcome outcome)
{
    struct confirmed_part *part = request->hook;
    struct confirmed *confirmed = part->confirmed;
    if (part->role == ROLE_BEGIN && part->stuck)
        got_stuck(confirmed, request);
    if (outcome != DONE)
        return;
    if (part->role == ROLE_BEGIN) {
        began(confirmed, request);
    } else if (part->role == ROLE_FOLLOW_UP) {
        confirmed->rolling_back = false; /* its time ran out while this was being stored */
        set_terms(confirmed, part);
        log_notice(AREA_COMMIT, "a confirmed commit was extended by %" PRIu32 " s",
                   part->terms->timeout);
        tell(confirmed, request, CONFIRMED_COMMIT_EXTEND, part->terms->timeout);
    } else if (part->role == ROLE_CONFIRM) {
        tell(confirmed, request, CONFIRMED_COMMIT_COMPLETE, 0);
        forget(confirmed);
        log_notice(AREA_COMMIT, "a confirmed commit was confirmed by session %" PRIu32,
                   part->session);
    } else if (part->role == ROLE_ROLLBACK) {
        tell(confirmed, request,
             confirmed->in_time ? CONFIRMED_COMMIT_CANCEL : CONFIRMED_COMMIT_TIMEOUT, 0);
        confirmed->lapsed = confirmed->in_time ? 0 : confirmed->session;
        forget(confirmed);
        log_notice(AREA_COMMIT, "a confirmed commit was taken back");
    }
}

static const struct transaction_hooks hooks = {.alone = alone,
                                               .begin = begin,
                                               .store = store,
                                               .unstore = unstore,
                                               .stored = stored,
                                               .ended = ended};

/* What others call. */

enum outcome confirmed_new(struct agent *agent, struct confirmed **result, struct error *err)
{
    struct confirmed *confirmed = calloc(1, sizeof(*confirmed));
    if (!confirmed)
        return fail_memory(err);
    confirmed->agent = agent;
    uv_timer_init(&agent->loop, &confirmed->timer);
    confirmed->timer.data = confirmed;
    *result = confirmed;
    return DONE;
}

void confirmed_close(struct confirmed *confirmed)
{
    if (confirmed)
        uv_close((uv_handle_t *)&confirmed->timer, NULL);
}

void confirmed_free(struct confirmed *confirmed)
{
    if (!confirmed)
        return;
    snapshot_unref(confirmed->original);
    free(confirmed->persist);
    free(confirmed);
}

enum outcome confirmed_govern(struct confirmed_part *part, struct transaction_request *request,
                              struct error *err)
{
    const struct commit_terms *terms = part->terms;
    request->hooks = &hooks;
    request->hook = part;
    if (!terms || !terms->confirmed || !terms->persist || part->persist)
        return DONE;
    part->persist = strdup(terms->persist);
    return part->persist ? DONE : fail_memory(err);
}

void confirmed_part_clear(struct confirmed_part *part)
{
    free(part->persist);
    part->persist = NULL;
}

void confirmed_session_ended(struct confirmed *confirmed, uint32_t session)
{
    if (!confirmed->pending || confirmed->rolling_back || confirmed->session != session)
        return;
    if (confirmed->persist) {
        confirmed->session = 0;
        return;
    }
    confirmed->in_time = true;
    log_notice(AREA_COMMIT, "session %" PRIu32 " ended without confirming its commit", session);
    roll_back(confirmed);
}

void confirmed_cancel(struct confirmed_cancel *cancel)
{
    struct confirmed *confirmed = cancel->confirmed;
    struct error error = {0};
    bool again = confirmed->rolling_back && !confirmed->in_flight;
    enum outcome outcome =
        again ? DONE : check_right(confirmed, cancel->session, cancel->persist_id, &error);
    if (outcome == DONE && !confirmed->pending)
        outcome = refuse(&error, TAG_OPERATION_FAILED, NULL,
                         "There is no pending confirmed commit to cancel.");
    if (outcome == DONE) {
        confirmed->in_time = true;
        confirmed->cancel = cancel;
        roll_back(confirmed);
    } else {
        cancel->done(cancel, outcome, &error);
    }
    error_clear(&error);
}
