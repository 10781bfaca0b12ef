/*
 * TCP: a connection is opened, and closed at once.
 *
 * It is closed by a reset, so that no connection of ours stays behind in TIME_WAIT: at thousands of
 * checks a second they would use the ports up.
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backends/health/checkers.h"
#include "backends/health/poller.h"

static void connected(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    int error = 0;
    socklen_t size = sizeof(error);
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    health_watch_close(job->poller, watch);
    if (error)
        check_end_errno(job, "connect", error);
    else
        check_pass(job);
}

static void tcp_start(struct check_job *job)
{
    static const struct linger reset = {.l_onoff = 1};
    struct health_watch *watch = job->state;
    *watch = (struct health_watch){.ready = connected, .arg = job};
    watch->fd = check_socket(job->target, SOCK_STREAM, 0);
    if (watch->fd < 0) {
        check_end_errno(job, "socket", errno);
        return;
    }
    setsockopt(watch->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int error = connect(watch->fd, &job->target->address.any,
                        check_address_size(&job->target->address)) == 0
                    ? 0
                    : errno;
    if (!error || error == EINPROGRESS)
        error = health_watch_start(job->poller, watch, EPOLLOUT);
    if (!error)
        return;
    health_watch_close(job->poller, watch);
    check_end_errno(job, "connect", error);
}

static void tcp_cancel(struct check_job *job)
{
    health_watch_close(job->poller, job->state);
}

const struct checker tcp_checker = {
    .name = "tcp",
    .state = sizeof(struct health_watch),
    .start = tcp_start,
    .cancel = tcp_cancel,
};
