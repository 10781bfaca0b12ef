/*
 * Events: emitting, delivery to subscribers, and the helper thread that writes the replay log.
 */
#include "agent/event/event.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/datastore/plain.h"
#include "agent/event/replay.h"
#include "agent/log.h"

/* How long the replay log may grow. */
static const struct replay_limits limits = {.bytes = (size_t)8 << 20, .events = 50000};

/* Events that wait to be written, in bytes; more are not logged (the disk must be stuck). */
#define PENDING_BYTES ((size_t)8 << 20)

/* What is written at once. */
#define BATCH_BYTES ((size_t)64 << 10)

/* How long the helper thread lets events come before it writes them together, in milliseconds. */
#define GATHER_MS 10

/* Between two syncs of the log, in seconds. */
#define SYNC_INTERVAL 1

/* How long a replay waits for the helper thread, in seconds. */
#define WRITTEN_TIME 5

/* A place in a queue: an event, or how many are missing there. */
struct place {
    struct event *event;
    uint64_t lost;
};

struct event_subscriber {
    struct events *events;
    char *name;
    int wake;
    uint64_t first; /* the first event that it is given */
    struct place places[EVENT_QUEUE_MAX];
    size_t at, count, bytes;
    struct event_subscriber *next;
};

struct events {
    struct agent *agent;
    struct replay *replay;
    pthread_t writer;
    bool writing;           /* the thread runs */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t come;    /* there is something to be written */
    pthread_cond_t written; /* last_written has risen */
    bool ending;
    uint64_t last, last_written;
    struct event *pending, **pending_end;
    size_t pending_bytes;
    uint64_t unlogged;
    struct event_subscriber *subscribers;
};

struct event_replay {
    struct events *events;
    struct replay_reader *reader;
    uint64_t end; /* the first event that is not to be read */
};

/* Events. */

struct event *event_ref(struct event *event)
{
    atomic_fetch_add(&event->refs, 1);
    return event;
}

void event_unref(struct event *event)
{
    if (!event || atomic_fetch_sub(&event->refs, 1) != 1)
        return;
    lyd_free_all(event->tree);
    free(event->xml);
    free(event);
}

/*
 * Subscribers look at the tree at once, from their threads. libyang makes canonical values when
 * they are first asked for, and writes into hash tables when it looks something up, as for an
 * XPath.
 */
static bool make_sharable(struct lyd_node *tree)
{
    const struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        lyd_get_value(node);
        LYD_TREE_DFS_END(tree, node);
    }
    return plain_tree(tree);
}

/* The notification in a tree, which may be deep in it. */
static const struct lyd_node *find_notification(const struct lyd_node *tree)
{
    const struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(tree, node)
    {
        if (node->schema && node->schema->nodetype == LYS_NOTIF)
            return node;
        LYD_TREE_DFS_END(tree, node);
    }
    return tree;
}

/* Takes the tree. */
static struct event *make_event(struct lyd_node *tree)
{
    struct event *event = calloc(1, sizeof(*event));
    if (!event) {
        lyd_free_all(tree);
        return NULL;
    }
    atomic_init(&event->refs, 1);
    event->tree = tree;
    event->node = find_notification(tree);
    if (lyd_print_mem(&event->xml, tree, LYD_XML, LYD_PRINT_SHRINK) || !event->xml ||
        !make_sharable(tree)) {
        event_unref(event);
        return NULL;
    }
    event->length = strlen(event->xml);
    return event;
}

/* Subscribers' queues. */

static void ring(int wake)
{
    if (write(wake, &(uint64_t){1}, sizeof(uint64_t)) < 0 && errno != EAGAIN)
        log_debug(AREA_EVENT, "a subscriber cannot be woken: %s", strerror(errno));
}

/* The last place is for the gap alone. */
static void deliver(struct event_subscriber *subscriber, struct event *event)
{
    struct place *places = subscriber->places;
    size_t end = (subscriber->at + subscriber->count) % EVENT_QUEUE_MAX;
    struct place *last = &places[(end + EVENT_QUEUE_MAX - 1) % EVENT_QUEUE_MAX];
    bool full = subscriber->count >= EVENT_QUEUE_MAX - 1 ||
                subscriber->bytes + event->length > EVENT_QUEUE_BYTES;
    if (full && subscriber->count && !last->event) {
        last->lost++;
        return;
    }
    if (full) {
        log_warning(AREA_EVENT, "%s does not keep up: it loses events", subscriber->name);
        places[end] = (struct place){.lost = 1};
    } else {
        places[end] = (struct place){.event = event_ref(event)};
        subscriber->bytes += event->length;
    }
    if (!subscriber->count++)
        ring(subscriber->wake);
}

bool event_take(struct event_subscriber *subscriber, struct event **event, uint64_t *lost)
{
    pthread_mutex_lock(&subscriber->events->lock);
    bool any = subscriber->count > 0;
    *event = NULL;
    *lost = 0;
    if (any) {
        struct place *place = &subscriber->places[subscriber->at];
        *event = place->event;
        *lost = place->lost;
        subscriber->bytes -= place->event ? place->event->length : 0;
        subscriber->at = (subscriber->at + 1) % EVENT_QUEUE_MAX;
        subscriber->count--;
    }
    pthread_mutex_unlock(&subscriber->events->lock);
    return any;
}

struct event_subscriber *event_subscribe(struct agent *agent, const char *name, int wake)
{
    struct events *events = agent->events;
    struct event_subscriber *subscriber = calloc(1, sizeof(*subscriber));
    char *copy = strdup(name);
    if (!subscriber || !copy) {
        free(subscriber);
        free(copy);
        return NULL;
    }
    subscriber->events = events;
    subscriber->name = copy;
    subscriber->wake = wake;
    pthread_mutex_lock(&events->lock);
    subscriber->first = events->last + 1;
    subscriber->next = events->subscribers;
    events->subscribers = subscriber;
    pthread_mutex_unlock(&events->lock);
    return subscriber;
}

void event_unsubscribe(struct event_subscriber *subscriber)
{
    if (!subscriber)
        return;
    struct events *events = subscriber->events;
    pthread_mutex_lock(&events->lock);
    struct event_subscriber **place = &events->subscribers;
    while (*place != subscriber)
        place = &(*place)->next;
    *place = subscriber->next;
    pthread_mutex_unlock(&events->lock);
    for (; subscriber->count; subscriber->count--) {
        event_unref(subscriber->places[subscriber->at].event);
        subscriber->at = (subscriber->at + 1) % EVENT_QUEUE_MAX;
    }
    free(subscriber->name);
    free(subscriber);
}

/* Emitting. */

static void queue_for_log(struct events *events, struct event *event)
{
    if (!events->writing || events->pending_bytes + event->length > PENDING_BYTES) {
        events->unlogged++;
        return;
    }
    if (!events->pending)
        pthread_cond_signal(&events->come);
    *events->pending_end = event_ref(event);
    events->pending_end = &event->next;
    events->pending_bytes += event->length;
}

void event_emit(struct agent *agent, struct lyd_node *notification)
{
    struct events *events = agent ? agent->events : NULL;
    if (!events || !notification) {
        lyd_free_all(notification);
        return;
    }
    struct event *event = make_event(notification);
    if (!event) {
        log_error(AREA_EVENT, "an event is lost for want of memory");
        return;
    }
    pthread_mutex_lock(&events->lock);
    event->time = clock_now();
    event->time -= event->time % 1000000; /* what an eventTime shows, so that it can be asked for */
    event->number = ++events->last;
    queue_for_log(events, event);
    for (struct event_subscriber *s = events->subscribers; s; s = s->next)
        deliver(s, event);
    pthread_mutex_unlock(&events->lock);
    log_debug(AREA_EVENT, "%s", event->xml);
    event_unref(event);
}

/* The helper thread. */

static struct timespec seconds_from_now(int seconds)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    time.tv_sec += seconds;
    return time;
}

static bool is_past(const struct timespec *time)
{
    struct timespec now = seconds_from_now(0);
    return now.tv_sec > time->tv_sec ||
           (now.tv_sec == time->tv_sec && now.tv_nsec >= time->tv_nsec);
}

/* Say it once, until it works again. */
static void report(bool *broken, enum outcome outcome, struct error *err)
{
    if (outcome != DONE && !*broken)
        log_error(AREA_EVENT, "events are not kept for replay: %s", error_message(err));
    else if (outcome == DONE && *broken)
        log_notice(AREA_EVENT, "events are kept for replay again");
    *broken = outcome != DONE;
    error_clear(err);
}

/* Write a row of events. */
static void write_events(struct events *events, struct event *event, bool *broken)
{
    struct error error = {0};
    size_t bytes = 0;
    bool appended = true;
    for (struct event *next; event; event = next) {
        struct replay_record record = {event->number, event->time, event->xml};
        next = event->next;
        appended &= replay_append(events->replay, &record);
        bytes += event->length;
        event_unref(event);
        if (next && bytes < BATCH_BYTES)
            continue;
        enum outcome outcome = replay_write(events->replay, &error);
        if (!appended && outcome == DONE)
            outcome = fail_memory(&error);
        report(broken, outcome, &error);
        appended = true;
        bytes = 0;
    }
}

/* Others come soon, and to write each by itself costs far more. Called with the lock. */
static void gather(struct events *events)
{
    pthread_mutex_unlock(&events->lock);
    nanosleep(&(struct timespec){.tv_nsec = GATHER_MS * 1000000L}, NULL);
    pthread_mutex_lock(&events->lock);
}

/* Take what is to be written, or wait for it. */
static struct event *take_pending(struct events *events, const struct timespec *until,
                                  uint64_t *last, uint64_t *unlogged)
{
    pthread_mutex_lock(&events->lock);
    while (!events->pending && !events->ending) {
        if (!until)
            pthread_cond_wait(&events->come, &events->lock);
        else if (pthread_cond_timedwait(&events->come, &events->lock, until))
            break;
    }
    if (events->pending && !events->ending)
        gather(events);
    struct event *pending = events->pending;
    *last = events->last;
    *unlogged = events->unlogged;
    events->unlogged = 0;
    events->pending = NULL;
    events->pending_end = &events->pending;
    events->pending_bytes = 0;
    pthread_mutex_unlock(&events->lock);
    return pending;
}

static void *run_writer(void *arg)
{
    struct events *events = arg;
    struct timespec sync_at = {0};
    bool dirty = false, write_broken = false, sync_broken = false, ending = false;
    while (!ending) {
        struct error error = {0};
        uint64_t last, unlogged;
        struct event *pending = take_pending(events, dirty ? &sync_at : NULL, &last, &unlogged);
        if (pending && !dirty)
            sync_at = seconds_from_now(SYNC_INTERVAL);
        dirty |= pending != NULL;
        write_events(events, pending, &write_broken);
        if (unlogged)
            log_warning(AREA_EVENT, "%llu events are not kept for replay: writing is too slow",
                        (unsigned long long)unlogged);
        pthread_mutex_lock(&events->lock);
        events->last_written = last;
        ending = events->ending && !events->pending;
        pthread_cond_broadcast(&events->written);
        pthread_mutex_unlock(&events->lock);
        if (dirty && (ending || is_past(&sync_at))) {
            report(&sync_broken, replay_sync(events->replay, &error), &error);
            dirty = false;
        }
    }
    return NULL;
}

/* Start and stop. */

static enum outcome start_writer(struct events *events, struct error *err)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&events->writer, NULL, run_writer, events);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot start a thread: %s.",
                    strerror(result));
    events->writing = true;
    return DONE;
}

enum outcome events_start(struct agent *agent, struct error *err)
{
    struct events *events = calloc(1, sizeof(*events));
    pthread_condattr_t clock;
    char *folder;
    if (!events || asprintf(&folder, "%s/events", agent->options.state_dir) < 0) {
        free(events);
        return fail_memory(err);
    }
    events->agent = agent;
    events->pending_end = &events->pending;
    pthread_mutex_init(&events->lock, NULL);
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    pthread_cond_init(&events->come, &clock);
    pthread_cond_init(&events->written, &clock);
    pthread_condattr_destroy(&clock);
    agent->events = events;
    enum outcome outcome = replay_open(folder, &limits, &events->replay, err);
    free(folder);
    if (outcome != DONE)
        return outcome;
    events->last = events->last_written = replay_last(events->replay);
    return start_writer(events, err);
}

void events_stop(struct agent *agent)
{
    struct events *events = agent->events;
    if (!events)
        return;
    pthread_mutex_lock(&events->lock);
    events->ending = true;
    bool used = events->subscribers != NULL;
    pthread_cond_signal(&events->come);
    pthread_mutex_unlock(&events->lock);
    if (events->writing)
        pthread_join(events->writer, NULL);
    if (used)
        return; /* a session that did not end has it */
    replay_close(events->replay);
    pthread_mutex_destroy(&events->lock);
    pthread_cond_destroy(&events->come);
    pthread_cond_destroy(&events->written);
    free(events);
    agent->events = NULL;
}

/* Past events. */

struct event_replay *event_replay_new(const struct event_subscriber *subscriber)
{
    struct events *events = subscriber->events;
    struct event_replay *replay = calloc(1, sizeof(*replay));
    struct timespec deadline = seconds_from_now(WRITTEN_TIME);
    int late = 0;
    if (!replay)
        return NULL;
    pthread_mutex_lock(&events->lock);
    while (events->last_written + 1 < subscriber->first && !late)
        late = pthread_cond_timedwait(&events->written, &events->lock, &deadline);
    pthread_mutex_unlock(&events->lock);
    if (late)
        log_warning(AREA_EVENT, "writing is slow: %s may miss the newest of the past events",
                    subscriber->name);
    replay->events = events;
    replay->end = subscriber->first;
    replay->reader = replay_reader_new(events->replay);
    if (replay->reader)
        return replay;
    free(replay);
    return NULL;
}

/* An event from what is stored; NULL if the modules that are loaded now do not have it. */
static struct event *restore(const struct ly_ctx *ctx, const struct replay_record *record)
{
    struct ly_in *in = NULL;
    struct lyd_node *tree = NULL;
    if (ly_in_new_memory(record->xml, &in))
        return NULL;
    LY_ERR result = lyd_parse_op(ctx, NULL, in, LYD_XML, LYD_TYPE_NOTIF_YANG, &tree, NULL);
    ly_in_free(in, 0);
    if (result) {
        lyd_free_all(tree);
        log_info(AREA_EVENT, "event %llu is none that is known any more: %s",
                 (unsigned long long)record->number, ly_errmsg(ctx));
        ly_err_clean((struct ly_ctx *)ctx, NULL);
        return NULL;
    }
    struct event *event = make_event(tree);
    if (event) {
        event->number = record->number;
        event->time = record->time;
    }
    return event;
}

struct event *event_replay_next(struct event_replay *replay)
{
    struct replay_record record;
    while (replay_next(replay->reader, &record) && record.number < replay->end) {
        struct event *event = restore(replay->events->agent->schema->ctx, &record);
        if (event)
            return event;
    }
    return NULL;
}

void event_replay_free(struct event_replay *replay)
{
    if (!replay)
        return;
    replay_reader_free(replay->reader);
    free(replay);
}

struct lyd_node *event_streams(struct agent *agent)
{
    static const char path[] = "/nc-notifications:netconf/streams/stream[name='NETCONF']";
    char text[CLOCK_TEXT_SIZE];
    struct lyd_node *tree = NULL, *stream = NULL;
    clock_text(replay_created(agent->events->replay), text);
    if (!lyd_new_path2(NULL, agent->schema->ctx, path, NULL, 0, 0, 0, &tree, &stream) &&
        !lyd_new_term(stream, NULL, "description", "All events of the agent.", 0, NULL) &&
        !lyd_new_term(stream, NULL, "replaySupport", "true", 0, NULL) &&
        !lyd_new_term(stream, NULL, "replayLogCreationTime", text, 0, NULL))
        return tree;
    lyd_free_all(tree);
    return NULL;
}
