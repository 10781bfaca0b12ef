/*
 * TCP: a connection is opened (connection.c), and if there are steps, a dialogue is held.
 *
 * It is closed by a reset, so that no connection of ours stays behind in TIME_WAIT: at thousands of
 * checks a second they would use the ports up.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/connection.h"
#include "backends/health/octets.h"
#include "backends/health/pattern.h"
#include "backends/health/poller.h"

/* Something to send, then something to wait for; either may be missing. */
struct step {
    unsigned number;
    unsigned char *send;
    size_t size;
    struct pattern *expect;
};

struct dialogue {
    size_t max_answer;
    size_t count;
    struct step steps[];
};

struct tcp_run {
    struct health_watch watch;
    size_t step, sent;
    char *answer; /* what has come since the step began */
    size_t size;
};

static void close_run(struct check_job *job)
{
    struct tcp_run *run = job->state;
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
    unsigned number = ((const struct dialogue *)job->parameters)
                          ->steps[((struct tcp_run *)job->state)->step]
                          .number;
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "step %u: %s", number, what);
}

/* Send what is left of a step. @return Whether all is sent; if not, the run waits or has ended. */
static bool send_step(struct check_job *job, const struct step *step)
{
    struct tcp_run *run = job->state;
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

/* Read what has come, and hold it against what is waited for. @return Whether it matches. */
static bool receive_step(struct check_job *job, const struct step *step)
{
    const struct dialogue *dialogue = job->parameters;
    struct tcp_run *run = job->state;
    while (true) {
        ssize_t got =
            recv(run->watch.fd, run->answer + run->size, dialogue->max_answer - run->size, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return false;
        if (got < 0) {
            end_errno(job, "receive", errno);
            return false;
        }
        run->size += (size_t)got;
        enum pattern_match match = pattern_match(step->expect, run->answer, run->size);
        if (match == PATTERN_YES)
            return true;
        const char *fault = match == PATTERN_TOO_MUCH ? "the regular expression takes too long"
                            : !got ? "the connection was closed before the answer matched"
                            : run->size == dialogue->max_answer ? "the answer does not match"
                                                                : NULL;
        if (fault) {
            end_failed(job, fault);
            return false;
        }
    }
}

/* Go on until something has to be waited for, or to the end. */
static void talk(struct check_job *job)
{
    const struct dialogue *dialogue = job->parameters;
    struct tcp_run *run = job->state;
    for (; run->step < dialogue->count; run->step++, run->sent = run->size = 0) {
        const struct step *step = &dialogue->steps[run->step];
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
        if (!receive_step(job, step))
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
    struct tcp_run *run = job->state;
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

static void start_dialogue(struct check_job *job)
{
    static const struct linger reset = {.l_onoff = 1};
    struct tcp_run *run = job->state;
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

static void tcp_start(struct check_job *job)
{
    if (job->parameters)
        start_dialogue(job);
    else
        connection_start(job);
}

static void tcp_cancel(struct check_job *job)
{
    if (job->parameters)
        close_run(job);
    else
        connection_cancel(job);
}

static void tcp_free(void *parameters)
{
    struct dialogue *dialogue = parameters;
    for (size_t i = 0; i < dialogue->count; i++) {
        free(dialogue->steps[i].send);
        pattern_free(dialogue->steps[i].expect);
    }
    free(dialogue);
}

static int compare_steps(const void *a, const void *b)
{
    const struct step *one = a, *other = b;
    return (one->number > other->number) - (one->number < other->number);
}

static enum outcome parse_step(const struct lyd_node *config, struct step *step, struct error *err)
{
    const char *text = leaf_value(config, "send");
    step->number = (unsigned)strtoul(leaf_value(config, "number"), NULL, 10);
    if (text && !octets_unescape(text, &step->send, &step->size))
        return check_refuse(config, "send", err,
                            "A backslash must begin \\r, \\n, \\t, \\\\ or \\xHH.");
    return pattern_parse(config, "expect", &step->expect, err);
}

static bool is_step(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "step");
}

static enum outcome tcp_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const struct lyd_node *step;
    size_t count = 0;
    enum outcome outcome = DONE;
    LY_LIST_FOR(lyd_child(config), step)
    count += is_step(step);
    if (!count)
        return DONE;
    struct dialogue *dialogue = calloc(1, sizeof(*dialogue) + count * sizeof(*dialogue->steps));
    *parameters = dialogue;
    if (!dialogue)
        return fail_memory(err);
    dialogue->max_answer = strtoul(leaf_value(config, "max-answer"), NULL, 10);
    LY_LIST_FOR(lyd_child(config), step)
    {
        if (outcome == DONE && is_step(step))
            outcome = parse_step(step, &dialogue->steps[dialogue->count++], err);
    }
    qsort(dialogue->steps, dialogue->count, sizeof(*dialogue->steps), compare_steps);
    return outcome;
}

const struct checker tcp_checker = {
    .name = "tcp",
    .state = sizeof(struct tcp_run),
    .begin = connections_begin,
    .end = connections_end,
    .parse = tcp_parse,
    .free_parameters = tcp_free,
    .start = tcp_start,
    .cancel = tcp_cancel,
};
