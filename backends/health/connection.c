#include "backends/health/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backends/health/poller.h"

/* Sockets of one family that are kept. */
#define IDLE_MAX 256

/* A socket; watch.arg is the job that it works for, or NULL. */
struct connection {
    struct health_watch watch; /* first */
    struct connections *connections;
    struct connection *next; /* while it is idle */
};

struct connections {
    struct health_poller *poller;
    struct idle {
        struct connection *first;
        unsigned count;
    } v4, v6;
};

/* Where a socket for a target is kept; NULL: it has options of its own and is used once. */
static struct idle *idle_of(struct connections *connections, const struct check_target *target)
{
    if (target->mark || *target->interface || target->source.any.sa_family != AF_UNSPEC)
        return NULL;
    return target->address.any.sa_family == AF_INET6 ? &connections->v6 : &connections->v4;
}

static void close_connection(struct connection *connection)
{
    health_watch_close(connection->connections->poller, &connection->watch);
    free(connection);
}

/* Have no connection any more: a reset, so that none of ours stays behind in TIME_WAIT. */
static bool reset(const struct connection *connection)
{
    static const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    return !connect(connection->watch.fd, &nowhere, sizeof(nowhere));
}

static void give_back(struct connection *connection, const struct check_target *target)
{
    struct idle *idle = idle_of(connection->connections, target);
    connection->watch.arg = NULL;
    if (!reset(connection) || !idle || idle->count >= IDLE_MAX) {
        close_connection(connection);
        return;
    }
    connection->next = idle->first;
    idle->first = connection;
    idle->count++;
}

static void connected(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    struct connection *connection = (struct connection *)watch;
    int error = 0;
    socklen_t size = sizeof(error);
    if (!job)
        return; /* it is idle: the reset is told, too */
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error)
        close_connection(connection);
    else
        give_back(connection, job->target);
    if (error)
        check_end_errno(job, "connect", error);
    else
        check_pass(job);
}

/* @return With its watch, or NULL with errno set. */
static struct connection *open_connection(const struct check_job *job)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->connections = job->shared;
    connection->watch = (struct health_watch){.ready = connected};
    connection->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    int error = connection->watch.fd < 0
                    ? errno
                    : health_watch_start(job->poller, &connection->watch, EPOLLOUT | EPOLLET);
    if (!error)
        return connection;
    close_connection(connection);
    errno = error;
    return NULL;
}

static struct connection *take(const struct check_job *job)
{
    struct idle *idle = idle_of(job->shared, job->target);
    struct connection *connection = idle ? idle->first : NULL;
    if (!connection)
        return open_connection(job);
    idle->first = connection->next;
    idle->count--;
    return connection;
}

void connection_start(struct check_job *job)
{
    struct connection *connection = *(struct connection **)job->state = take(job);
    if (!connection) {
        check_end_errno(job, "socket", errno);
        return;
    }
    connection->watch.arg = job;
    if (!connect(connection->watch.fd, &job->target->address.any,
                 check_address_size(&job->target->address)) ||
        errno == EINPROGRESS)
        return;
    int error = errno;
    close_connection(connection);
    check_end_errno(job, "connect", error);
}

void connection_cancel(struct check_job *job)
{
    close_connection(*(struct connection **)job->state);
}

void *connections_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct connections *connections = calloc(1, sizeof(*connections));
    if (connections)
        connections->poller = poller;
    return connections;
}

static void close_idle(struct idle *idle)
{
    for (struct connection *next, *connection = idle->first; connection; connection = next) {
        next = connection->next;
        close_connection(connection);
    }
}

void connections_end(void *shared)
{
    struct connections *connections = shared;
    close_idle(&connections->v4);
    close_idle(&connections->v6);
    free(connections);
}
