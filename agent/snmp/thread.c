#include "agent/snmp/thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/snmp/engine.h"

/* Milliseconds between two looks whether what was missing can be had. */
#define RETRY_INTERVAL 2000

/* How much the thread stands back. */
#define NICE 5

struct snmp_thread {
    struct snmp_engine engine; /* The thread's own. */
    uint64_t retry_at;         /* The thread's own, by uv_hrtime(). */
    pthread_t id;
    int wake; /* Eventfd: there is something to do for the thread. */
    uv_async_t *wake_up;
    uv_mutex_t lock; /* Guards what follows. */
    bool stopping;
    struct snmp_settings *wanted; /* Handed over; NULL: nothing. */
    bool strict;
    bool awaited;  /* Somebody waits for the end of what was handed over. */
    bool changing; /* The thread waits for a transaction. */
    struct snmp_report report;
};

/* --- on the SNMP thread --- */

static void tell(struct snmp_thread *thread, bool finished, enum outcome outcome,
                 struct error *error, struct error *missing)
{
    uv_mutex_lock(&thread->lock);
    struct snmp_report *report = &thread->report;
    bool up = !missing->message;
    bool news = finished || report->up != up ||
                (!up && report->reason && strcmp(report->reason, missing->message));
    if (finished) {
        report->finished = true;
        report->outcome = outcome;
        error_move(&report->error, error);
    }
    report->up = up;
    free(report->reason);
    report->reason = up ? NULL : strdup(missing->message);
    uv_mutex_unlock(&thread->lock);
    if (news)
        uv_async_send(thread->wake_up);
}

static void look(struct snmp_thread *thread, bool finished, enum outcome outcome,
                 struct error *error)
{
    struct error missing = {0};

    snmp_engine_retry(&thread->engine, &missing);
    thread->retry_at = uv_hrtime() + RETRY_INTERVAL * UINT64_C(1000000);
    tell(thread, finished, outcome, error, &missing);
    error_clear(&missing);
}

/* @return Whether to go on. */
static bool take_orders(struct snmp_thread *thread)
{
    struct error err = {0};
    eventfd_t count;

    if (eventfd_read(thread->wake, &count) < 0 && errno != EAGAIN)
        log_error(AREA_SNMP, "the SNMP thread cannot be woken: %s", strerror(errno));
    uv_mutex_lock(&thread->lock);
    struct snmp_settings *wanted = thread->wanted;
    bool strict = thread->strict, awaited = thread->awaited;
    bool stopping = thread->stopping;
    thread->wanted = NULL;
    uv_mutex_unlock(&thread->lock);
    if (stopping) {
        snmp_settings_free(wanted);
        return false;
    }
    if (wanted) {
        enum outcome outcome = snmp_engine_apply(&thread->engine, wanted, strict, &err);
        look(thread, awaited, outcome, &err);
        error_clear(&err);
    } else if (uv_hrtime() >= thread->retry_at) {
        look(thread, false, DONE, NULL);
    }
    return true;
}

/* A transaction that waits for this thread must not be waited for by it. */
static bool begin_change(void *owner)
{
    struct snmp_thread *thread = owner;
    uv_mutex_lock(&thread->lock);
    thread->changing = !thread->wanted && !thread->stopping;
    bool may = thread->changing;
    uv_mutex_unlock(&thread->lock);
    return may;
}

static void end_change(void *owner)
{
    struct snmp_thread *thread = owner;
    uv_mutex_lock(&thread->lock);
    thread->changing = false;
    uv_mutex_unlock(&thread->lock);
}

static void *run(void *arg)
{
    struct snmp_thread *thread = arg;

    /* Who reads must not hold up who commits: of what both need, this thread gets less. */
    if (setpriority(PRIO_PROCESS, (id_t)gettid(), NICE) < 0)
        log_info(AREA_SNMP, "the SNMP thread keeps its priority: %s", strerror(errno));
    while (take_orders(thread))
        while (!snmp_engine_serve(&thread->engine, RETRY_INTERVAL))
            continue;
    snmp_engine_close(&thread->engine);
    return NULL;
}

/* --- on the core thread --- */

/* Signals are for the core thread; a blocked SIGPIPE makes a write fail with EPIPE instead. */
static int start_without_signals(struct snmp_thread *thread)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int number = pthread_create(&thread->id, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (number == 0)
        pthread_setname_np(thread->id, "noriad-snmp");
    return number;
}

static void free_thread(struct snmp_thread *thread)
{
    uv_mutex_destroy(&thread->lock);
    if (thread->wake >= 0)
        close(thread->wake);
    snmp_settings_free(thread->wanted);
    error_clear(&thread->report.error);
    free(thread->report.reason);
    free(thread);
}

enum outcome snmp_thread_start(struct agent *agent, struct snmp_settings *settings,
                               uv_async_t *wake_up, struct snmp_thread **thread, struct error *err)
{
    struct snmp_thread *made = calloc(1, sizeof(*made));

    if (!made || uv_mutex_init(&made->lock) != 0) {
        free(made);
        snmp_settings_free(settings);
        return fail_memory(err);
    }
    made->engine.agent = agent;
    made->wake_up = wake_up;
    made->engine.begin_change = begin_change;
    made->engine.end_change = end_change;
    made->engine.owner = made;
    made->wanted = settings;
    made->awaited = true;
    made->report.up = true;
    made->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    made->engine.wake = made->wake;
    int number = made->wake < 0 ? errno : start_without_signals(made);
    if (number) {
        free_thread(made);
        return fail(err, TAG_OPERATION_FAILED, NULL, "cannot start the SNMP thread: %s",
                    strerror(number));
    }
    *thread = made;
    return DONE;
}

bool snmp_thread_submit(struct snmp_thread *thread, struct snmp_settings *settings, bool strict)
{
    uv_mutex_lock(&thread->lock);
    snmp_settings_free(thread->wanted);
    bool awaited = !thread->changing;
    thread->wanted = settings;
    thread->strict = strict && awaited;
    thread->awaited = awaited;
    uv_mutex_unlock(&thread->lock);
    eventfd_write(thread->wake, 1);
    return awaited;
}

void snmp_thread_collect(struct snmp_thread *thread, struct snmp_report *report)
{
    *report = (struct snmp_report){0};
    uv_mutex_lock(&thread->lock);
    report->finished = thread->report.finished;
    report->outcome = thread->report.outcome;
    report->up = thread->report.up;
    report->reason = thread->report.reason ? strdup(thread->report.reason) : NULL;
    error_move(&report->error, &thread->report.error);
    thread->report.finished = false;
    uv_mutex_unlock(&thread->lock);
}

void snmp_thread_stop(struct snmp_thread *thread)
{
    if (!thread)
        return;
    uv_mutex_lock(&thread->lock);
    thread->stopping = true;
    uv_mutex_unlock(&thread->lock);
    eventfd_write(thread->wake, 1);
    pthread_join(thread->id, NULL);
    free_thread(thread);
}
