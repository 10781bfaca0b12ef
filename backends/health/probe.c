#include "backends/health/probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/health/engine.h"

/* How much earlier than due a run may begin: this, and no more than such a part of the interval. */
#define EARLY_MAX (10 * HEALTH_MS)
#define EARLY_PART 20

/* Texts of a job that checkers which are alone get. */
#define NAMES 5

struct health_probe {
    struct text_link link; /* first: in engine->probes */
    struct health_engine *engine;
    struct health_timer timer; /* until the next run; while running, until its time-out */
    struct check_job job;
    struct check_target target;
    struct probe_timing timing;
    void *parameters;
    char *text;
    char *names[NAMES]; /* texts of the job, for checkers that are alone */
    unsigned refs;
    struct probe_subscriber *subscribers;
    bool running;
    struct health_probe *next_waiting; /* while too many run */
    enum { PROBE_FREE, PROBE_WAITS, PROBE_ADMITTED } turn;
    uint64_t due, started;
    struct probe_status status;
    max_align_t state[]; /* the checker's */
};

const struct probe_status *probe_status(const struct health_probe *probe)
{
    return &probe->status;
}

/* Figures, and what readers see, of one run that has ended. */
static void note_result(struct health_probe *probe, const struct probe_result *result, uint64_t now)
{
    struct health_engine *engine = probe->engine;
    struct probe_status *status = &probe->status;
    char *error = NULL;
    if (result->error && (!status->error || strcmp(status->error, result->error) != 0))
        error = strdup(result->error);
    uv_mutex_lock(&engine->lock);
    engine->figures.running--;
    engine->figures.runs++;
    engine->figures.failures += result->ending == CHECK_FAILED;
    engine->figures.unable += result->ending == CHECK_UNABLE;
    status->runs++;
    status->failures += result->ending == CHECK_FAILED;
    status->last_run = health_beat_date(&engine->beat, now);
    if (result->ending == CHECK_PASSED)
        latency_note(&status->latency, result->latency / 1000);
    if (error) {
        free(status->error);
        status->error = error;
    }
    uv_mutex_unlock(&engine->lock);
}

/* The time of the next run: the beat goes on, whatever this one took; what was missed is left. */
static uint64_t next_due(const struct health_probe *probe, uint64_t now, bool soon)
{
    if (soon)
        return now + probe->timing.retry;
    uint64_t missed = now > probe->due ? (now - probe->due) / probe->timing.interval : 0;
    return probe->due + (missed + 1) * probe->timing.interval;
}

/*
 * Where too many run at once, the others begin in the order in which they were due: each of them is
 * late, and none is left out.
 */
static void wait_turn(struct health_probe *probe)
{
    struct health_queue *queue = &probe->engine->queue;
    probe->turn = PROBE_WAITS;
    probe->next_waiting = NULL;
    *(queue->first ? &queue->last->next_waiting : &queue->first) = probe;
    queue->last = probe;
}

/* Let those that wait begin, as far as there is room; from the timers, not from here. */
static void admit(struct health_engine *engine)
{
    struct health_queue *queue = &engine->queue;
    while (queue->first && engine->figures.running + queue->admitted < engine->running_max) {
        struct health_probe *probe = queue->first;
        queue->first = probe->next_waiting;
        queue->admitted++;
        probe->turn = PROBE_ADMITTED;
        health_timer_set(engine->timers, &probe->timer, probe->due);
    }
}

/* It does not wait any more, whether it begins or is given up. */
static void leave_queue(struct health_probe *probe)
{
    struct health_queue *queue = &probe->engine->queue;
    struct health_probe **at = &queue->first, *before = NULL;
    if (probe->turn == PROBE_ADMITTED)
        queue->admitted--;
    for (; probe->turn == PROBE_WAITS && *at != probe; at = &(*at)->next_waiting)
        before = *at;
    if (probe->turn == PROBE_WAITS) {
        *at = probe->next_waiting;
        if (queue->last == probe)
            queue->last = before;
    }
    probe->turn = PROBE_FREE;
}

/* Have the next run begin when it is due, or with others a little earlier. */
static void schedule(struct health_probe *probe)
{
    uint64_t early = probe->timing.interval / EARLY_PART;
    probe->timer.early = early < EARLY_MAX ? early : EARLY_MAX;
    health_timer_set(probe->engine->timers, &probe->timer, probe->due);
}

/* Whether a run could be begun, and whose could not: that may be one that is bound to nothing. */
static void tell_lack(const struct health_probe *probe, const struct probe_result *result)
{
    char address[INET6_ADDRSTRLEN], error[CHECK_ERROR_SIZE + 2 * INET6_ADDRSTRLEN];
    if (result->ending == CHECK_UNABLE)
        snprintf(error, sizeof(error), "%s of %s port %" PRIu16 ": %s", probe->job.checker->name,
                 check_address_text(&probe->target.address, address),
                 check_address_port(&probe->target.address), result->error);
    health_engine_lacks(probe->engine, result->ending == CHECK_UNABLE ? error : NULL);
}

static void finish(struct health_probe *probe, struct probe_result result)
{
    uint64_t now = health_beat_now(&probe->engine->beat);
    bool soon = false;
    result.latency = now - probe->started;
    probe->running = false;
    note_result(probe, &result, now);
    tell_lack(probe, &result);
    if (result.ending != CHECK_UNABLE)
        for (struct probe_subscriber *one = probe->subscribers; one; one = one->next)
            soon = one->noted(one, &result) || soon;
    probe->due = next_due(probe, now, soon);
    schedule(probe);
    if (probe->engine->queue.first)
        admit(probe->engine);
}

static struct health_probe *probe_of(struct check_job *job)
{
    return (struct health_probe *)((char *)job - offsetof(struct health_probe, job));
}

/* What a server sent may be in it, and not every octet may be in XML. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

void check_end(struct check_job *job, enum check_ending ending, int32_t weight, const char *format,
               ...)
{
    char error[CHECK_ERROR_SIZE];
    if (format) {
        va_list args;
        va_start(args, format);
        vsnprintf(error, sizeof(error), format, args);
        va_end(args);
        make_printable(error);
    }
    finish(probe_of(job), (struct probe_result){
                              .ending = ending, .weight = weight, .error = format ? error : NULL});
}

void check_pass(struct check_job *job)
{
    check_end_adjust(job, 0);
}

void check_end_adjust(struct check_job *job, int32_t adjust)
{
    finish(probe_of(job), (struct probe_result){.ending = CHECK_PASSED,
                                                .weight = CHECK_WEIGHT_NONE,
                                                .adjust = adjust});
}

void check_again(struct check_job *job)
{
    struct health_probe *probe = probe_of(job);
    if (probe->running || probe->turn != PROBE_FREE || !probe->subscribers)
        return;
    probe->due = uv_hrtime();
    schedule(probe);
}

void check_end_errno(struct check_job *job, const char *what, int error)
{
    if (error == EMFILE || error == ENFILE)
        health_engine_crowded(probe_of(job)->engine);
    check_end(job, check_errno_is_ours(error) ? CHECK_UNABLE : CHECK_FAILED, CHECK_WEIGHT_NONE,
              "%s: %s", what, strerror(error));
}

/* What was longer ago than two windows is not counted any more. */
static void turn_window(struct health_figures *figures, uint64_t now)
{
    if (now - figures->window < HEALTH_LATENESS_WINDOW)
        return;
    memcpy(figures->late[1], figures->late[0], sizeof(figures->late[1]));
    memset(figures->late[0], 0, sizeof(figures->late[0]));
    figures->window = now;
}

static void note_start(struct health_probe *probe, uint64_t now)
{
    struct health_engine *engine = probe->engine;
    uint64_t late = now > probe->due ? (now - probe->due) / 1000 : 0;
    uint64_t class = late / HEALTH_LATENESS_WIDTH;
    uv_mutex_lock(&engine->lock);
    engine->figures.running++;
    turn_window(&engine->figures, now);
    engine->figures
        .late[0][class < HEALTH_LATENESS_CLASSES ? class : HEALTH_LATENESS_CLASSES - 1]++;
    if (late > engine->figures.late_max)
        engine->figures.late_max = late;
    uv_mutex_unlock(&engine->lock);
}

static void time_out(struct health_probe *probe)
{
    char error[CHECK_ERROR_SIZE];
    probe->job.checker->cancel(&probe->job); /* it may still say what it waits for */
    if (probe->job.silence_passes) {
        check_pass(&probe->job);
        return;
    }
    snprintf(error, sizeof(error), "timed out after %g s while %s",
             (double)probe->timing.timeout / HEALTH_SECOND, probe->job.phase);
    finish(probe, (struct probe_result){
                      .ending = CHECK_FAILED, .weight = CHECK_WEIGHT_NONE, .error = error});
}

static void run(struct health_timer *timer)
{
    struct health_probe *probe =
        (struct health_probe *)((char *)timer - offsetof(struct health_probe, timer));
    struct health_engine *engine = probe->engine;
    uint64_t now = health_beat_now(&engine->beat);
    if (probe->running) {
        time_out(probe);
        return;
    }
    if (probe->turn == PROBE_FREE &&
        (engine->queue.first ||
         engine->figures.running + engine->queue.admitted >= engine->running_max)) {
        health_engine_lacks(engine, "more checks are due than descriptors allow at once");
        wait_turn(probe);
        admit(engine);
        return;
    }
    leave_queue(probe);
    note_start(probe, now);
    probe->running = true;
    probe->started = now;
    probe->job.phase = "connecting";
    probe->job.silence_passes = false;
    memset(probe->state, 0, probe->job.checker->state);
    timer->early = 0;
    health_timer_set(engine->timers, timer, now + probe->timing.timeout);
    probe->job.checker->start(&probe->job);
}

/* All that tells one probe from another. */
static char *text_of(const struct probe_wish *wish)
{
    const struct check_target *target = &wish->target;
    char address[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN] = "", *text = NULL, *config = NULL;
    if (target->source.any.sa_family != AF_UNSPEC)
        check_address_text(&target->source, source);
    if (lyd_print_mem(&config, wish->config, LYD_XML, LYD_PRINT_SHRINK | LYD_PRINT_WD_ALL))
        return NULL;
    if (asprintf(&text,
                 "%s %" PRIu16 " %s %" PRIu16 " %s %" PRIu32 " %" PRIu64 " %" PRIu64 " %" PRIu64
                 " %s %s %s %s %s %s",
                 check_address_text(&target->address, address),
                 check_address_port(&target->address), source, check_address_port(&target->source),
                 target->interface, target->mark, wish->timing.interval, wish->timing.timeout,
                 wish->timing.retry, wish->checker->alone ? wish->server : "",
                 wish->checker->alone ? wish->server_port : "",
                 wish->checker->alone ? wish->virtual_name : "",
                 wish->checker->alone ? wish->virtual_address : "",
                 wish->checker->alone ? wish->virtual_port : "", config) < 0)
        text = NULL;
    free(config);
    return text;
}

static void free_probe(struct health_probe *probe)
{
    if (probe->parameters)
        probe->job.checker->free_parameters(probe->parameters);
    free(probe->text);
    for (size_t i = 0; i < NAMES; i++)
        free(probe->names[i]);
    free(probe->status.error);
    free(probe);
}

static bool copy_names(struct health_probe *probe, const struct probe_wish *wish)
{
    const char *from[NAMES] = {wish->server, wish->server_port, wish->virtual_name,
                               wish->virtual_address, wish->virtual_port};
    const char **to[NAMES] = {&probe->job.server, &probe->job.server_port, &probe->job.virtual_name,
                              &probe->job.virtual_address, &probe->job.virtual_port};
    for (size_t i = 0; i < NAMES; i++)
        if (!(*to[i] = probe->names[i] = strdup(from[i])))
            return false;
    return true;
}

/* Takes text. */
static struct health_probe *new_probe(struct health_engine *engine, const struct probe_wish *wish,
                                      char *text)
{
    struct health_probe *probe = calloc(1, sizeof(*probe) + wish->checker->state);
    if (!probe) {
        free(text);
        return NULL;
    }
    probe->engine = engine;
    probe->timer.run = run;
    probe->target = wish->target;
    probe->timing = wish->timing;
    probe->text = text;
    probe->status.counting_since = clock_now();
    probe->job = (struct check_job){
        .checker = wish->checker,
        .poller = engine->poller,
        .loop = engine->backend->loop,
        .target = &probe->target,
        .timeout = (uint32_t)(wish->timing.timeout / HEALTH_MS),
        .state = probe->state,
    };
    probe->refs = 1;
    if (!wish->checker->alone || copy_names(probe, wish))
        return probe;
    free_probe(probe);
    return NULL;
}

enum outcome probe_acquire(struct health_engine *engine, const struct probe_wish *wish,
                           struct health_probe **result, struct error *err)
{
    char *text = text_of(wish);
    struct health_probe *probe = text ? text_table_find(&engine->probes, text) : NULL;
    if (probe) {
        free(text);
        probe->refs++;
        *result = probe;
        return DONE;
    }
    probe = text ? new_probe(engine, wish, text) : NULL;
    if (!probe || !health_engine_share(engine, wish->checker, &probe->job.shared)) {
        if (probe)
            free_probe(probe);
        return fail_memory(err);
    }
    enum outcome outcome = wish->checker->parse ? wish->checker->parse(wish->config, &probe->target,
                                                                       &probe->parameters, err)
                                                : DONE;
    if (outcome == DONE &&
        (!text_table_reserve(&engine->probes) || !health_timer_reserve(engine->timers)))
        outcome = fail_memory(err);
    if (outcome != DONE) {
        free_probe(probe);
        return outcome;
    }
    probe->job.parameters = probe->parameters;
    text_table_add(&engine->probes, &probe->link, probe->text);
    *result = probe;
    return DONE;
}

void probe_release(struct health_probe *probe)
{
    if (!probe || --probe->refs)
        return;
    text_table_remove(&probe->engine->probes, &probe->link);
    health_timer_release(probe->engine->timers);
    free_probe(probe);
}

static void count_probes(struct health_engine *engine, int change)
{
    uv_mutex_lock(&engine->lock);
    engine->figures.probes += (unsigned)change;
    uv_mutex_unlock(&engine->lock);
}

/* First runs are spread by steps of the golden ratio: evenly, however many there will be. */
static uint64_t first_due(struct health_engine *engine, uint64_t warmup)
{
    engine->spread += 0x9e3779b97f4a7c15;
    return uv_hrtime() + (uint64_t)((double)(engine->spread >> 32) / 4294967296.0 * (double)warmup);
}

void probe_subscribe(struct probe_subscriber *subscriber)
{
    struct health_probe *probe = subscriber->probe;
    bool idle = !probe->subscribers;
    subscriber->next = probe->subscribers;
    subscriber->link = &probe->subscribers;
    if (subscriber->next)
        subscriber->next->link = &subscriber->next;
    probe->subscribers = subscriber;
    if (!idle)
        return;
    count_probes(probe->engine, 1);
    probe->due = first_due(probe->engine, subscriber->warmup);
    schedule(probe);
}

static void stop(struct health_probe *probe)
{
    struct health_engine *engine = probe->engine;
    health_timer_unset(engine->timers, &probe->timer);
    leave_queue(probe);
    if (probe->running) {
        probe->running = false;
        probe->job.checker->cancel(&probe->job);
        uv_mutex_lock(&engine->lock);
        engine->figures.running--;
        uv_mutex_unlock(&engine->lock);
    }
    count_probes(engine, -1);
    admit(engine);
}

void probe_unsubscribe(struct probe_subscriber *subscriber)
{
    if (!subscriber->link)
        return;
    *subscriber->link = subscriber->next;
    if (subscriber->next)
        subscriber->next->link = subscriber->link;
    subscriber->next = NULL;
    subscriber->link = NULL;
    if (!subscriber->probe->subscribers)
        stop(subscriber->probe);
}
