/*
 * ICMP and ICMPv6 echo.
 *
 * All runs share one raw socket for each family. An echo is told by its sequence number, and by a
 * random number that it carries: replies to others, and forged ones, are not taken for ours.
 */
#include <errno.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"

/* ICMP_FILTER of linux/icmp.h, which cannot be included beside the C library's headers. */
#define RAW_ICMP_FILTER 1
#define ECHO_MAX 1500
#define HEADER 8 /* of an echo: type, code, checksum, identifier, sequence number */

/* The socket of one family. */
struct pinger {
    struct health_watch watch;
    struct check_job *waiting[65536]; /* by sequence number */
    uint16_t identifier, sequence;
    bool is_v6;
};

struct pingers {
    struct health_poller *poller;
    struct pinger *v4, *v6;
};

struct ping_run {
    uint64_t nonce;
    uint16_t sequence;
    bool waits;
};

static uint16_t checksum(const unsigned char *data, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += (uint32_t)data[i] << (i % 2 ? 0 : 8);
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

static struct pinger *pinger_of(const struct check_job *job)
{
    struct pingers *pingers = job->shared;
    return job->target->address.any.sa_family == AF_INET6 ? pingers->v6 : pingers->v4;
}

/* An echo without its IP header. */
static void take_echo(struct pinger *pinger, const unsigned char *echo, size_t size,
                      const union check_address *from)
{
    uint64_t nonce;
    if (size < HEADER + sizeof(nonce) ||
        echo[0] != (pinger->is_v6 ? ICMP6_ECHO_REPLY : ICMP_ECHOREPLY) ||
        (echo[4] << 8 | echo[5]) != pinger->identifier)
        return;
    struct check_job *job = pinger->waiting[echo[6] << 8 | echo[7]];
    struct ping_run *run = job ? job->state : NULL;
    memcpy(&nonce, echo + HEADER, sizeof(nonce));
    if (!run || nonce != run->nonce || !check_address_same(&job->target->address, from))
        return;
    pinger->waiting[run->sequence] = NULL;
    if (size == HEADER + *(const size_t *)job->parameters)
        check_pass(job);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "the echo has another size");
}

static void echoed(struct health_watch *watch, uint32_t events)
{
    struct pinger *pinger = watch->arg;
    unsigned char packet[ECHO_MAX + 60];
    union check_address from;
    for (unsigned i = 0; i < 64; i++) {
        socklen_t length = sizeof(from);
        ssize_t size = recvfrom(watch->fd, packet, sizeof(packet), 0, &from.any, &length);
        if (size <= 0)
            return;
        size_t header = pinger->is_v6 ? 0 : (size_t)(packet[0] & 15) * 4;
        if ((size_t)size > header)
            take_echo(pinger, packet + header, (size_t)size - header, &from);
    }
}

/* Only replies are to come through. */
static void set_filter(const struct pinger *pinger)
{
    if (pinger->is_v6) {
        struct icmp6_filter filter;
        ICMP6_FILTER_SETBLOCKALL(&filter);
        ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
        setsockopt(pinger->watch.fd, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof(filter));
    } else {
        uint32_t blocked = ~(1U << ICMP_ECHOREPLY);
        setsockopt(pinger->watch.fd, SOL_RAW, RAW_ICMP_FILTER, &blocked, sizeof(blocked));
    }
}

/* A family that the kernel has not, or that we may not use, is left out: its checks say why. */
static struct pinger *open_pinger(struct health_poller *poller, bool is_v6)
{
    struct pinger *pinger = calloc(1, sizeof(*pinger));
    if (!pinger)
        return NULL;
    pinger->is_v6 = is_v6;
    pinger->watch = (struct health_watch){.ready = echoed, .arg = pinger};
    pinger->watch.fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC,
                              is_v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
    if (pinger->watch.fd < 0 || getrandom(&pinger->identifier, sizeof(pinger->identifier), 0) < 0 ||
        health_watch_start(poller, &pinger->watch, EPOLLIN) != 0) {
        health_watch_close(poller, &pinger->watch);
        free(pinger);
        return NULL;
    }
    set_filter(pinger);
    return pinger;
}

static void *ping_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct pingers *pingers = calloc(1, sizeof(*pingers));
    if (!pingers)
        return NULL;
    pingers->poller = poller;
    pingers->v4 = open_pinger(poller, false);
    pingers->v6 = open_pinger(poller, true);
    return pingers;
}

static void close_pinger(struct health_poller *poller, struct pinger *pinger)
{
    if (pinger)
        health_watch_close(poller, &pinger->watch);
    free(pinger);
}

static void ping_end(void *shared)
{
    struct pingers *pingers = shared;
    close_pinger(pingers->poller, pingers->v4);
    close_pinger(pingers->poller, pingers->v6);
    free(pingers);
}

/* @return Whether a number is free. */
static bool take_number(struct pinger *pinger, struct check_job *job)
{
    struct ping_run *run = job->state;
    for (unsigned i = 0; i < 65536; i++) {
        run->sequence = pinger->sequence++;
        if (!pinger->waiting[run->sequence]) {
            pinger->waiting[run->sequence] = job;
            return true;
        }
    }
    return false;
}

/* The source and the way out go with the packet, since the socket is everyone's. */
static ssize_t send_echo(const struct pinger *pinger, const struct check_target *target,
                         struct iovec *data)
{
    union check_address to = target->address;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control = {0};
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = check_address_size(&to), .msg_iov = data, .msg_iovlen = 1};
    bool bound = *target->interface || target->source.any.sa_family != AF_UNSPEC;
    unsigned index = *target->interface ? if_nametoindex(target->interface) : 0;
    check_address_set_port(&to, 0); /* a raw socket takes it for a protocol */
    if (*target->interface && !index) {
        errno = ENODEV;
        return -1;
    }
    if (bound) {
        struct in6_pktinfo v6 = {.ipi6_ifindex = index};
        struct in_pktinfo v4 = {.ipi_ifindex = (int)index};
        if (target->source.any.sa_family == AF_INET6)
            v6.ipi6_addr = target->source.v6.sin6_addr;
        else if (target->source.any.sa_family == AF_INET)
            v4.ipi_spec_dst = target->source.v4.sin_addr;
        size_t size = pinger->is_v6 ? sizeof(v6) : sizeof(v4);
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(size);
        control.header.cmsg_level = pinger->is_v6 ? IPPROTO_IPV6 : IPPROTO_IP;
        control.header.cmsg_type = pinger->is_v6 ? IPV6_PKTINFO : IP_PKTINFO;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), pinger->is_v6 ? (void *)&v6 : (void *)&v4, size);
    }
    setsockopt(pinger->watch.fd, SOL_SOCKET, SO_MARK, &target->mark, sizeof(target->mark));
    return sendmsg(pinger->watch.fd, &message, MSG_NOSIGNAL);
}

static void ping_start(struct check_job *job)
{
    struct pinger *pinger = pinger_of(job);
    struct ping_run *run = job->state;
    unsigned char echo[ECHO_MAX] = {0};
    struct iovec data = {echo, HEADER + *(const size_t *)job->parameters};
    if (!pinger) {
        check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE,
                  "no raw socket could be opened: the agent needs CAP_NET_RAW");
        return;
    }
    if (getrandom(&run->nonce, sizeof(run->nonce), 0) < 0 || !take_number(pinger, job)) {
        check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "too many echoes are waited for");
        return;
    }
    run->waits = true;
    job->phase = "waiting for the echo";
    echo[0] = pinger->is_v6 ? ICMP6_ECHO_REQUEST : ICMP_ECHO;
    echo[4] = (unsigned char)(pinger->identifier >> 8);
    echo[5] = (unsigned char)pinger->identifier;
    echo[6] = (unsigned char)(run->sequence >> 8);
    echo[7] = (unsigned char)run->sequence;
    memcpy(echo + HEADER, &run->nonce, sizeof(run->nonce));
    if (!pinger->is_v6) { /* the kernel does it for ICMPv6 */
        uint16_t sum = checksum(echo, data.iov_len);
        echo[2] = (unsigned char)(sum >> 8);
        echo[3] = (unsigned char)sum;
    }
    if (send_echo(pinger, job->target, &data) < 0) {
        pinger->waiting[run->sequence] = NULL;
        check_end_errno(job, "send", errno);
    }
}

static void ping_cancel(struct check_job *job)
{
    const struct ping_run *run = job->state;
    if (run->waits)
        pinger_of(job)->waiting[run->sequence] = NULL;
}

static enum outcome ping_parse(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    size_t *size = *parameters = malloc(sizeof(*size));
    if (!size)
        return fail_memory(err);
    *size = strtoul(leaf_value(config, "size"), NULL, 10);
    return DONE;
}

const struct checker ping_checker = {
    .name = "ping",
    .state = sizeof(struct ping_run),
    .portless = true,
    .begin = ping_begin,
    .end = ping_end,
    .parse = ping_parse,
    .free_parameters = free,
    .start = ping_start,
    .cancel = ping_cancel,
};
