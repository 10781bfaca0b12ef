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
    tls_session_free(run->tls);
    run->tls = NULL;
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

static void end_tls(struct check_job *job, const char *what)
{
    char error[CHECK_ERROR_SIZE];
    snprintf(error, sizeof(error), "%s", what);
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "TLS: %s", error);
}

/* A call on the connection has failed: wait if that is all, else end the run. */
static void wait_or_end(struct check_job *job, const char *what, uint32_t events)
{
    struct dialogue_run *run = job->state;
    int error = errno;
    if (error == EAGAIN)
        error = health_watch_change(job->poller, &run->watch,
                                    run->tls ? tls_session_events(run->tls) : events);
    if (run->tls && error == EPROTO)
        end_tls(job, tls_session_error(run->tls));
    else if (error)
        end_errno(job, what, error);
}

/* Begin TLS, or go on with its handshake. @return Whether it is done; if not, the run waits or has
 * ended. */
static bool secure(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    char error[CHECK_ERROR_SIZE];
    job->phase = "agreeing on TLS";
    if (!run->tls)
        run->tls = tls_session_new(dialogue->tls, run->watch.fd, error);
    if (!run->tls) {
        end_tls(job, error);
        return false;
    }
    run->securing = tls_session_handshake(run->tls) != 0;
    if (run->securing)
        wait_or_end(job, "handshake", 0);
    return !run->securing;
}

/* Send what is left of a step. @return Whether all is sent; if not, the run waits or has ended. */
static bool send_step(struct check_job *job, const struct dialogue_step *step)
{
    struct dialogue_run *run = job->state;
    while (run->sent < step->size) {
        const unsigned char *data = step->send + run->sent;
        size_t size = step->size - run->sent;
        ssize_t sent = run->tls ? tls_session_send(run->tls, data, size)
                                : send(run->watch.fd, data, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0) {
            job->phase = "sending";
            wait_or_end(job, "send", EPOLLOUT);
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

/* Read what has come, and hold it against what is waited for. @return Whether it matches; if not,
 * the run waits or has ended. */
static bool receive_step(struct check_job *job, const struct dialogue_step *step)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    job->phase = "waiting for the answer";
    while (true) {
        char *data = run->answer + run->size;
        size_t size = dialogue->max_answer - run->size;
        ssize_t got = run->tls ? tls_session_receive(run->tls, data, size)
                               : recv(run->watch.fd, data, size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            wait_or_end(job, "receive", EPOLLIN);
            return false;
        }
        run->size += (size_t)got;
        enum progress progress = judge(job, step, !got);
        if (progress != WAITING)
            return progress == MATCHED;
    }
}

/*
 * What follows an answer that TLS begins after was not secured: it must not be taken for a part of
 * what is.
 */
static bool ends_with_its_line(const struct dialogue_run *run)
{
    return memchr(run->answer, '\n', run->size) == run->answer + run->size - 1;
}

/* Go on until something has to be waited for, or to the end. */
static void talk(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct dialogue_run *run = job->state;
    while (true) {
        if (run->securing && !secure(job))
            return;
        if (run->step == dialogue->count)
            break;
        const struct dialogue_step *step = &dialogue->steps[run->step];
        if (!send_step(job, step) || (step->expect && !receive_step(job, step)))
            return;
        if (step->secures && !ends_with_its_line(run)) {
            end_failed(job, "something follows the answer");
            return;
        }
        run->securing = step->secures;
        run->step++;
        run->sent = run->size = 0;
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
    run->securing = dialogue->tls_first;
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
    if (!dialogue)
        return;
    tls_settings_free(dialogue->tls);
    for (size_t i = 0; i < dialogue->count; i++) {
        struct dialogue_step *step = &dialogue->steps[i];
        if (step->send)
            explicit_bzero(step->send, step->size);
        free(step->send);
        pattern_free(step->expect);
    }
    free(dialogue);
}
