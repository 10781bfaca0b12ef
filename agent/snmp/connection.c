#include "agent/snmp/connection.h"

#include <dlfcn.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"

/* The agent has other use for descriptors. */
#define CONNECTIONS_MAX 100

/* Seconds of silence after which a connection makes room for another one. */
#define SILENCE 10

/* Octets of a request: a SET of some ten thousand variables. */
#define REQUEST_MAX 1048576

/* Those of all listeners; there is one SNMP thread. */
static struct {
    int socket;
    const netsnmp_transport *listener;
    time_t heard; /* When something came last. */
} connections[CONNECTIONS_MAX];
static size_t count;
static bool said; /* That there are too many. */

/* How Net-SNMP does it, of IPv4 and of IPv6. */
static struct {
    int (*accept)(netsnmp_transport *transport);
    int (*receive)(netsnmp_transport *transport, void *octets, int size, void **opaque,
                   int *opaque_length);
    int (*close)(netsnmp_transport *transport);
} by_library[2];

static bool is_v6(const netsnmp_transport *transport)
{
    return transport->domain == netsnmp_TCPIPv6Domain;
}

static time_t present_second(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec;
}

/* Net-SNMP finds the end of it when it reads, and forgets it. */
static void make_room(void)
{
    size_t longest = 0;

    for (size_t i = 1; i < count; i++)
        if (connections[i].heard < connections[longest].heard)
            longest = i;
    if (present_second() - connections[longest].heard >= SILENCE)
        shutdown(connections[longest].socket, SHUT_RDWR);
}

static int accept_some(netsnmp_transport *transport)
{
    int fd = by_library[is_v6(transport)].accept(transport);

    if (fd >= 0 && count == CONNECTIONS_MAX) {
        close(fd);
        make_room();
        if (!said)
            log_warning(AREA_SNMP, "more than %d connections at once are turned away",
                        CONNECTIONS_MAX);
        said = true;
        return -1;
    }
    if (fd >= 0) {
        connections[count].socket = fd;
        connections[count].listener = transport;
        connections[count++].heard = present_second();
    }
    return fd;
}

static int receive(netsnmp_transport *transport, void *octets, int size, void **opaque,
                   int *opaque_length)
{
    for (size_t i = 0; i < count; i++)
        if (connections[i].socket == transport->sock)
            connections[i].heard = present_second();
    return by_library[is_v6(transport)].receive(transport, octets, size, opaque, opaque_length);
}

/* The listener's own is none of the connections, which have copies of its transport. */
static int close_one(netsnmp_transport *transport)
{
    for (size_t i = count; i-- > 0;) {
        if (transport->flags & NETSNMP_TRANSPORT_FLAG_LISTEN ||
            connections[i].socket != transport->sock)
            continue;
        connections[i] = connections[--count];
        said = false;
    }
    return by_library[is_v6(transport)].close(transport);
}

void snmp_connections_end(const netsnmp_transport *listener)
{
    for (size_t i = 0; listener && i < count; i++)
        if (connections[i].listener == listener)
            shutdown(connections[i].socket, SHUT_RDWR);
}

void snmp_connections_bound(netsnmp_transport *listener)
{
    by_library[is_v6(listener)].accept = listener->f_accept;
    by_library[is_v6(listener)].receive = listener->f_recv;
    by_library[is_v6(listener)].close = listener->f_close;
    listener->f_accept = accept_some;
    listener->f_recv = receive;
    listener->f_close = close_one;
}

/*
 * A message says how long it is before anybody knows whose it is, and Net-SNMP gathers up to two
 * gigabytes of each connection. In place of its own, which it calls with what has come of one.
 * @return Its length; 0: that is not known yet; below 0: the connection is to be closed.
 */
int asn_check_packet(u_char *packet, size_t length)
{
    static int (*check_by_library)(u_char * packet, size_t length);

    if (!check_by_library)
        *(void **)&check_by_library = dlsym(RTLD_NEXT, "asn_check_packet");
    int whole = check_by_library(packet, length);
    return whole > REQUEST_MAX ? -1 : whole;
}
