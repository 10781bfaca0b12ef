/*
 * The NETCONF server: its start and stop, and the thread that accepts connections.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "agent/clock.h"
#include "agent/log.h"
#include "agent/netconf/internal.h"

/* What epoll says beside the numbers of listeners. */
enum { EVENT_WAKE = 0, EVENT_LOCAL = 1 };

/* Connections over the local socket that may be had beyond the limit. */
#define LOCAL_RESERVE 16

/* How long the end of sessions is waited for, in seconds. */
#define STOP_TIME 5

/*
 * Too many clients are on the way to a login: the oldest, which has taken longest, makes room, so
 * that nobody keeps others out by connecting and saying nothing. Server's lock.
 */
static void drop_oldest_login(struct netconf_server *server)
{
    struct connection *oldest = NULL;
    for (struct connection *c = server->connections; c; c = c->next)
        oldest = c->logged_in ? oldest : c;
    if (!oldest)
        return;
    server_limit_met(server, LIMIT_LOGINS);
    oldest->logged_in = true; /* it no longer counts */
    server->login_count--;
    shutdown(oldest->socket, SHUT_RDWR);
}

/* Give a connection a thread, if there are not too many. Takes socket and host. */
static void begin_connection(struct netconf_server *server, int socket, char *host)
{
    struct connection *connection = calloc(1, sizeof(*connection));
    struct netconf_limits limits = settings_limits(server->settings);
    /* Root gets in even if others have taken all there is. */
    limits.connections += host ? 0 : LOCAL_RESERVE;
    pthread_mutex_lock(&server->lock);
    bool room = connection && server->connection_count < limits.connections;
    if (host && server->login_count >= limits.logins)
        drop_oldest_login(server);
    if (room) {
        *connection =
            (struct connection){.server = server, .socket = socket, .host = host, .limits = limits};
        /* The local socket is root's alone: there is no login to wait for. */
        connection->logged_in = !host;
        connection->next = server->connections;
        server->connections = connection;
        server->connection_count++;
        server->login_count += host != NULL;
    }
    pthread_mutex_unlock(&server->lock);
    if (!room) {
        log_warning(AREA_NETCONF, "max-connections are there, so the one from %s is closed",
                    host ? host : "the local socket");
        server_limit_met(server, LIMIT_CONNECTIONS);
        free(connection);
        close(socket);
        free(host);
    } else if (!server_thread(host ? ssh_run : local_run, connection)) {
        log_error(AREA_NETCONF, "cannot start a thread for a connection");
        server_connection_ended(connection);
    }
}

/* Where descriptors have run out, the connection stays in the queue: do not spin. */
static void rest_if_short(int reason)
{
    if (reason != EAGAIN && reason != ECONNABORTED && reason != EINTR) {
        log_warning(AREA_NETCONF, "cannot accept a connection: %s", strerror(reason));
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
}

static void accept_one(struct netconf_server *server, uint64_t from)
{
    char *host = NULL;
    int socket = from == EVENT_LOCAL ? accept4(server->local, NULL, NULL, SOCK_CLOEXEC)
                                     : listeners_accept(server->listeners, from, &host);
    if (socket < 0)
        rest_if_short(errno);
    else
        begin_connection(server, socket, host);
}

static void *accept_all(void *arg)
{
    struct netconf_server *server = arg;
    for (;;) {
        struct epoll_event event;
        if (epoll_wait(listeners_descriptor(server->listeners), &event, 1, -1) != 1)
            continue;
        if (event.data.u64 == EVENT_WAKE)
            return NULL;
        accept_one(server, event.data.u64);
    }
}

/* The mode is given before the name, so that nobody else can ever open the socket. */
static enum outcome open_local(struct netconf_server *server, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (asprintf(&server->local_path, "%s/netconf.sock", server->agent->options.run_dir) < 0) {
        server->local_path = NULL;
        return fail_memory(err);
    }
    if (strlen(server->local_path) >= sizeof(address.sun_path))
        return fail(err, TAG_OPERATION_FAILED, NULL, "The path %s is too long for a socket.",
                    server->local_path);
    strcpy(address.sun_path, server->local_path);
    if (mkdir(server->agent->options.run_dir, 0755) && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the folder %s: %s.",
                    server->agent->options.run_dir, strerror(errno));
    server->local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    unlink(server->local_path);
    if (server->local < 0 || fchmod(server->local, 0600) ||
        bind(server->local, (struct sockaddr *)&address, sizeof(address)) ||
        chmod(server->local_path, 0600) || listen(server->local, SOMAXCONN))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the local socket %s: %s.",
                    server->local_path, strerror(errno));
    return DONE;
}

static void log_library(const struct nc_session *session, NC_VERB_LEVEL level, const char *message)
{
    /* Its errors are what clients do; what is ours is said by our own lines. */
    log_line(level == NC_VERB_ERROR ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, AREA_NETCONF,
             "session %u: %s", session ? nc_session_get_id(session) : 0, message);
}

static enum outcome begin_library(struct netconf_server *server, struct error *err)
{
    /* libnetconf2 sets libyang's log, too, which is the datastore's. */
    ly_log_clb libyang_log = ly_get_log_clb();
    LY_LOG_LEVEL level = ly_log_level(LY_LLWRN);
    nc_set_print_clb_session(log_library);
    nc_verbosity(log_wanted(LOG_LEVEL_DEBUG, AREA_NETCONF) ? NC_VERB_VERBOSE : NC_VERB_ERROR);
    ly_set_log_clb(libyang_log, 1);
    ly_log_level(level);
    if (nc_server_init(server->agent->schema->ctx))
        return fail(err, TAG_OPERATION_FAILED, NULL, "libnetconf2 cannot be started.");
    server->initialised = true;
    /* The one capability that libnetconf2 does not make of a feature. */
    nc_server_set_capability("urn:ietf:params:netconf:capability:url:1.0?scheme=file");
    if (ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY | LY_CTX_DISABLE_SEARCHDIRS, &server->bare))
        return fail_memory(err);
    nc_server_set_capab_withdefaults(NC_WD_EXPLICIT, NC_WD_ALL | NC_WD_ALL_TAG | NC_WD_TRIM);
    nc_server_set_capability("urn:ietf:params:netconf:capability:with-operational-defaults:1.0");
    library_register(server->agent);
    /* Beside what it finds in the modules (RFC 5277, 3.1.3 and 6.4). */
    nc_server_set_capability("urn:ietf:params:netconf:capability:notification:1.0");
    nc_server_set_capability("urn:ietf:params:netconf:capability:interleave:1.0");
    capabilities_compare(server->agent);
    return DONE;
}

static enum outcome begin_accepting(struct netconf_server *server, struct error *err)
{
    server->wake = eventfd(0, EFD_CLOEXEC);
    server->settings = settings_of(server->agent);
    server->listeners = settings_listeners(server->settings);
    int descriptor = listeners_descriptor(server->listeners);
    struct epoll_event wake = {.events = EPOLLIN, .data.u64 = EVENT_WAKE};
    struct epoll_event local = {.events = EPOLLIN, .data.u64 = EVENT_LOCAL};
    sigset_t all, before;
    if (server->wake < 0 || epoll_ctl(descriptor, EPOLL_CTL_ADD, server->wake, &wake) ||
        epoll_ctl(descriptor, EPOLL_CTL_ADD, server->local, &local))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot wait for connections: %s.",
                    strerror(errno));
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int result = pthread_create(&server->acceptor, NULL, accept_all, server);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (result)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot start a thread: %s.",
                    strerror(result));
    server->accepting = true;
    return DONE;
}

enum outcome netconf_server_start(struct agent *agent, struct error *err)
{
    struct netconf_server *server = calloc(1, sizeof(*server));
    if (!server)
        return fail_memory(err);
    pthread_condattr_t clock;
    pthread_condattr_init(&clock);
    pthread_condattr_setclock(&clock, CLOCK_MONOTONIC);
    server->agent = agent;
    server->started = clock_now();
    server->local = server->wake = -1;
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->ended, &clock);
    pthread_condattr_destroy(&clock);
    agent->netconf = server;
    enum outcome outcome = open_local(server, err);
    if (outcome == DONE)
        outcome = begin_library(server, err);
    if (outcome == DONE)
        outcome = begin_accepting(server, err);
    if (outcome == DONE)
        log_info(AREA_NETCONF, "the local socket is %s", server->local_path);
    return outcome;
}

/* Close every connection, and wait until its threads have noticed. */
static bool end_connections(struct netconf_server *server)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += STOP_TIME;
    int late = 0;
    pthread_mutex_lock(&server->lock);
    server->stopping = true;
    for (struct connection *c = server->connections; c; c = c->next)
        shutdown(c->socket, SHUT_RDWR);
    for (struct session *s = server->sessions; s; s = s->next)
        link_cut(s->link);
    while ((server->connections || server->sessions) && !late)
        late = pthread_cond_timedwait(&server->ended, &server->lock, &deadline);
    pthread_mutex_unlock(&server->lock);
    return !late;
}

void netconf_server_stop(struct agent *agent)
{
    struct netconf_server *server = agent->netconf;
    if (!server)
        return;
    if (server->accepting && write(server->wake, &(uint64_t){1}, sizeof(uint64_t)) > 0)
        pthread_join(server->acceptor, NULL);
    if (server->local >= 0)
        close(server->local);
    if (server->local_path)
        unlink(server->local_path);
    if (!end_connections(server)) {
        log_error(AREA_NETCONF, "a session did not end in %d s and is left alone", STOP_TIME);
        return; /* agent->netconf stays set: what it uses must not be freed */
    }
    if (server->wake >= 0)
        close(server->wake);
    if (server->initialised)
        nc_server_destroy();
    ly_ctx_destroy(server->bare);
    free(server->local_path);
    pthread_mutex_destroy(&server->lock);
    pthread_cond_destroy(&server->ended);
    free(server);
    agent->netconf = NULL;
}
