#include "agent/snmp/listener.h"

#include <net-snmp/net-snmp-config.h>

#include <errno.h>
#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/snmp/ahead.h"
#include "agent/snmp/connection.h"

static void close_at(struct snmp_listeners *listeners, size_t i)
{
    log_info(AREA_SNMP, "no longer listening on %s", listeners->open[i].spec);
    snmp_connections_end(listeners->open[i].accepting);
    netsnmp_deregister_agent_nsap(listeners->open[i].handle);
    free(listeners->open[i].spec);
    listeners->open[i] = listeners->open[--listeners->count];
}

void snmp_listeners_close_others(struct snmp_listeners *listeners,
                                 const struct snmp_settings *settings)
{
    for (size_t i = listeners->count; i-- > 0;) {
        if (!snmp_settings_have(settings, listeners->open[i].spec))
            close_at(listeners, i);
    }
}

void snmp_listeners_close(struct snmp_listeners *listeners)
{
    snmp_listeners_close_others(listeners, NULL);
    free(listeners->open);
    *listeners = (struct snmp_listeners){0};
}

struct netsnmp_transport_s *snmp_listeners_transport(const struct snmp_listeners *listeners,
                                                     int socket)
{
    for (size_t i = 0; i < listeners->count; i++) {
        netsnmp_transport *transport = listeners->open[i].transport;
        if (transport && transport->sock == socket)
            return transport;
    }
    return NULL;
}

/*
 * Net-SNMP sets SO_REUSEADDR, with which two UDP agents can hold the same address and one of them
 * gets nothing. A socket without it says whether the address is free, and why not.
 */
static int try_address(const struct snmp_address *address)
{
    int one = 1;
    int result = 0;
    int fd = socket(address->socket.any.sa_family, address->socktype | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    if (address->socket.any.sa_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (address->socktype == SOCK_STREAM)
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(fd, &address->socket.any, address->length) < 0 ||
        (address->socktype == SOCK_STREAM && listen(fd, 1) < 0))
        result = errno;
    close(fd);
    return result;
}

static enum outcome fail_address(const struct snmp_address *address, int number, struct error *err)
{
    if (number == EADDRINUSE)
        return fail(err, TAG_OPERATION_FAILED, address->path,
                    "another program listens on %s: stop it or name another address or port",
                    address->spec);
    return fail(err, TAG_OPERATION_FAILED, address->path, "cannot listen on %s: %s", address->spec,
                number ? strerror(number) : "Net-SNMP does not say why");
}

enum outcome snmp_listeners_open(struct snmp_listeners *listeners,
                                 const struct snmp_address *address, struct error *err)
{
    for (size_t i = 0; i < listeners->count; i++) {
        if (!strcmp(listeners->open[i].spec, address->spec))
            return DONE;
    }

    struct snmp_listener *open =
        realloc(listeners->open, (listeners->count + 1) * sizeof(*listeners->open));
    if (!open)
        return fail_memory(err);
    listeners->open = open;

    int number = try_address(address);
    if (number)
        return fail_address(address, number, err);
    struct snmp_listener *made = &listeners->open[listeners->count];
    made->spec = strdup(address->spec);
    if (!made->spec)
        return fail_memory(err);
    errno = 0;
    netsnmp_transport *transport = netsnmp_transport_open_server("snmp", address->spec);
    if (transport && address->socktype == SOCK_STREAM)
        snmp_connections_bound(transport);
    made->handle = transport ? netsnmp_register_agent_nsap(transport) : 0;
    if (made->handle == 0) {
        number = errno;
        free(made->spec);
        return fail_address(address, number, err);
    }
    made->accepting = address->socktype == SOCK_STREAM ? transport : NULL;
    made->transport = address->socktype == SOCK_DGRAM && !transport->f_open ? transport : NULL;
    snmp_ahead_adopt(made->transport);
    listeners->count++;
    log_info(AREA_SNMP, "listening on %s", address->spec);
    return DONE;
}
