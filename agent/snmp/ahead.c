#include "agent/snmp/ahead.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "agent/log.h"

/* Microseconds to wait. */
#define WAIT 5000

/* Where a datagram came from and went to; as Net-SNMP's transports keep it with a request. */
typedef netsnmp_indexed_addr_pair endpoints;

/* What was taken and is not read yet. There is one SNMP thread. */
static struct {
    netsnmp_transport *transport; /* Whose it is; NULL: nothing. */
    ssize_t length;               /* 0: the end of the connection. */
    ssize_t read;                 /* How much of it is read already. */
    endpoints ends;
    char octets[SNMP_MAX_RCV_MSG_SIZE];
} taken;

/* How Net-SNMP sends by UDP, for all but answers. */
static int (*send_by_library)(netsnmp_transport *transport, const void *octets, int length,
                              void **ends, int *ends_length);

static bool is_stream(const netsnmp_transport *transport)
{
    return transport->flags & NETSNMP_TRANSPORT_FLAG_STREAM;
}

/* The address that a datagram was sent to, from what the kernel says beside it. */
static void read_destination(struct msghdr *message, endpoints *ends)
{
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        struct in_pktinfo info;
        if (at->cmsg_level != IPPROTO_IP || at->cmsg_type != IP_PKTINFO)
            continue;
        memcpy(&info, CMSG_DATA(at), sizeof(info));
        ends->local_addr.sin.sin_addr = info.ipi_addr;
        ends->if_index = info.ipi_ifindex;
    }
}

/* @return As recvmsg(2). */
static ssize_t take(const netsnmp_transport *transport, void *octets, size_t size, int flags,
                    endpoints *ends)
{
    char control[CMSG_SPACE(sizeof(struct in_pktinfo))];
    struct iovec part = {octets, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ssize_t length;

    *ends = (endpoints){0};
    if (!is_stream(transport)) {
        message.msg_name = &ends->remote_addr.sin;
        message.msg_namelen = sizeof(ends->remote_addr.sin);
        message.msg_control = control;
        message.msg_controllen = sizeof(control);
        ends->local_addr.sin.sin_family = AF_INET;
    }
    do
        length = recvmsg(transport->sock, &message, flags);
    while (length < 0 && errno == EINTR && flags & MSG_DONTWAIT);
    if (length >= 0 && !is_stream(transport))
        read_destination(&message, ends);
    return length;
}

/* What was taken, or as much of it as there is room for; of a datagram the rest is lost. */
static ssize_t read_taken(const netsnmp_transport *transport, void *octets, ssize_t size)
{
    ssize_t length = taken.length - taken.read;

    if (length > size)
        length = size;
    memcpy(octets, taken.octets + taken.read, (size_t)length);
    taken.read += length;
    if (taken.read == taken.length || !is_stream(transport))
        taken.transport = NULL;
    return length;
}

/* In place of Net-SNMP's. @return The length of what was read, or -1. */
static int receive(netsnmp_transport *transport, void *octets, int size, void **ends,
                   int *ends_length)
{
    ssize_t length;

    *ends = NULL;
    *ends_length = 0;
    if (taken.transport == transport)
        length = read_taken(transport, octets, size);
    else
        length = take(transport, octets, (size_t)size, MSG_DONTWAIT, &taken.ends);
    if (length < 0 && is_stream(transport) && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        transport->flags |= NETSNMP_TRANSPORT_FLAG_EMPTY_PKT; /* else it would be closed */
        return 0;
    }
    if (length >= 0 && !is_stream(transport)) {
        *ends = malloc(sizeof(taken.ends));
        if (!*ends)
            return -1;
        memcpy(*ends, &taken.ends, sizeof(taken.ends));
        *ends_length = sizeof(taken.ends);
    }
    return (int)length;
}

/* In place of Net-SNMP's for UDP: an answer leaves from the address that was asked. */
static int answer(netsnmp_transport *transport, const void *octets, int length, void **ends,
                  int *ends_length)
{
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {0};
    struct in_pktinfo info = {0};

    if (!ends || !*ends || !ends_length || *ends_length != sizeof(endpoints))
        return send_by_library(transport, octets, length, ends, ends_length);
    endpoints *to = *ends;
    struct iovec part = {(void *)octets, (size_t)length};
    struct msghdr message = {.msg_name = &to->remote_addr.sin,
                             .msg_namelen = sizeof(to->remote_addr.sin),
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    info.ipi_spec_dst = to->local_addr.sin.sin_addr;
    control.header.cmsg_level = IPPROTO_IP;
    control.header.cmsg_type = IP_PKTINFO;
    control.header.cmsg_len = CMSG_LEN(sizeof(info));
    memcpy(CMSG_DATA(&control.header), &info, sizeof(info));
    ssize_t sent = sendmsg(transport->sock, &message, MSG_DONTWAIT);
    /* To a broadcast address there is no answer from it; Net-SNMP knows what to do. */
    return sent < 0 && errno == EINVAL
               ? send_by_library(transport, octets, length, ends, ends_length)
               : (int)sent;
}

/* In a VRF, the kernel chooses the address. */
static bool is_bound_to_device(const netsnmp_transport *transport)
{
    char name[64];
    socklen_t length = sizeof(name);

    return getsockopt(transport->sock, SOL_SOCKET, SO_BINDTODEVICE, name, &length) < 0 ||
           length > 0;
}

static bool is_udp_over_ipv4(const netsnmp_transport *transport)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);

    return transport->domain == netsnmpUDPDomain &&
           getsockname(transport->sock, (struct sockaddr *)&address, &length) == 0 &&
           address.ss_family == AF_INET;
}

bool snmp_ahead_has(const netsnmp_transport *transport)
{
    return transport && transport->sock >= 0 && transport->f_recv == receive;
}

void snmp_ahead_forget(void)
{
    taken.transport = NULL;
}

void snmp_ahead_adopt(netsnmp_transport *transport)
{
    struct timeval time = {.tv_usec = WAIT};

    if (!transport || transport->sock < 0 || transport->f_recv == receive)
        return;
    if (!is_stream(transport) && (!is_udp_over_ipv4(transport) || is_bound_to_device(transport)))
        return;
    if (setsockopt(transport->sock, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)) < 0) {
        log_debug(AREA_SNMP, "what comes is not read ahead: %s", strerror(errno));
        return;
    }
    snmp_ahead_forget(); /* of one that was in the same place */
    transport->f_recv = receive;
    if (!is_stream(transport)) {
        send_by_library = transport->f_send;
        transport->f_send = answer;
    }
}

bool snmp_ahead_wait(netsnmp_transport *transport)
{
    if (taken.transport == transport)
        return true;
    taken.transport = NULL;
    taken.read = 0;
    taken.length = take(transport, taken.octets, sizeof(taken.octets), 0, &taken.ends);
    if (taken.length < 0)
        return false;
    taken.transport = transport;
    return true;
}
