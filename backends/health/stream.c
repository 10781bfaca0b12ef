#include "backends/health/stream.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static void end_errno(struct check_job *job, const char *what, int error)
{
    job->checker->cancel(job);
    check_end_errno(job, what, error);
}

static void end_tls(struct check_job *job, const char *what)
{
    char error[CHECK_ERROR_SIZE];
    snprintf(error, sizeof(error), "%s", what);
    job->checker->cancel(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "TLS: %s", error);
}

/* A call on the connection has failed: wait if that is all, else end the run. */
static void wait_or_end(struct stream *stream, struct check_job *job, const char *what,
                        uint32_t events)
{
    int error = errno;
    if (error == EAGAIN)
        error = health_watch_change(job->poller, &stream->watch,
                                    stream->tls ? tls_session_events(stream->tls) : events);
    if (stream->tls && error == EPROTO)
        end_tls(job, tls_session_error(stream->tls));
    else if (error)
        end_errno(job, what, error);
}

bool stream_secure(struct stream *stream, struct check_job *job, struct tls_settings *settings)
{
    char error[CHECK_ERROR_SIZE];
    job->phase = "agreeing on TLS";
    if (!stream->tls)
        stream->tls = tls_session_new(settings, stream->watch.fd, error);
    if (!stream->tls) {
        end_tls(job, error);
        return false;
    }
    if (!tls_session_handshake(stream->tls))
        return true;
    wait_or_end(stream, job, "handshake", 0);
    return false;
}

bool stream_send(struct stream *stream, struct check_job *job, const void *data, size_t size,
                 size_t *sent)
{
    while (*sent < size) {
        const char *rest = (const char *)data + *sent;
        ssize_t count = stream->tls ? tls_session_send(stream->tls, rest, size - *sent)
                                    : send(stream->watch.fd, rest, size - *sent, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            job->phase = "sending";
            wait_or_end(stream, job, "send", EPOLLOUT);
            return false;
        }
        *sent += (size_t)count;
    }
    return true;
}

ssize_t stream_receive(struct stream *stream, struct check_job *job, void *data, size_t size)
{
    ssize_t count;
    do
        count = stream->tls ? tls_session_receive(stream->tls, data, size)
                            : recv(stream->watch.fd, data, size, 0);
    while (count < 0 && errno == EINTR);
    if (count >= 0)
        return count;
    wait_or_end(stream, job, "receive", EPOLLIN);
    return -1;
}

static void goes_on(struct health_watch *watch, uint32_t events)
{
    ((struct stream *)watch)->ready(watch->arg);
}

static void connected(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    int error = 0;
    socklen_t size = sizeof(error);
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        end_errno(job, "connect", error);
        return;
    }
    watch->ready = goes_on;
    goes_on(watch, events);
}

void stream_open(struct stream *stream, struct check_job *job, void (*ready)(struct check_job *job))
{
    static const struct linger reset = {.l_onoff = 1};
    const union check_address *address = &job->target->address;
    stream->ready = ready;
    stream->watch = (struct health_watch){.ready = connected, .arg = job};
    int fd = stream->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    if (fd < 0) {
        end_errno(job, "socket", errno);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int failed = connect(fd, &address->any, check_address_size(address));
    int error = failed && errno != EINPROGRESS
                    ? errno
                    : health_watch_start(job->poller, &stream->watch, EPOLLOUT);
    if (error)
        end_errno(job, "connect", error);
}

void stream_close(struct stream *stream, struct check_job *job)
{
    tls_session_free(stream->tls);
    stream->tls = NULL;
    health_watch_close(job->poller, &stream->watch);
}
