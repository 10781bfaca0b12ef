/*
 * BFD: a session to the real server's address is kept, and is the check's verdict (RFC 5880 to
 * 5883).
 *
 * Other than all else, the server is not asked when it is time: a change of the session's state
 * makes the check run. Packets to this node come in by one socket for each family and kind (one hop
 * or several), which is opened for the first session; each session has its own to send from, since
 * the port that it sends from is to be its own.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/ip.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/bfd_session.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"

#define PORT 3784          /* RFC 5881, 4 */
#define PORT_MULTIHOP 4784 /* RFC 5883, 5 */
#define SOURCE_PORT 49152  /* the first of those to send from (RFC 5881, 4) */
#define SOURCE_PORTS 16384
#define SOURCE_TRIES 32
#define TTL 255

struct neighbor;

/* Where packets come in. */
struct listener {
    struct health_watch watch; /* fd 0: it was not opened yet */
    struct bfd *bfd;
};

/* What all sessions share. */
struct bfd {
    struct health_poller *poller;
    uv_loop_t *loop;
    struct listener listeners[2][2]; /* by family, by kind */
    struct neighbor *first;
};

struct neighbor {
    struct bfd_settings settings;
    bool multihop;
    uint8_t ttl;
    /* From the first run on: */
    struct bfd *bfd; /* NULL before */
    struct neighbor *next, **link;
    struct check_job *job;
    struct bfd_session session;
    struct listener *listener;
    union check_address address;
    uv_timer_t transmit, detect;
    unsigned handles; /* of these two, that are open */
    uint64_t heard;   /* uv_hrtime() of the last packet */
    int fd;
    bool fresh;   /* it was not up yet, and no run has ended */
    bool waiting; /* a run waits for it to be up */
};

/* Sending. */

static void send_packet(const struct neighbor *neighbor, bool final)
{
    unsigned char octets[BFD_PACKET_SIZE];
    struct bfd_packet packet = bfd_session_packet(&neighbor->session, final);
    bfd_packet_write(&packet, octets);
    /* What cannot be sent is lost, as it might be on its way. */
    (void)!send(neighbor->fd, octets, sizeof(octets), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void schedule(struct neighbor *neighbor);

static void send_next(uv_timer_t *timer)
{
    struct neighbor *neighbor = timer->data;
    send_packet(neighbor, false);
    schedule(neighbor);
}

/* With jitter, so that packets of many do not fall together (RFC 5880, 6.8.7). */
static void schedule(struct neighbor *neighbor)
{
    uint64_t interval = bfd_session_interval(&neighbor->session);
    uint64_t spread = neighbor->settings.multiplier == 1 ? 15 : 25;
    if (!interval) {
        uv_timer_stop(&neighbor->transmit);
        return;
    }
    uint64_t jittered = interval * (75 + (uint64_t)random() % (spread + 1)) / 100;
    uv_timer_start(&neighbor->transmit, send_next, jittered / 1000, 0);
}

/* Verdicts. */

static void end_failed(struct check_job *job, const struct bfd_session *session)
{
    if (session->diagnostic == BFD_TIME_EXPIRED)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE,
                  "the neighbor was not heard for the detection time");
    else if (session->diagnostic == BFD_NEIGHBOR_DOWN)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE,
                  "the neighbor says that the session is down (diagnostic %u)",
                  session->neighbor_diagnostic);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "no session has come up");
}

/* The session may have another state than before. */
static void follow(struct neighbor *neighbor, enum bfd_state before)
{
    enum bfd_state now = neighbor->session.state;
    if (now == before)
        return;
    send_packet(neighbor, false);
    if ((now == BFD_UP) == (before == BFD_UP))
        return;
    if (neighbor->waiting) {
        neighbor->waiting = neighbor->fresh = false;
        check_pass(neighbor->job);
    } else {
        check_again(neighbor->job);
    }
}

/* Receiving. */

static struct neighbor *find(const struct listener *listener, const struct bfd_packet *packet,
                             const union check_address *from)
{
    struct neighbor *neighbor = listener->bfd->first;
    while (neighbor &&
           (neighbor->listener != listener || !check_address_same(&neighbor->address, from) ||
            (packet->yours && packet->yours != neighbor->session.mine)))
        neighbor = neighbor->next;
    return neighbor;
}

static void expired(uv_timer_t *timer);

static void take_packet(struct listener *listener, const struct bfd_packet *packet, int ttl,
                        const union check_address *from)
{
    struct neighbor *neighbor = find(listener, packet, from);
    if (!neighbor || ttl < neighbor->ttl)
        return;
    enum bfd_state before = neighbor->session.state;
    uint64_t interval = bfd_session_interval(&neighbor->session);
    neighbor->heard = uv_hrtime();
    if (bfd_session_receive(&neighbor->session, packet))
        send_packet(neighbor, true);
    uv_timer_start(&neighbor->detect, expired, bfd_session_detection(&neighbor->session) / 1000 + 1,
                   0);
    if (interval != bfd_session_interval(&neighbor->session))
        schedule(neighbor);
    follow(neighbor, before);
}

/* The TTL or hop limit that a packet came with; -1 if the kernel does not say. */
static int ttl_of(struct msghdr *message)
{
    int ttl = -1;
    for (struct cmsghdr *one = CMSG_FIRSTHDR(message); one; one = CMSG_NXTHDR(message, one))
        if ((one->cmsg_level == IPPROTO_IP && one->cmsg_type == IP_TTL) ||
            (one->cmsg_level == IPPROTO_IPV6 && one->cmsg_type == IPV6_HOPLIMIT))
            memcpy(&ttl, CMSG_DATA(one), sizeof(ttl));
    return ttl;
}

/* @return Whether there was a packet. */
static bool receive(struct listener *listener)
{
    unsigned char octets[BFD_PACKET_SIZE + 256];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    union check_address from;
    struct iovec part = {octets, sizeof(octets)};
    struct msghdr message = {.msg_name = &from,
                             .msg_namelen = sizeof(from),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof(control)};
    struct bfd_packet packet;
    ssize_t size = recvmsg(listener->watch.fd, &message, MSG_DONTWAIT);
    if (size < 0)
        return errno == EINTR;
    if (bfd_packet_read(octets, (size_t)size, &packet))
        take_packet(listener, &packet, ttl_of(&message), &from);
    return true;
}

static void receive_some(struct health_watch *watch, uint32_t events)
{
    struct listener *listener = watch->arg;
    for (unsigned i = 0; i < 256 && receive(listener); i++)
        continue;
}

/* If this thread was held up, the packet that was missed may be there: it is looked for first. */
static void expired(uv_timer_t *timer)
{
    struct neighbor *neighbor = timer->data;
    uint64_t detection = bfd_session_detection(&neighbor->session) * 1000;
    receive_some(&neighbor->listener->watch, 0);
    uint64_t silent = uv_hrtime() - neighbor->heard;
    if (silent < detection) {
        uv_timer_start(&neighbor->detect, expired, (detection - silent) / 1000000 + 1, 0);
        return;
    }
    enum bfd_state before = neighbor->session.state;
    bfd_session_expire(&neighbor->session);
    schedule(neighbor);
    follow(neighbor, before);
}

/* Beginning and ending. */

static int open_listener(struct listener *listener, bool is_v6, bool multihop)
{
    static const int on = 1;
    union check_address any;
    memset(&any, 0, sizeof(any));
    any.any.sa_family = is_v6 ? AF_INET6 : AF_INET;
    int fd = socket(any.any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    listener->watch = (struct health_watch){.fd = fd, .ready = receive_some, .arg = listener};
    if (fd < 0)
        return errno;
    check_address_set_port(&any, multihop ? PORT_MULTIHOP : PORT);
    int error = 0;
    if ((is_v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
        setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL,
                   &on, sizeof(on)) ||
        bind(fd, &any.any, check_address_size(&any)))
        error = errno;
    else
        error = health_watch_start(listener->bfd->poller, &listener->watch, EPOLLIN);
    if (error)
        health_watch_close(listener->bfd->poller, &listener->watch);
    return error;
}

/* A socket that sends to the neighbour, from a port that is for that. @return -1 with errno set. */
static int open_sender(const struct neighbor *neighbor, const struct check_target *target)
{
    static const int ttl = TTL, class = IPTOS_CLASS_CS6;
    struct check_target from = *target;
    bool is_v6 = target->address.any.sa_family == AF_INET6;
    bool chosen = target->source.any.sa_family != AF_UNSPEC && check_address_port(&target->source);
    from.source.any.sa_family = target->address.any.sa_family;
    int fd = -1;
    for (unsigned i = 0; fd < 0 && i < SOURCE_TRIES && (!i || errno == EADDRINUSE); i++) {
        if (!chosen)
            check_address_set_port(&from.source, (uint16_t)(SOURCE_PORT + random() % SOURCE_PORTS));
        fd = check_socket(&from, SOCK_DGRAM, 0);
    }
    if (fd < 0)
        return -1;
    setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_UNICAST_HOPS : IP_TTL, &ttl,
               sizeof(ttl));
    setsockopt(fd, is_v6 ? IPPROTO_IPV6 : IPPROTO_IP, is_v6 ? IPV6_TCLASS : IP_TOS, &class,
               sizeof(class));
    if (!connect(fd, &neighbor->address.any, check_address_size(&neighbor->address)))
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static uint32_t new_discriminator(void)
{
    uint32_t number = 0;
    while (!number)
        if (getrandom(&number, sizeof(number), 0) < 0)
            number = (uint32_t)random();
    return number;
}

static void join(struct neighbor *neighbor, struct bfd *bfd)
{
    neighbor->bfd = bfd;
    neighbor->next = bfd->first;
    neighbor->link = &bfd->first;
    if (neighbor->next)
        neighbor->next->link = &neighbor->next;
    bfd->first = neighbor;
}

/* @return Whether there is a session now; else the run has ended. */
static bool begin(struct neighbor *neighbor, struct check_job *job)
{
    struct bfd *bfd = job->shared;
    bool is_v6 = job->target->address.any.sa_family == AF_INET6;
    neighbor->address = job->target->address;
    neighbor->listener = &bfd->listeners[is_v6][neighbor->multihop];
    int error = neighbor->listener->watch.fd >= 0
                    ? 0
                    : open_listener(neighbor->listener, is_v6, neighbor->multihop);
    if (error == EADDRINUSE) {
        check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE,
                  "UDP port %d is taken: does another program of this node speak BFD?",
                  neighbor->multihop ? PORT_MULTIHOP : PORT);
        return false;
    }
    neighbor->fd = error ? -1 : open_sender(neighbor, job->target);
    if (neighbor->fd < 0) {
        check_end_errno(job, "open", error ? error : errno);
        return false;
    }
    neighbor->job = job;
    neighbor->fresh = true;
    uv_timer_init(bfd->loop, &neighbor->transmit);
    uv_timer_init(bfd->loop, &neighbor->detect);
    neighbor->transmit.data = neighbor->detect.data = neighbor;
    neighbor->handles = 2;
    bfd_session_begin(&neighbor->session, &neighbor->settings, new_discriminator());
    join(neighbor, bfd);
    send_packet(neighbor, false);
    schedule(neighbor);
    return true;
}

static void bfd_start(struct check_job *job)
{
    struct neighbor *neighbor = job->parameters;
    if (!neighbor->bfd && !begin(neighbor, job))
        return;
    if (neighbor->session.state == BFD_UP) {
        neighbor->fresh = false;
        check_pass(job);
    } else if (neighbor->fresh) {
        neighbor->waiting = true;
        job->phase = "waiting for the session to come up";
    } else {
        end_failed(job, &neighbor->session);
    }
}

static void bfd_cancel(struct check_job *job)
{
    struct neighbor *neighbor = job->parameters;
    neighbor->waiting = neighbor->fresh = false;
}

static void closed(uv_handle_t *handle)
{
    struct neighbor *neighbor = handle->data;
    if (!--neighbor->handles)
        free(neighbor);
}

/* The neighbour is told that it is on purpose (RFC 5880, 6.8.16). */
static void bfd_free(void *parameters)
{
    struct neighbor *neighbor = parameters;
    if (!neighbor->bfd) {
        free(neighbor);
        return;
    }
    neighbor->session.state = BFD_ADMIN_DOWN;
    neighbor->session.diagnostic = BFD_ADMINISTRATIVELY_DOWN;
    send_packet(neighbor, false);
    close(neighbor->fd);
    *neighbor->link = neighbor->next;
    if (neighbor->next)
        neighbor->next->link = neighbor->link;
    uv_close((uv_handle_t *)&neighbor->transmit, closed);
    uv_close((uv_handle_t *)&neighbor->detect, closed);
}

static void *bfd_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct bfd *bfd = calloc(1, sizeof(*bfd));
    if (!bfd)
        return NULL;
    bfd->poller = poller;
    bfd->loop = loop;
    for (unsigned i = 0; i < 4; i++)
        bfd->listeners[i / 2][i % 2] = (struct listener){.watch.fd = -1, .bfd = bfd};
    return bfd;
}

static void bfd_end(void *shared)
{
    struct bfd *bfd = shared;
    for (unsigned i = 0; i < 4; i++)
        health_watch_close(bfd->poller, &bfd->listeners[i / 2][i % 2].watch);
    free(bfd);
}

static uint32_t number(const struct lyd_node *config, const char *leaf)
{
    return (uint32_t)strtoul(leaf_value(config, leaf), NULL, 10);
}

static enum outcome bfd_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    struct neighbor *neighbor = *parameters = calloc(1, sizeof(*neighbor));
    if (!neighbor)
        return fail_memory(err);
    neighbor->settings = (struct bfd_settings){
        .min_tx = number(config, "desired-min-tx-interval"),
        .min_rx = number(config, "required-min-rx-interval"),
        .multiplier = (uint8_t)number(config, "local-multiplier"),
        .passive = !strcmp(leaf_value(config, "passive"), "true"),
    };
    neighbor->multihop = !strcmp(leaf_value(config, "multihop"), "true");
    neighbor->ttl = (uint8_t)number(config, "rx-ttl");
    check_address_set_port(&target->address, neighbor->multihop ? PORT_MULTIHOP : PORT);
    return DONE;
}

const struct checker bfd_checker = {
    .name = "bfd",
    .portless = true,
    .begin = bfd_begin,
    .end = bfd_end,
    .parse = bfd_parse,
    .free_parameters = bfd_free,
    .start = bfd_start,
    .cancel = bfd_cancel,
};
