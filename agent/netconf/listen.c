/*
 * The addresses at which NETCONF is served.
 *
 * Changed on the core thread; the acceptor's thread looks listeners up by their numbers, which are
 * never used twice, so that what epoll says of a closed one harms nobody.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/internal.h"

/* How often an address that cannot be had is tried again. */
#define RETRY_MS 5000

/* A listener. */
struct listener {
    char *path; /* Of its list instance in the configuration. */
    char *address;
    uint16_t port;
    int socket; /* -1: it cannot be had. */
    int reason; /* Why, as errno. */
    uint64_t number;
};

/* Some listeners. */
struct listener_set {
    struct listener *all;
    size_t count;
};

struct listeners {
    struct backend *backend;
    int epoll;
    uint64_t last_number;
    uv_timer_t timer;
    pthread_mutex_t lock; /* guards what follows */
    struct listener_set set;
};

static socklen_t make_address(const struct listener *listener, struct sockaddr_storage *address)
{
    struct sockaddr_in *v4 = (struct sockaddr_in *)address;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)address;
    *address = (struct sockaddr_storage){0};
    if (inet_pton(AF_INET, listener->address, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(listener->port);
        return sizeof(*v4);
    }
    inet_pton(AF_INET6, listener->address, &v6->sin6_addr);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(listener->port);
    return sizeof(*v6);
}

/* A bound socket, or -1 with errno. "::" is for IPv6 alone: "0.0.0.0" can be had beside it. */
static int bind_socket(const struct listener *listener)
{
    struct sockaddr_storage address;
    socklen_t length = make_address(listener, &address);
    int on = 1;
    int descriptor =
        socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
    if (descriptor < 0)
        return -1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (address.ss_family == AF_INET6)
        setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
    if (!bind(descriptor, (struct sockaddr *)&address, length))
        return descriptor;
    int reason = errno;
    close(descriptor);
    errno = reason;
    return -1;
}

/* Dead clients are noticed after two minutes, and their locks become free. */
static void set_keepalive(int descriptor)
{
    int on = 1, idle = 60, interval = 15, probes = 4;
    setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static bool open_listener(struct listeners *listeners, struct listener *listener)
{
    listener->number = ++listeners->last_number;
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = listener->number};
    listener->socket = bind_socket(listener);
    if (listener->socket >= 0) {
        set_keepalive(listener->socket);
        if (!listen(listener->socket, 64) &&
            !epoll_ctl(listeners->epoll, EPOLL_CTL_ADD, listener->socket, &event)) {
            log_info(AREA_NETCONF, "listening on %s port %u", listener->address, listener->port);
            return true;
        }
    }
    listener->reason = errno;
    if (listener->socket >= 0)
        close(listener->socket);
    listener->socket = -1;
    return false;
}

static void close_listener(struct listener *listener)
{
    if (listener->socket < 0)
        return;
    close(listener->socket);
    listener->socket = -1;
    log_info(AREA_NETCONF, "no longer listening on %s port %u", listener->address, listener->port);
}

static void free_set(struct listener_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        close_listener(&set->all[i]);
        free(set->all[i].path);
        free(set->all[i].address);
    }
    free(set->all);
    *set = (struct listener_set){0};
}

/* The listeners that a snapshot asks for, none of them open. */
static enum outcome read_set(const struct listeners *listeners, const struct snapshot *snapshot,
                             struct listener_set *set, struct error *err)
{
    const struct unit *unit =
        schema_unit_find(listeners->backend->schema, "/noria-agent:netconf-server/listen");
    size_t count, first = snapshot_range(snapshot, unit, &count);
    *set = (struct listener_set){.all = calloc(count + 1, sizeof(*set->all))};
    if (!set->all)
        return fail_memory(err);
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = snapshot->entries[first + i];
        const char *port = leaf_value(entry->node, "port");
        struct listener *listener = &set->all[set->count++];
        listener->socket = -1;
        listener->address = strdup(leaf_value(entry->node, "address"));
        listener->port = (uint16_t)strtoul(port ? port : "830", NULL, 10);
        if (asprintf(&listener->path, "%s%s", unit->path, entry->key) < 0)
            listener->path = NULL;
        if (!listener->path || !listener->address) {
            free_set(set);
            return fail_memory(err);
        }
    }
    return DONE;
}

static bool same_place(const struct listener *a, const struct listener *b)
{
    return a->port == b->port && !strcmp(a->address, b->address);
}

static struct listener *find_place(const struct listener_set *set, const struct listener *wanted)
{
    for (size_t i = 0; i < set->count; i++)
        if (same_place(&set->all[i], wanted))
            return &set->all[i];
    return NULL;
}

/* What an operator may do about an errno of listening, to follow "Cannot listen on ...". */
static const char *advice(int reason)
{
    switch (reason) {
    case EADDRNOTAVAIL:
        return "it is no address of this machine: name one that it has";
    case EADDRINUSE:
        return "another program listens there: stop it, or name another port";
    case EACCES:
        return "ports below 1024 need CAP_NET_BIND_SERVICE: run noriad as root, or name another "
               "port";
    default:
        return strerrordesc_np(reason);
    }
}

static enum outcome say_why(const struct listener *listener, int reason, struct error *err)
{
    char *path;
    enum outcome outcome;
    if (asprintf(&path, "%s/address", listener->path) < 0)
        return fail_memory(err);
    if (reason == EADDRNOTAVAIL || reason == EADDRINUSE)
        outcome = refuse(err, reason == EADDRINUSE ? TAG_IN_USE : TAG_INVALID_VALUE, path,
                         "Cannot listen on %s port %u: %s.", listener->address, listener->port,
                         advice(reason));
    else
        outcome = fail(err, TAG_OPERATION_FAILED, path, "Cannot listen on %s port %u: %s.",
                       listener->address, listener->port, advice(reason));
    free(path);
    return outcome;
}

/* Say how things are, and try again later what is not as it should be. */
static void report(struct listeners *listeners)
{
    const struct listener *missing = NULL;
    for (size_t i = 0; i < listeners->set.count && !missing; i++)
        if (listeners->set.all[i].socket < 0)
            missing = &listeners->set.all[i];
    if (!missing) {
        uv_timer_stop(&listeners->timer);
        backend_report_up(listeners->backend);
        return;
    }
    backend_report_down(listeners->backend, "Cannot listen on %s port %u: %s. It is tried again.",
                        missing->address, missing->port, advice(missing->reason));
}

static void retry(uv_timer_t *timer)
{
    struct listeners *listeners = timer->data;
    pthread_mutex_lock(&listeners->lock);
    for (size_t i = 0; i < listeners->set.count; i++)
        if (listeners->set.all[i].socket < 0)
            open_listener(listeners, &listeners->set.all[i]);
    pthread_mutex_unlock(&listeners->lock);
    report(listeners);
}

/*
 * Go over to another set: what stays keeps its socket, the rest is closed first, so that a wildcard
 * and a single address can take each other's place. Returns a listener that could not be opened.
 */
static struct listener *go_over(struct listeners *listeners, struct listener_set *wanted)
{
    struct listener *missing = NULL;
    pthread_mutex_lock(&listeners->lock);
    struct listener_set before = listeners->set;
    for (size_t i = 0; i < wanted->count; i++) {
        struct listener *there = find_place(&before, &wanted->all[i]);
        if (there && there->socket >= 0) {
            wanted->all[i].socket = there->socket;
            wanted->all[i].number = there->number;
            there->socket = -1;
        }
    }
    listeners->set = *wanted;
    *wanted = (struct listener_set){0};
    for (size_t i = 0; i < before.count; i++)
        close_listener(&before.all[i]);
    for (size_t i = 0; i < listeners->set.count; i++) {
        struct listener *listener = &listeners->set.all[i];
        if (listener->socket >= 0 || open_listener(listeners, listener))
            continue;
        /* One that could not be had before is no reason to refuse the change of others. */
        if (!find_place(&before, listener))
            missing = missing ? missing : listener;
    }
    pthread_mutex_unlock(&listeners->lock);
    free_set(&before);
    uv_timer_start(&listeners->timer, retry, RETRY_MS, RETRY_MS);
    return missing;
}

enum outcome listeners_new(struct backend *backend, const struct snapshot *running,
                           struct listeners **made, struct error *err)
{
    struct listener_set wanted;
    struct listeners *listeners = calloc(1, sizeof(*listeners));
    if (!listeners)
        return fail_memory(err);
    listeners->backend = backend;
    listeners->last_number = 15; /* those below are the acceptor's own */
    listeners->epoll = epoll_create1(EPOLL_CLOEXEC);
    enum outcome outcome = listeners->epoll < 0
                               ? fail(err, TAG_RESOURCE_DENIED, NULL,
                                      "Cannot wait for connections: %s.", strerror(errno))
                               : read_set(listeners, running, &wanted, err);
    if (outcome != DONE) {
        if (listeners->epoll >= 0)
            close(listeners->epoll);
        free(listeners);
        return outcome;
    }
    pthread_mutex_init(&listeners->lock, NULL);
    uv_timer_init(backend->loop, &listeners->timer);
    listeners->timer.data = listeners;
    *made = listeners;
    go_over(listeners, &wanted);
    report(listeners);
    return DONE;
}

/* Whether an address that is taken is so by a listener of ours, which will be gone by then. */
static bool is_our_port(const struct listeners *listeners, const struct listener *wanted)
{
    for (size_t i = 0; i < listeners->set.count; i++)
        if (listeners->set.all[i].port == wanted->port && listeners->set.all[i].socket >= 0)
            return true;
    return false;
}

enum outcome listeners_check(struct listeners *listeners, const struct snapshot *after,
                             struct error *err)
{
    struct listener_set wanted = {0};
    enum outcome outcome = read_set(listeners, after, &wanted, err);
    for (size_t i = 0; i < wanted.count && outcome == DONE; i++) {
        if (find_place(&listeners->set, &wanted.all[i]))
            continue;
        int trial = bind_socket(&wanted.all[i]);
        if (trial >= 0)
            close(trial);
        else if (errno != EADDRINUSE || !is_our_port(listeners, &wanted.all[i]))
            outcome = say_why(&wanted.all[i], errno, err);
    }
    free_set(&wanted);
    return outcome;
}

enum outcome listeners_become(struct listeners *listeners, const struct snapshot *snapshot,
                              struct error *err)
{
    struct listener_set wanted;
    enum outcome outcome = read_set(listeners, snapshot, &wanted, err);
    if (outcome != DONE)
        return outcome;
    struct listener *missing = go_over(listeners, &wanted);
    if (missing && err) {
        say_why(missing, missing->reason, err);
        err->outcome = outcome = FAILED;
    }
    report(listeners);
    return outcome;
}

static void free_listeners(uv_handle_t *handle)
{
    free(handle->data);
}

void listeners_free(struct listeners *listeners)
{
    free_set(&listeners->set);
    close(listeners->epoll);
    pthread_mutex_destroy(&listeners->lock);
    uv_close((uv_handle_t *)&listeners->timer, free_listeners);
}

/* The acceptor's side. */

int listeners_descriptor(struct listeners *listeners)
{
    return listeners->epoll;
}

int listeners_accept(struct listeners *listeners, uint64_t number, char **host)
{
    struct sockaddr_storage address;
    socklen_t length = sizeof(address);
    char name[INET6_ADDRSTRLEN] = "?";
    int from = -1;
    pthread_mutex_lock(&listeners->lock);
    for (size_t i = 0; i < listeners->set.count; i++)
        if (listeners->set.all[i].number == number)
            from = listeners->set.all[i].socket;
    int socket = from < 0 ? -1 : accept4(from, (struct sockaddr *)&address, &length, SOCK_CLOEXEC);
    int reason = from < 0 ? EAGAIN : errno;
    pthread_mutex_unlock(&listeners->lock);
    if (socket < 0) {
        errno = reason;
        return -1;
    }
    if (address.ss_family == AF_INET)
        inet_ntop(AF_INET, &((struct sockaddr_in *)&address)->sin_addr, name, sizeof(name));
    else
        inet_ntop(AF_INET6, &((struct sockaddr_in6 *)&address)->sin6_addr, name, sizeof(name));
    *host = strdup(name);
    if (!*host) {
        close(socket);
        errno = ENOMEM;
        return -1;
    }
    return socket;
}
