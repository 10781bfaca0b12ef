/*
 * HTTP/1.0 and HTTP/1.1 without TLS: the request is sent, and the answer read to its end.
 *
 * Each path has a connection of its own, for the server that is asked for the next one is to be one
 * that still takes connections.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backends/health/http.h"

/* Read in one go, and so many times before others get their turn. */
#define PORTION 16384
#define PORTIONS 16

/* How far sending is. */
enum sending {
    SENT,
    WAITING,
    ENDED, /* the run has; the job is not to be touched */
};

static void end_errno(struct request *request, const char *what, int error)
{
    connection_end(request->http->job);
    http_forget_body(request);
    check_end_errno(request->http->job, what, error);
}

static enum sending send_rest(struct request *request)
{
    struct check_job *job = request->http->job;
    struct http_run *run = job->state;
    while (run->sent < request->text_size) {
        ssize_t sent = send(connection_socket(job), request->text + run->sent,
                            request->text_size - run->sent, MSG_NOSIGNAL);
        if (sent >= 0) {
            run->sent += (size_t)sent;
            continue;
        }
        if (errno == EINTR)
            continue;
        job->phase = "sending";
        if (errno == EAGAIN)
            return WAITING;
        end_errno(request, "send", errno);
        return ENDED;
    }
    job->phase = "waiting for the answer";
    return SENT;
}

static void receive(struct request *request)
{
    struct check_job *job = request->http->job;
    struct http_run *run = job->state;
    char data[PORTION];
    for (unsigned i = 0; i < PORTIONS; i++) {
        ssize_t got = recv(connection_socket(job), data, sizeof(data), 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0) {
            end_errno(request, "receive", errno);
            return;
        }
        enum http_progress progress =
            got ? http_answer_read(&run->answer, data, (size_t)got, http_take_body, request)
                : http_answer_close(&run->answer);
        if (progress != HTTP_MORE) {
            connection_end(job);
            run->answered(request, run->answer.status, run->answer.fault);
            return;
        }
    }
    int error = connection_again(job);
    if (error)
        end_errno(request, "poll", error);
}

/*
 * A server may answer before it has read all, so what has come is read even while something is
 * left to be sent. Right behind the request there is nothing to be read yet.
 */
static void goes_on(struct check_job *job, uint32_t events)
{
    const struct http *http = job->parameters;
    struct request *request = &http->requests[http->at];
    const struct http_run *run = job->state;
    bool asked = run->sent == request->text_size;
    if (!asked && send_rest(request) == ENDED)
        return;
    if (asked || events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        receive(request);
}

void http_plain_ask(struct request *request, http_answered *answered)
{
    struct check_job *job = request->http->job;
    const struct http_shared *shared = job->shared;
    struct http_run *run = job->state;
    *run = (struct http_run){.answer = {.to_head = request->http->to_head}, .answered = answered};
    connection_open(shared->connections, job, goes_on);
}

void http_plain_cancel(struct request *request)
{
    connection_end(request->http->job);
}
