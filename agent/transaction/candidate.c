/*
 * The candidate datastore, and the locks of the datastores.
 */
#include "agent/transaction/candidate.h"

#include <inttypes.h>
#include <stdlib.h>

#include "agent/clock.h"

struct candidate {
    uv_mutex_t editing; /* held from begin to end of an edit */
    uv_mutex_t lock;    /* guards the pointer */
    struct snapshot *edited;
};

struct candidate *candidate_new(void)
{
    struct candidate *candidate = calloc(1, sizeof(*candidate));
    if (candidate && (uv_mutex_init(&candidate->editing) || uv_mutex_init(&candidate->lock))) {
        free(candidate);
        return NULL;
    }
    return candidate;
}

void candidate_free(struct candidate *candidate)
{
    if (!candidate)
        return;
    snapshot_unref(candidate->edited);
    uv_mutex_destroy(&candidate->editing);
    uv_mutex_destroy(&candidate->lock);
    free(candidate);
}

struct snapshot *candidate_get(struct candidate *candidate)
{
    uv_mutex_lock(&candidate->lock);
    struct snapshot *edited = candidate->edited ? snapshot_ref(candidate->edited) : NULL;
    uv_mutex_unlock(&candidate->lock);
    return edited;
}

/* Put another snapshot in place; taken. */
static void replace(struct candidate *candidate, struct snapshot *edited)
{
    uv_mutex_lock(&candidate->lock);
    struct snapshot *before = candidate->edited;
    candidate->edited = edited;
    uv_mutex_unlock(&candidate->lock);
    snapshot_unref(before);
}

struct snapshot *candidate_begin(struct candidate *candidate, struct agent *agent)
{
    uv_mutex_lock(&candidate->editing);
    struct snapshot *edited = candidate_get(candidate);
    return edited ? edited : agent_running(agent);
}

void candidate_end(struct candidate *candidate, struct snapshot *edited)
{
    if (edited)
        replace(candidate, edited);
    uv_mutex_unlock(&candidate->editing);
}

void candidate_discard(struct candidate *candidate)
{
    uv_mutex_lock(&candidate->editing);
    replace(candidate, NULL);
    uv_mutex_unlock(&candidate->editing);
}

void candidate_committed(struct candidate *candidate, const struct snapshot *committed)
{
    uv_mutex_lock(&candidate->editing);
    struct snapshot *edited = candidate_get(candidate);
    if (edited == committed)
        replace(candidate, NULL);
    snapshot_unref(edited);
    uv_mutex_unlock(&candidate->editing);
}

struct datastore_locks {
    uv_mutex_t changing[DATASTORE_COUNT]; /* held from begin to end of a change */
    uv_mutex_t lock;                      /* guards the rest */
    bool held[DATASTORE_COUNT];
    uint32_t holder[DATASTORE_COUNT];
    int64_t since[DATASTORE_COUNT];
};

struct datastore_locks *locks_new(void)
{
    struct datastore_locks *locks = calloc(1, sizeof(*locks));
    bool made = locks && !uv_mutex_init(&locks->lock);
    for (size_t i = 0; i < DATASTORE_COUNT; i++)
        made = made && !uv_mutex_init(&locks->changing[i]);
    if (made)
        return locks;
    free(locks);
    return NULL;
}

void locks_free(struct datastore_locks *locks)
{
    if (!locks)
        return;
    for (size_t i = 0; i < DATASTORE_COUNT; i++)
        uv_mutex_destroy(&locks->changing[i]);
    uv_mutex_destroy(&locks->lock);
    free(locks);
}

static const char *datastore_name(enum datastore datastore)
{
    static const char *const names[] = {[DATASTORE_RUNNING] = "running",
                                        [DATASTORE_CANDIDATE] = "candidate",
                                        [DATASTORE_STARTUP] = "startup"};
    return names[datastore];
}

static enum outcome refuse_held(enum error_tag tag, enum datastore datastore, uint32_t holder,
                                struct error *err)
{
    if (err && err->outcome == DONE)
        err->session_id = holder;
    return refuse(err, tag, NULL, "Session %" PRIu32 " has locked %s: try again when it is done.",
                  holder, datastore_name(datastore));
}

enum outcome locks_check(struct datastore_locks *locks, enum datastore datastore, uint32_t session,
                         struct error *err)
{
    uv_mutex_lock(&locks->lock);
    bool other = locks->held[datastore] && locks->holder[datastore] != session;
    uint32_t holder = locks->holder[datastore];
    uv_mutex_unlock(&locks->lock);
    return other ? refuse_held(TAG_IN_USE, datastore, holder, err) : DONE;
}

enum outcome locks_begin_change(struct datastore_locks *locks, enum datastore datastore,
                                uint32_t session, struct error *err)
{
    enum outcome outcome = locks_check(locks, datastore, session, err);
    if (outcome != DONE)
        return outcome;
    uv_mutex_lock(&locks->changing[datastore]);
    outcome = locks_check(locks, datastore, session, err);
    if (outcome != DONE)
        uv_mutex_unlock(&locks->changing[datastore]);
    return outcome;
}

void locks_end_change(struct datastore_locks *locks, enum datastore datastore)
{
    uv_mutex_unlock(&locks->changing[datastore]);
}

enum outcome locks_check_free(struct datastore_locks *locks, enum datastore datastore,
                              struct error *err)
{
    uint32_t holder;
    int64_t since;
    return locks_holder(locks, datastore, &holder, &since)
               ? refuse_held(TAG_LOCK_DENIED, datastore, holder, err)
               : DONE;
}

/* Whether it was taken; who has it now. */
static bool take_if_free(struct datastore_locks *locks, enum datastore datastore, uint32_t session,
                         uint32_t *holder)
{
    uv_mutex_lock(&locks->lock);
    bool is_free = !locks->held[datastore];
    if (is_free) {
        locks->held[datastore] = true;
        locks->holder[datastore] = session;
        locks->since[datastore] = clock_now();
    }
    *holder = locks->holder[datastore];
    uv_mutex_unlock(&locks->lock);
    return is_free;
}

enum outcome locks_take(struct datastore_locks *locks, enum datastore datastore, uint32_t session,
                        struct error *err)
{
    uint32_t holder;
    /* Whoever has it may be long at a change: nobody waits for that only to be refused. */
    enum outcome outcome = locks_check_free(locks, datastore, err);
    if (outcome != DONE)
        return outcome;
    uv_mutex_lock(&locks->changing[datastore]);
    bool taken = take_if_free(locks, datastore, session, &holder);
    uv_mutex_unlock(&locks->changing[datastore]);
    return taken ? DONE : refuse_held(TAG_LOCK_DENIED, datastore, holder, err);
}

bool locks_holder(struct datastore_locks *locks, enum datastore datastore, uint32_t *session,
                  int64_t *since)
{
    uv_mutex_lock(&locks->lock);
    bool held = locks->held[datastore];
    *session = locks->holder[datastore];
    *since = locks->since[datastore];
    uv_mutex_unlock(&locks->lock);
    return held;
}

bool locks_drop(struct datastore_locks *locks, enum datastore datastore, uint32_t session)
{
    uv_mutex_lock(&locks->lock);
    bool mine = locks->held[datastore] && locks->holder[datastore] == session;
    if (mine)
        locks->held[datastore] = false;
    uv_mutex_unlock(&locks->lock);
    return mine;
}

enum outcome locks_release(struct datastore_locks *locks, enum datastore datastore,
                           uint32_t session, struct error *err)
{
    if (locks_drop(locks, datastore, session))
        return DONE;
    return refuse(err, TAG_OPERATION_FAILED, NULL, "This session has not locked %s.",
                  datastore_name(datastore));
}
