#include "backends/health/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backends/health/poller.h"

/* Sockets of one family that are kept. */
#define IDLE_MAX 256

#define EVENTS (EPOLLIN | EPOLLOUT | EPOLLET)

/* A socket; watch.arg is the job that it works for, or NULL. */
struct connection {
    struct health_watch watch; /* first */
    struct connections *connections;
    connection_ready *ready;
    bool connected;
    struct connection *next; /* while it is idle */
};

struct connections {
    struct health_poller *poller;
    struct idle {
        struct connection *first;
        unsigned count;
    } v4, v6;
};

static struct connection **connection_of(const struct check_job *job)
{
    return job->state;
}

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

void connection_end(struct check_job *job)
{
    struct connection *connection = *connection_of(job);
    struct idle *idle = idle_of(connection->connections, job->target);
    *connection_of(job) = NULL;
    connection->watch.arg = NULL;
    if (!reset(connection) || !idle || idle->count >= IDLE_MAX) {
        close_connection(connection);
        return;
    }
    connection->next = idle->first;
    idle->first = connection;
    idle->count++;
}

static void end_errno(struct check_job *job, const char *what, int error)
{
    struct connection *connection = *connection_of(job);
    *connection_of(job) = NULL;
    close_connection(connection);
    check_end_errno(job, what, error);
}

static void ready(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    struct connection *connection = (struct connection *)watch;
    int error = 0;
    socklen_t size = sizeof(error);
    if (!job)
        return; /* it is idle: the reset is told, too */
    if (!connection->connected && events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) {
        end_errno(job, "connect", error);
        return;
    }
    connection->connected = true;
    connection->ready(job, events);
}

/* @return With its watch, or NULL with errno set. */
static struct connection *make_connection(struct connections *connections,
                                          const struct check_job *job)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    if (!connection)
        return NULL;
    connection->connections = connections;
    connection->watch = (struct health_watch){.ready = ready};
    connection->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    int error = connection->watch.fd < 0
                    ? errno
                    : health_watch_start(connections->poller, &connection->watch, EVENTS);
    if (!error)
        return connection;
    close_connection(connection);
    errno = error;
    return NULL;
}

static struct connection *take(struct connections *connections, const struct check_job *job)
{
    struct idle *idle = idle_of(connections, job->target);
    struct connection *connection = idle ? idle->first : NULL;
    if (!connection)
        return make_connection(connections, job);
    idle->first = connection->next;
    idle->count--;
    health_watch_forget(connections->poller, &connection->watch);
    return connection;
}

void connection_open(struct connections *connections, struct check_job *job, connection_ready *told)
{
    struct connection *connection = *connection_of(job) = take(connections, job);
    if (!connection) {
        check_end_errno(job, "socket", errno);
        return;
    }
    connection->watch.arg = job;
    connection->ready = told;
    connection->connected = false;
    if (connect(connection->watch.fd, &job->target->address.any,
                check_address_size(&job->target->address)) &&
        errno != EINPROGRESS)
        end_errno(job, "connect", errno);
}

int connection_socket(const struct check_job *job)
{
    return (*connection_of(job))->watch.fd;
}

int connection_again(const struct check_job *job)
{
    struct connection *connection = *connection_of(job);
    return health_watch_change(connection->connections->poller, &connection->watch, EVENTS);
}

struct connections *connections_new(struct health_poller *poller)
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

void connections_free(struct connections *connections)
{
    if (!connections)
        return;
    close_idle(&connections->v4);
    close_idle(&connections->v6);
    free(connections);
}
