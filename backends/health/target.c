/*
 * Addresses and sockets of checks.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/datastore/entry.h"
#include "backends/health/check.h"

socklen_t check_address_size(const union check_address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

uint16_t check_address_port(const union check_address *address)
{
    return ntohs(address->any.sa_family == AF_INET6 ? address->v6.sin6_port : address->v4.sin_port);
}

void check_address_set_port(union check_address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

bool check_address_parse(const char *text, uint16_t port, union check_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1)
        address->any.sa_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) == 1)
        address->any.sa_family = AF_INET6;
    else
        return false;
    check_address_set_port(address, port);
    return true;
}

const char *check_address_text(const union check_address *address, char text[INET6_ADDRSTRLEN])
{
    const void *binary = address->any.sa_family == AF_INET6 ? (const void *)&address->v6.sin6_addr
                                                            : &address->v4.sin_addr;
    if (!inet_ntop(address->any.sa_family, binary, text, INET6_ADDRSTRLEN))
        text[0] = '\0';
    return text;
}

bool check_errno_is_ours(int error)
{
    switch (error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EPERM:
    case EACCES:
    case ENODEV:
        return true;
    default:
        return false;
    }
}

static int prepare_socket(const struct check_target *target, int fd)
{
    if (target->mark &&
        setsockopt(fd, SOL_SOCKET, SO_MARK, &target->mark, sizeof(target->mark)) != 0)
        return -1;
    if (*target->interface && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, target->interface,
                                         (socklen_t)strlen(target->interface)) != 0)
        return -1;
    if (target->source.any.sa_family != AF_UNSPEC &&
        bind(fd, &target->source.any, check_address_size(&target->source)) != 0)
        return -1;
    return 0;
}

bool check_address_same(const union check_address *a, const union check_address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    return a->any.sa_family == AF_INET6
               ? !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr))
               : a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

int check_socket(const struct check_target *target, int type, int protocol)
{
    int fd = socket(target->address.any.sa_family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0 || prepare_socket(target, fd) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

enum outcome check_refuse(const struct lyd_node *config, const char *name, struct error *err,
                          const char *format, ...)
{
    char *message = NULL, *path = NULL, *base = lyd_path(config, LYD_PATH_STD, NULL, 0);
    va_list args;
    va_start(args, format);
    if (vasprintf(&message, format, args) < 0)
        message = NULL;
    va_end(args);
    if (base && asprintf(&path, "%s/%s", base, name) < 0)
        path = NULL;
    enum outcome outcome =
        refuse(err, TAG_INVALID_VALUE, path, "%s", message ? message : "The value is wrong.");
    free(message);
    free(path);
    free(base);
    return outcome;
}

enum outcome check_refuse_source(const struct lyd_node *config, const struct check_target *target,
                                 bool may_bind, struct error *err)
{
    bool bound = target->source.any.sa_family != AF_UNSPEC;
    const char *leaf = NULL;
    if (target->mark)
        leaf = "firewall-mark";
    else if (*target->interface)
        leaf = "bind-interface";
    else if (bound && check_address_port(&target->source))
        leaf = "bind-port";
    else if (bound && !may_bind)
        leaf = "bind-address";
    if (!leaf)
        return DONE;
    /* The check may have it, or its real server. */
    const struct lyd_node *check = lyd_parent(config), *own = child_node(check, leaf);
    char *path = lyd_path(own ? own : check, LYD_PATH_STD, NULL, 0);
    enum outcome outcome = refuse(err, TAG_INVALID_VALUE, path,
                                  "%s cannot be set of a check %s, whose library opens its own "
                                  "connection.",
                                  leaf, config->schema->name);
    free(path);
    return outcome;
}
