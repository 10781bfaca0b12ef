#include "backends/health/addresses.h"

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/log.h"

#define BUFFER_SIZE 32768

/* An address as it is ordered: its family first, then its octets in network order. */
struct held {
    unsigned char octets[17];
};

struct address_watch {
    int fd;
    uv_poll_t handle;
    void (*changed)(void *arg);
    void *arg;
    struct held *held; /* in order; owned */
    size_t count, room;
};

static void key_of(int family, const void *address, unsigned char octets[17])
{
    memset(octets, 0, 17);
    octets[0] = family == AF_INET6;
    memcpy(octets + 1, address, family == AF_INET6 ? 16 : 4);
}

static const void *octets_of(const union check_address *address)
{
    return address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr
                                              : &address->v4.sin_addr;
}

/* Where the first one is that is not before a key. */
static size_t place_of(const struct address_watch *watch, const unsigned char octets[17])
{
    size_t low = 0, high = watch->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (memcmp(watch->held[middle].octets, octets, 17) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool address_watch_has(const struct address_watch *watch, const struct address_range *range)
{
    unsigned char first[17], last[17];
    key_of(range->first.any.sa_family, octets_of(&range->first), first);
    key_of(range->last.any.sa_family, octets_of(&range->last), last);
    size_t place = place_of(watch, first);
    return place < watch->count && memcmp(watch->held[place].octets, last, 17) <= 0;
}

struct address_range address_range_of_prefix(const union check_address *address, unsigned length)
{
    struct address_range range = {*address, *address};
    bool v6 = address->any.sa_family == AF_INET6;
    unsigned char *first =
        v6 ? range.first.v6.sin6_addr.s6_addr : (unsigned char *)&range.first.v4.sin_addr;
    unsigned char *last =
        v6 ? range.last.v6.sin6_addr.s6_addr : (unsigned char *)&range.last.v4.sin_addr;
    for (unsigned bit = length; bit < (v6 ? 128 : 32); bit++) {
        unsigned char mask = (unsigned char)(0x80 >> bit % 8);
        first[bit / 8] &= (unsigned char)~mask;
        last[bit / 8] |= mask;
    }
    return range;
}

static void add(struct address_watch *watch, const unsigned char octets[17])
{
    size_t place = place_of(watch, octets);
    if (place < watch->count && !memcmp(watch->held[place].octets, octets, 17))
        return; /* it is on several interfaces */
    if (watch->count == watch->room) {
        size_t room = watch->room ? watch->room * 2 : 64;
        struct held *held = realloc(watch->held, room * sizeof(*held));
        if (!held)
            return;
        watch->held = held;
        watch->room = room;
    }
    memmove(watch->held + place + 1, watch->held + place,
            (watch->count++ - place) * sizeof(*watch->held));
    memcpy(watch->held[place].octets, octets, 17);
}

/* The address that a message is about. @return Whether there is one. */
static bool address_of(const struct nlmsghdr *message, unsigned char octets[17])
{
    const struct ifaddrmsg *about = NLMSG_DATA(message);
    ssize_t left = IFA_PAYLOAD(message);
    const void *found = NULL;
    if (about->ifa_family != AF_INET && about->ifa_family != AF_INET6)
        return false;
    /* Of a point-to-point link, IFA_LOCAL is ours and IFA_ADDRESS the other end's. */
    for (const struct rtattr *at = IFA_RTA(about); RTA_OK(at, left); at = RTA_NEXT(at, left))
        if (RTA_PAYLOAD(at) >= (about->ifa_family == AF_INET6 ? 16 : 4) &&
            (at->rta_type == IFA_LOCAL || (at->rta_type == IFA_ADDRESS && !found)))
            found = RTA_DATA(at);
    if (found)
        key_of(about->ifa_family, found, octets);
    return found;
}

/* Take in what one datagram holds, in a dump. @return Whether the dump has ended. */
static bool take_in(struct address_watch *watch, const char *buffer, size_t size)
{
    ssize_t left = size;
    for (const struct nlmsghdr *at = (const void *)buffer; NLMSG_OK(at, left);
         at = NLMSG_NEXT(at, left)) {
        unsigned char octets[17];
        if (at->nlmsg_type == NLMSG_DONE || at->nlmsg_type == NLMSG_ERROR)
            return true;
        if (at->nlmsg_type == RTM_NEWADDR && address_of(at, octets))
            add(watch, octets);
    }
    return false;
}

/* Read all that is held anew. */
static int read_all(struct address_watch *watch)
{
    struct {
        struct nlmsghdr header;
        struct ifaddrmsg about;
    } request = {.header = {.nlmsg_len = sizeof(request),
                            .nlmsg_type = RTM_GETADDR,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
    char *buffer = malloc(BUFFER_SIZE);
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), error = 0;
    ssize_t size = 0;
    if (!buffer || fd < 0 || send(fd, &request, sizeof(request), 0) < 0) {
        error = buffer ? errno : ENOMEM;
        goto out;
    }
    watch->count = 0;
    do /* the kernel answers at once */
        size = recv(fd, buffer, BUFFER_SIZE, 0);
    while ((size < 0 && errno == EINTR) || (size > 0 && !take_in(watch, buffer, (size_t)size)));
    error = size > 0 ? 0 : size ? errno : EPIPE;
out:
    if (fd >= 0)
        close(fd);
    free(buffer);
    return error;
}

/*
 * Events say that there is something new, and no more is taken from them: one address may be on
 * several interfaces, and one that is only changed is told of as a new one.
 */
static void on_event(uv_poll_t *handle, int status, int events)
{
    struct address_watch *watch = handle->data;
    char buffer[8192];
    while (recv(watch->fd, buffer, sizeof(buffer), 0) > 0 || errno == EINTR || errno == ENOBUFS)
        continue;
    int error = read_all(watch);
    if (error)
        log_warning(AREA_HEALTH, "the node's addresses cannot be read: %s", strerror(error));
    else
        watch->changed(watch->arg);
}

struct address_watch *address_watch_new(uv_loop_t *loop, void (*changed)(void *arg), void *arg)
{
    struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                  .nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR};
    struct address_watch *watch = calloc(1, sizeof(*watch));
    if (!watch)
        return NULL;
    watch->changed = changed;
    watch->arg = arg;
    watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    int error = watch->fd < 0 || bind(watch->fd, (void *)&address, sizeof(address)) ? errno : 0;
    if (!error)
        error = read_all(watch);
    if (!error)
        error = -uv_poll_init(loop, &watch->handle, watch->fd);
    if (!error) {
        watch->handle.data = watch;
        uv_poll_start(&watch->handle, UV_READABLE, on_event);
        return watch;
    }
    if (watch->fd >= 0)
        close(watch->fd);
    free(watch->held);
    free(watch);
    errno = error;
    return NULL;
}

static void free_watch(uv_handle_t *handle)
{
    struct address_watch *watch = handle->data;
    close(watch->fd);
    free(watch->held);
    free(watch);
}

void address_watch_free(struct address_watch *watch)
{
    if (!watch)
        return;
    uv_poll_stop(&watch->handle);
    uv_close((uv_handle_t *)&watch->handle, free_watch);
}
