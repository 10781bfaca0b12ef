/*
 * UDP: a datagram is sent from a connected socket, so that the kernel tells of a port that is
 * unreachable (ICMP). Where no reply is required, silence until the time-out is what is hoped for.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/octets.h"
#include "backends/health/poller.h"

struct udp {
    unsigned char *payload, *reply, *mask;
    size_t size, reply_size, min, max;
    bool require_reply;
};

static void end(struct check_job *job, const char *fault)
{
    health_watch_close(job->poller, job->state);
    if (fault)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
    else
        check_pass(job);
}

static bool is_expected(const struct udp *udp, const unsigned char *reply, size_t size)
{
    for (size_t i = 0; i < udp->reply_size; i++)
        if (i >= size || (reply[i] & udp->mask[i]) != udp->reply[i])
            return false;
    return true;
}

static void replied(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    const struct udp *udp = job->parameters;
    unsigned char reply[65536];
    ssize_t size = recv(watch->fd, reply, sizeof(reply), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size < 0)
        end(job, errno == ECONNREFUSED ? "the port is unreachable" : strerror(errno));
    else if ((size_t)size < udp->min || (size_t)size > udp->max)
        end(job, "the reply has the wrong length");
    else
        end(job, is_expected(udp, reply, (size_t)size) ? NULL : "the reply is another one");
}

static void udp_start(struct check_job *job)
{
    const struct udp *udp = job->parameters;
    struct health_watch *watch = job->state;
    const char *what = "socket";
    *watch = (struct health_watch){.ready = replied, .arg = job};
    watch->fd = check_socket(job->target, SOCK_DGRAM, 0);
    job->phase = "waiting for a reply";
    job->silence_passes = !udp->require_reply;
    bool sent = watch->fd >= 0 && !connect(watch->fd, &job->target->address.any,
                                           check_address_size(&job->target->address));
    if (sent) {
        what = "send";
        sent = send(watch->fd, udp->payload, udp->size, MSG_NOSIGNAL) >= 0;
    }
    int error = sent ? health_watch_start(job->poller, watch, EPOLLIN) : errno;
    if (!error)
        return;
    health_watch_close(job->poller, watch);
    check_end_errno(job, what, error);
}

static void udp_cancel(struct check_job *job)
{
    health_watch_close(job->poller, job->state);
}

static void udp_free(void *parameters)
{
    struct udp *udp = parameters;
    free(udp->payload);
    free(udp->reply);
    free(udp->mask);
    free(udp);
}

static enum outcome udp_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const char *reply = leaf_value(config, "require-reply");
    struct udp *udp = *parameters = calloc(1, sizeof(*udp));
    if (!udp || !octets_from_hex(leaf_value(config, "payload"), &udp->payload, NULL, &udp->size) ||
        (reply && !octets_from_hex(reply, &udp->reply, &udp->mask, &udp->reply_size)))
        return fail_memory(err);
    udp->require_reply = reply;
    udp->min = strtoul(leaf_value(config, "min-reply-length"), NULL, 10);
    udp->max = strtoul(leaf_value(config, "max-reply-length"), NULL, 10);
    return DONE;
}

const struct checker udp_checker = {
    .name = "udp",
    .state = sizeof(struct health_watch),
    .parse = udp_parse,
    .free_parameters = udp_free,
    .start = udp_start,
    .cancel = udp_cancel,
};
