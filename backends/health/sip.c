/*
 * SIP: the method OPTIONS over UDP or TCP, and the final status of its answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"
#include "backends/health/resend.h"
#include "backends/health/sip_message.h"
#include "backends/health/status_ranges.h"

/* T1 of RFC 3261, 17.1.1.1, in milliseconds. */
#define T1 500
#define ANSWER_MAX 16384

struct sip {
    char *uri;
    bool tcp;
    struct status_ranges statuses;
    struct resend *resend; /* NULL before the first run */
    struct check_job *job; /* while it runs */
};

struct sip_run {
    struct health_watch watch;
    uint64_t call;
    char request[SIP_REQUEST_SIZE];
    size_t size, sent;
    char *answer; /* what has come of it; of UDP the last datagram */
    size_t got;
};

static void close_run(struct check_job *job)
{
    struct sip *sip = job->parameters;
    struct sip_run *run = job->state;
    resend_stop(sip->resend);
    health_watch_close(job->poller, &run->watch);
    free(run->answer);
    run->answer = NULL;
}

static void end_errno(struct check_job *job, const char *what, int error)
{
    close_run(job);
    check_end_errno(job, what, error);
}

static void end_status(struct check_job *job, unsigned status)
{
    const struct sip *sip = job->parameters;
    close_run(job);
    if (status_ranges_hold(&sip->statuses, status))
        check_pass(job);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "status %u", status);
}

static void end_failed(struct check_job *job, const char *what)
{
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", what);
}

/* Look at what has come. @return Whether the run goes on. */
static bool judge(struct check_job *job)
{
    struct sip_run *run = job->state;
    struct sip_answer answer;
    while (run->got) {
        enum sip_kind kind = sip_read_answer(run->answer, run->got, run->call, &answer);
        if (kind == SIP_WRONG || (kind == SIP_MORE && run->got == ANSWER_MAX)) {
            end_failed(job, "the answer is not SIP");
            return false;
        }
        if (kind == SIP_WHOLE && answer.ours && answer.status >= 200) {
            end_status(job, answer.status);
            return false;
        }
        if (kind == SIP_MORE)
            return true;
        if (answer.ours)
            job->phase = "waiting for the final answer";
        run->got -= answer.size;
        memmove(run->answer, run->answer + answer.size, run->got);
    }
    return true;
}

static void receive(struct check_job *job)
{
    const struct sip *sip = job->parameters;
    struct sip_run *run = job->state;
    while (true) {
        if (!sip->tcp)
            run->got = 0;
        ssize_t size = recv(run->watch.fd, run->answer + run->got, ANSWER_MAX - run->got, 0);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && errno == EAGAIN)
            return;
        if (size < 0) {
            end_errno(job, "receive", errno);
            return;
        }
        if (!size && sip->tcp) {
            end_failed(job, "the connection was closed before the answer came");
            return;
        }
        run->got += (size_t)size;
        if (!judge(job))
            return;
    }
}

/* @return Whether the request is on its way; if not, it waits, or the run has ended. */
static bool send_request(struct check_job *job)
{
    struct sip_run *run = job->state;
    while (run->sent < run->size) {
        ssize_t sent =
            send(run->watch.fd, run->request + run->sent, run->size - run->sent, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno == EAGAIN)
            return false;
        if (sent < 0) {
            end_errno(job, "send", errno);
            return false;
        }
        run->sent += (size_t)sent;
    }
    return true;
}

static void send_again(void *arg)
{
    struct sip *sip = arg;
    struct sip_run *run = sip->job->state;
    /* If that fails, so does receiving. */
    (void)!send(run->watch.fd, run->request, run->size, MSG_NOSIGNAL);
}

/* The request says where it comes from, so it is made when the socket is connected. */
static bool make_request(struct check_job *job)
{
    const struct sip *sip = job->parameters;
    struct sip_run *run = job->state;
    union check_address local;
    socklen_t length = sizeof(local);
    char address[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN + 2];
    struct sip_request request = {.uri = sip->uri, .host = host, .tcp = sip->tcp};
    if (getsockname(run->watch.fd, &local.any, &length) ||
        getrandom(&request.call, sizeof(request.call), 0) < 0 ||
        getrandom(&request.tag, sizeof(request.tag), 0) < 0)
        return false;
    snprintf(host, sizeof(host), local.any.sa_family == AF_INET6 ? "[%s]" : "%s",
             check_address_text(&local, address));
    request.port = check_address_port(&local);
    run->call = request.call;
    run->size = sip_make_request(&request, run->request);
    run->answer = malloc(ANSWER_MAX);
    return run->answer;
}

static void goes_on(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    const struct sip *sip = job->parameters;
    struct sip_run *run = job->state;
    int error = 0;
    socklen_t size = sizeof(error);
    if (run->size && run->sent == run->size) {
        receive(job);
        return;
    }
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (!error && !run->size && !make_request(job))
        error = ENOMEM;
    if (error) {
        end_errno(job, "connect", error);
        return;
    }
    job->phase = "sending";
    if (!send_request(job))
        return;
    job->phase = "waiting for the answer";
    error = health_watch_change(job->poller, watch, EPOLLIN);
    if (error)
        end_errno(job, "poll", error);
    else if (!sip->tcp)
        resend_start(sip->resend, T1);
}

static void sip_start(struct check_job *job)
{
    static const struct linger reset = {.l_onoff = 1};
    struct sip *sip = job->parameters;
    struct sip_run *run = job->state;
    run->watch = (struct health_watch){.fd = -1, .ready = goes_on, .arg = job};
    sip->job = job;
    if (!sip->resend && !(sip->resend = resend_new(job->loop, send_again, sip))) {
        check_end_errno(job, "resend", ENOMEM);
        return;
    }
    int fd = run->watch.fd = check_socket(job->target, sip->tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    if (fd < 0) {
        check_end_errno(job, "socket", errno);
        return;
    }
    if (sip->tcp)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int failed = connect(fd, &job->target->address.any, check_address_size(&job->target->address));
    int error = failed && errno != EINPROGRESS
                    ? errno
                    : health_watch_start(job->poller, &run->watch, EPOLLOUT);
    if (error)
        end_errno(job, "connect", error);
}

static void sip_free(void *parameters)
{
    struct sip *sip = parameters;
    resend_free(sip->resend);
    status_ranges_free(&sip->statuses);
    free(sip->uri);
    free(sip);
}

static enum outcome sip_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const char *uri = leaf_value(config, "uri");
    char address[INET6_ADDRSTRLEN];
    struct sip *sip = *parameters = calloc(1, sizeof(*sip));
    if (!sip)
        return fail_memory(err);
    sip->tcp = !strcmp(leaf_value(config, "transport"), "tcp");
    check_address_text(&target->address, address);
    if (uri)
        sip->uri = strdup(uri);
    else if (asprintf(&sip->uri, target->address.any.sa_family == AF_INET6 ? "sip:[%s]" : "sip:%s",
                      address) < 0)
        sip->uri = NULL;
    return sip->uri && status_ranges_read(&sip->statuses, config) ? DONE : fail_memory(err);
}

const struct checker sip_checker = {
    .name = "sip",
    .state = sizeof(struct sip_run),
    .parse = sip_parse,
    .free_parameters = sip_free,
    .start = sip_start,
    .cancel = close_run,
};
