#include "backends/ipvs/rtnetlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "agent/array.h"
#include "backends/ipvs/namespace.h"

#define RECEIVE_SIZE (32 * 1024)
#define SILENCE_SECONDS 5
#define READINGS 100 /* until two agree; each takes a millisecond */

/* -- Sockets ---------------------------------------------------------------------------------- */

struct opening {
    unsigned groups;
    int fd;
};

static int open_here(void *arg)
{
    struct opening *opening = arg;
    struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = opening->groups};
    struct timeval silence = {.tv_sec = SILENCE_SECONDS};
    int type = SOCK_RAW | SOCK_CLOEXEC | (opening->groups ? SOCK_NONBLOCK : 0), one = 1;
    opening->fd = socket(AF_NETLINK, type, NETLINK_ROUTE);
    if (opening->fd < 0)
        return errno;
    setsockopt(opening->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof one);
    if (setsockopt(opening->fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence) == 0 &&
        bind(opening->fd, (struct sockaddr *)&address, sizeof address) == 0)
        return 0;
    int error = errno;
    close(opening->fd);
    return error;
}

int ipvs_route_open(const char *path, unsigned groups, int *fd)
{
    struct opening opening = {.groups = groups, .fd = -1};
    int result = 0, error = ipvs_namespace_run(path, open_here, &opening, &result);
    if (!error)
        error = result;
    *fd = error ? -1 : opening.fd;
    return error;
}

bool ipvs_route_drain(int fd)
{
    char buffer[RECEIVE_SIZE];
    bool any = false;
    /* An overrun is news, too: something was lost. */
    while (recv(fd, buffer, sizeof buffer, 0) > 0 || errno == ENOBUFS)
        any = true;
    return any;
}

/* -- Requests --------------------------------------------------------------------------------- */

typedef int (*take_fn)(int fd, const struct nlmsghdr *msg, void *data);

/* Go through what was received. @return Whether the answer is complete. */
static bool go_through(int fd, char *buffer, ssize_t length, take_fn take, void *data, int *error)
{
    int rest = (int)length;
    struct nlmsghdr *msg = (struct nlmsghdr *)buffer;
    for (; nlmsg_ok(msg, rest); msg = nlmsg_next(msg, &rest)) {
        if (msg->nlmsg_flags & NLM_F_DUMP_INTR && !*error)
            *error = EINTR; /* what was told before is not so any more */
        if (msg->nlmsg_type == NLMSG_DONE)
            return true;
        if (msg->nlmsg_type == NLMSG_ERROR) {
            *error = -((struct nlmsgerr *)nlmsg_data(msg))->error;
            return true;
        }
        if (take && !*error)
            *error = take(fd, msg, data);
    }
    return false;
}

/* Send a request, which is freed, and take what comes. */
static int ask(int fd, struct nl_msg *msg, take_fn take, void *data)
{
    char *buffer = malloc(RECEIVE_SIZE);
    int error = msg && buffer ? 0 : ENOMEM;
    bool complete = error != 0;
    if (!error && send(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, 0) < 0)
        error = errno;
    complete = complete || error != 0;
    while (!complete) {
        ssize_t length = recv(fd, buffer, RECEIVE_SIZE, 0);
        if (length < 0 && errno == EINTR)
            continue;
        if (length < 0) {
            error = errno == EAGAIN ? ETIMEDOUT : errno;
            break;
        }
        complete = go_through(fd, buffer, length, take, data, &error);
    }
    nlmsg_free(msg);
    free(buffer);
    return error;
}

/* The socket's namespace counts, not the thread's. */
static int index_of(int fd, const char *interface)
{
    struct ifreq request = {0};
    snprintf(request.ifr_name, sizeof request.ifr_name, "%s", interface);
    return ioctl(fd, SIOCGIFINDEX, &request) < 0 ? 0 : request.ifr_ifindex;
}

static bool name_of(int fd, int index, char name[IF_NAMESIZE])
{
    struct ifreq request = {.ifr_ifindex = index};
    if (ioctl(fd, SIOCGIFNAME, &request) < 0)
        return false;
    memcpy(name, request.ifr_name, IF_NAMESIZE);
    name[IF_NAMESIZE - 1] = '\0';
    return true;
}

/* Addresses that are being read. */
struct reading {
    uint8_t family;
    struct ipvs_addresses *addresses;
};

static int take_address(int fd, const struct nlmsghdr *msg, void *data)
{
    const struct reading *reading = data;
    struct ipvs_addresses *addresses = reading->addresses;
    struct nlattr *attrs[IFA_PROTO + 1];
    const struct ifaddrmsg *body = nlmsg_data(msg);
    if (msg->nlmsg_type != RTM_NEWADDR ||
        nlmsg_parse((struct nlmsghdr *)msg, sizeof *body, attrs, IFA_PROTO, NULL) < 0 ||
        body->ifa_family != reading->family) /* a kernel without IPv6 tells what it has instead */
        return 0;
    if (!array_grow(&addresses->list, addresses->count, &addresses->room, sizeof(*addresses->list)))
        return ENOMEM;
    struct ipvs_address *address = &addresses->list[addresses->count];
    *address = (struct ipvs_address){
        .family = body->ifa_family, .prefix_length = body->ifa_prefixlen, .scope = body->ifa_scope};
    struct nlattr *own = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
    uint32_t flags = attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : body->ifa_flags;
    if (!own || !name_of(fd, (int)body->ifa_index, address->interface))
        return 0; /* the interface has gone meanwhile */
    nla_memcpy(address->address, own, sizeof address->address);
    if (attrs[IFA_LABEL])
        nla_strlcpy(address->label, attrs[IFA_LABEL], sizeof address->label);
    if (strcmp(address->label, address->interface) == 0)
        address->label[0] = '\0';
    address->no_prefix_route = flags & IFA_F_NOPREFIXROUTE;
    address->ours = attrs[IFA_PROTO] && nla_get_u8(attrs[IFA_PROTO]) == IPVS_ADDRESS_PROTOCOL;
    addresses->count++;
    return 0;
}

/* Of one family: where all are asked for, the kernel forgets between two that it was interrupted.
 */
static int read_family(int fd, uint8_t family, struct ipvs_addresses *addresses)
{
    struct ifaddrmsg body = {.ifa_family = family};
    struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP);
    if (msg)
        nlmsg_append(msg, &body, sizeof body, NLMSG_ALIGNTO);
    return ask(fd, msg, take_address, &(struct reading){family, addresses});
}

static bool is_same(const struct ipvs_addresses *one, const struct ipvs_addresses *other)
{
    for (size_t i = 0; i < one->count && i < other->count; i++)
        if (memcmp(one->list[i].address, other->list[i].address, sizeof one->list[i].address) ||
            strcmp(one->list[i].interface, other->list[i].interface) != 0)
            return false;
    return one->count == other->count;
}

/*
 * Of a change the kernel's mark comes a moment after the change itself (since Linux 6.9, whose
 * readers take no lock), so what is not marked may lack something nevertheless: two must agree.
 */
int ipvs_route_addresses(int fd, struct ipvs_addresses *addresses)
{
    struct ipvs_addresses last = {0};
    bool agreed = false;
    int error = EINTR;
    for (int i = 0; i < READINGS && !agreed && (!error || error == EINTR); i++) {
        struct ipvs_addresses now = {0};
        bool known = !error;
        error = read_family(fd, AF_INET, &now);
        if (!error)
            error = read_family(fd, AF_INET6, &now);
        agreed = !error && known && is_same(&last, &now);
        free(last.list);
        last = now;
    }
    if (agreed) {
        *addresses = last;
        return 0;
    }
    free(last.list);
    return error ? error : EINTR;
}

/* What tells the address. */
static struct nl_msg *new_message(int fd, int type, int flags, const struct ipvs_address *address)
{
    struct ifaddrmsg body = {.ifa_family = (uint8_t)address->family,
                             .ifa_prefixlen = address->prefix_length,
                             .ifa_scope = address->scope,
                             .ifa_index = (uint32_t)index_of(fd, address->interface)};
    int size = address->family == AF_INET6 ? 16 : 4;
    struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | NLM_F_ACK | flags);
    if (msg && (nlmsg_append(msg, &body, sizeof body, NLMSG_ALIGNTO) != 0 ||
                nla_put(msg, IFA_LOCAL, size, address->address) != 0 ||
                nla_put(msg, IFA_ADDRESS, size, address->address) != 0)) {
        nlmsg_free(msg);
        msg = NULL;
    }
    return msg;
}

int ipvs_route_add(int fd, const struct ipvs_address *address)
{
    /* A shared address has no duplicates to be looked for; waiting for that would delay it. */
    uint32_t flags = (address->family == AF_INET6 ? IFA_F_NODAD : 0) |
                     (address->no_prefix_route ? IFA_F_NOPREFIXROUTE : 0);
    if (!index_of(fd, address->interface))
        return ENODEV;
    struct nl_msg *msg = new_message(fd, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, address);
    if (msg && (nla_put_u32(msg, IFA_FLAGS, flags) != 0 ||
                nla_put_u8(msg, IFA_PROTO, IPVS_ADDRESS_PROTOCOL) != 0 ||
                (address->label[0] && nla_put_string(msg, IFA_LABEL, address->label) != 0))) {
        nlmsg_free(msg);
        msg = NULL;
    }
    return ask(fd, msg, NULL, NULL);
}

/* -- Deleting --------------------------------------------------------------------------------- */

/* With the first IPv4 address of a subnet the kernel takes the others away, unless it is told to
 * promote one of them. */
struct promotion {
    const char *interface;
    char wanted, before; /* '0' or '1' */
};

static int set_promotion(void *arg)
{
    struct promotion *promotion = arg;
    char path[128];
    snprintf(path, sizeof path, "/proc/sys/net/ipv4/conf/%s/promote_secondaries",
             promotion->interface);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return errno;
    bool set = read(fd, &promotion->before, 1) == 1 && promotion->before != promotion->wanted &&
               pwrite(fd, &promotion->wanted, 1, 0) == 1;
    close(fd);
    return set ? 0 : EALREADY;
}

int ipvs_route_delete(int fd, const char *path, const struct ipvs_address *address)
{
    struct promotion promotion = {.interface = address->interface, .wanted = '1'};
    int result = EALREADY, ignored;
    if (!index_of(fd, address->interface))
        return 0;
    bool alone = address->family != AF_INET || address->prefix_length == 32;
    bool promoted =
        !alone && !ipvs_namespace_run(path, set_promotion, &promotion, &result) && !result;
    int error = ask(fd, new_message(fd, RTM_DELADDR, 0, address), NULL, NULL);
    promotion.wanted = promotion.before;
    if (promoted)
        ipvs_namespace_run(path, set_promotion, &promotion, &ignored);
    return error == EADDRNOTAVAIL || error == ENODEV ? 0 : error;
}
