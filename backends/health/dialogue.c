#include "backends/health/dialogue.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* How far a step is. */
enum progress {
    WAITING,
    MATCHED,
    ENDED, /* the run has; the job is not to be touched */
};

static void close_run(struct check_job *job)
{
    struct dialogue_run *run = job->state;
    health_watch_close(job->poller, &run->watch);
    free(run->answer);
    run->answer = NULL;
}

static void end_errno(struct check_job *job, const char *what, int error)
{
    close_run(job);
    check_end_errno(job, what, error);
}

static void end_failed(struct check_job *job, const char *what)
{
    const struct dialogue *dialogue = job->parameters;
    const char *name = dialogue->steps[((struct dialogue_run *)job->state)->step].name;
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", name, what);
}

/* Send what is left of a step. @return Whether all is sent; if not, the run waits or has ended. */
static bool send_step(struct check_job *job, const struct dialogue_step *step)
{
    struct dialogue_run *run = job->state;
    while (run->sent < step->size) {
        ssize_t sent =
            send(run->watch.fd, step->send + run->sent, step->size - run->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            int error =
                errno != EAGAIN ? errno : health_watch_change(job->poller, &run->watch, EPOLLOUT);
            job->phase = "sending";
            if (error)
                end_errno(job, "send", error);
            return false;
        }
        run->sent += (size_t)sent;
    }
    return true;
}

/* The line that was not expected, without its end. */
static void end_unexpected(struct check_job *job, const struct dialogue_step *step)
{
    const struct dialogue_run *run = job->state;
    const char *end = memchr(run->answer, '\n', run->size);
    char line[100];
    size_t size = (size_t)(end - run->answer);
    if (size && end[-1] == '\r')
        size--;
    snprintf(line, sizeof(line), "%.*s", (int)size, run->answer);
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", step->name, line);
}

/* Hold what has come against what is waited for. */
static enum progress judge(struct check_job *job, const struct dialogue_step *step, bool closed)
{
    const struct dialogue *dialogue = job->parameters;
    const struct dialogue_run *run = job->state;
    bool whole = !step->line || memchr(run->answer, '\n', run->size);
    enum pattern_match match =
        whole ? pattern_match(step->expect, run->answer, run->size) : PATTERN_NO;
    if (match == PATTERN_YES)
        return MATCHED;
    if (match == PATTERN_TOO_MUCH)
        end_failed(job, "the regular expression takes too long");
    else if (step->line && whole)
        end_unexpected(job, step);
    else if (closed)
        end_failed(job, "the connection was closed before the answer matched");
    else if (run->size == dialogue->max_answer)
        end_failed(job, "the answer does not match");
    else
        return WAITING;
    return ENDED;
}

/* Read what has come, and hold it against what is waited for. */
static enum progress receive_step(struct check_job *job, const struct dialogue_step *step)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    while (true) {
        ssize_t got =
            recv(run->watch.fd, run->answer + run->size, dialogue->max_answer - run->size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return WAITING;
        if (got < 0) {
            end_errno(job, "receive", errno);
            return ENDED;
        }
        run->size += (size_t)got;
        enum progress progress = judge(job, step, !got);
        if (progress != WAITING)
            return progress;
    }
}

/* Go on until something has to be waited for, or to the end. */
static void talk(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    for (; run->step < dialogue->count; run->step++, run->sent = run->size = 0) {
        const struct dialogue_step *step = &dialogue->steps[run->step];
        if (!send_step(job, step))
            return;
        if (!step->expect)
            continue;
        job->phase = "waiting for the answer";
        int error = health_watch_change(job->poller, &run->watch, EPOLLIN);
        if (error) {
            end_errno(job, "poll", error);
            return;
        }
        if (receive_step(job, step) != MATCHED)
            return;
    }
    close_run(job);
    check_pass(job);
}

static void goes_on(struct health_watch *watch, uint32_t events)
{
    talk(watch->arg);
}

/*
 * The beginning of a dialogue: the connection is there, or not.
 */
static void connected(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    struct dialogue_run *run = job->state;
    const struct dialogue *dialogue = job->parameters;
    int error = 0;
    socklen_t size = sizeof(error);
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (!error) {
        run->answer = malloc(dialogue->max_answer);
        error = run->answer ? 0 : ENOMEM;
    }
    if (error) {
        end_errno(job, "connect", error);
        return;
    }
    watch->ready = goes_on;
    talk(job);
}

void dialogue_start(struct check_job *job)
{
    static const struct linger reset = {.l_onoff = 1};
    struct dialogue_run *run = job->state;
    run->watch = (struct health_watch){.ready = connected, .arg = job};
    int fd = run->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    if (fd < 0) {
        check_end_errno(job, "socket", errno);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int failed = connect(fd, &job->target->address.any, check_address_size(&job->target->address));
    int error = failed && errno != EINPROGRESS
                    ? errno
                    : health_watch_start(job->poller, &run->watch, EPOLLOUT);
    if (error)
        end_errno(job, "connect", error);
}

void dialogue_cancel(struct check_job *job)
{
    close_run(job);
}

struct dialogue *dialogue_new(size_t room, size_t max_answer)
{
    struct dialogue *dialogue = calloc(1, sizeof(*dialogue) + room * sizeof(*dialogue->steps));
    if (dialogue)
        dialogue->max_answer = max_answer;
    return dialogue;
}

void dialogue_free(struct dialogue *dialogue)
{
    for (size_t i = 0; dialogue && i < dialogue->count; i++) {
        struct dialogue_step *step = &dialogue->steps[i];
        if (step->send)
            explicit_bzero(step->send, step->size);
        free(step->send);
        pattern_free(step->expect);
    }
    free(dialogue);
}
