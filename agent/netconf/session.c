/*
 * Sessions: the thread of each, in which libnetconf2 reads requests, and the registry.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/log.h"
#include "agent/netconf/internal.h"
#include "agent/netconf/rpc.h"

/* How long libnetconf2 may wait for a lock of its own; data is there when it is called. */
#define LIBRARY_TIME_MS 60000

/* The longest sleep, so that a new idle-timeout is noticed. */
#define SLEEP_MS 30000

/* How long kill-session waits for the end of the session. */
#define KILL_TIME 2

static void register_session(struct session *session)
{
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    session->next = server->sessions;
    server->sessions = session;
    if (server->stopping)
        link_cut(session->link);
    pthread_mutex_unlock(&server->lock);
}

static void forget_session(struct session *session)
{
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    struct session **place = &server->sessions;
    while (*place != session)
        place = &(*place)->next;
    *place = session->next;
    link_unref(session->link);
    free(session->user);
    free(session->host);
    free(session);
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->lock);
}

static struct session *find_session(struct netconf_server *server, uint32_t id)
{
    struct session *session = server->sessions;
    while (session && session->id != id)
        session = session->next;
    return session;
}

bool session_kill(struct netconf_server *server, uint32_t id)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += KILL_TIME;
    pthread_mutex_lock(&server->lock);
    struct session *session = id ? find_session(server, id) : NULL;
    bool found = session != NULL;
    if (found) {
        session->killed = true;
        link_cut(session->link);
    }
    int late = 0;
    while (found && !late && !server->stopping && find_session(server, id))
        late = pthread_cond_timedwait(&server->ended, &server->lock, &deadline);
    pthread_mutex_unlock(&server->lock);
    return found;
}

static int64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

/* Sleep until a request comes. Returns false if the session is over. */
static bool wait_for_request(struct session *session)
{
    int64_t since = seconds_now();
    for (;;) {
        struct pollfd ready = {.fd = session->link->far, .events = POLLIN};
        int64_t idle = seconds_now() - since, limit = nc_server_get_idle_timeout();
        if (limit && idle >= limit) {
            log_info(AREA_NETCONF, "session %u: idle for %lld s", session->id, (long long)idle);
            return false;
        }
        int64_t sleep = limit ? (limit - idle) * 1000 : SLEEP_MS;
        int count = poll(&ready, 1, (int)(sleep < SLEEP_MS ? sleep : SLEEP_MS));
        if (count > 0)
            return ready.revents == POLLIN;
    }
}

/* Let libnetconf2 take one request and answer it. Returns false if the session is over. */
static bool serve_request(struct session *session, struct nc_session *nc,
                          struct nc_pollsession *sessions)
{
    struct ly_ctx *ctx = session->server->agent->schema->ctx;
    ly_err_clean(ctx, NULL);
    int result = nc_ps_poll(sessions, LIBRARY_TIME_MS, NULL);
    bool bad = result & NC_PSPOLL_BAD_RPC;
    if (bad)
        rpc_explain(session, nc_session_get_version(nc) == 1);
    link_done(session->link, bad);
    return !(result & (NC_PSPOLL_SESSION_TERM | NC_PSPOLL_ERROR | NC_PSPOLL_NOSESSIONS));
}

static void serve_requests(struct session *session, struct nc_session *nc)
{
    struct nc_pollsession *sessions = nc_ps_new();
    if (sessions && !nc_ps_add_session(sessions, nc)) {
        while (wait_for_request(session) && serve_request(session, nc, sessions)) {
        }
        nc_ps_del_session(sessions, nc);
    }
    nc_ps_free(sessions);
}

static void run_greeted(struct session *session, struct nc_session *nc)
{
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    session->id = nc_session_get_id(nc);
    pthread_mutex_unlock(&server->lock);
    nc_session_set_data(nc, session);
    log_info(AREA_NETCONF, "session %u: begins, user %s from %s, base:1.%d", session->id,
             session->user, session->host ? session->host : "the local socket",
             nc_session_get_version(nc));
    link_greeted(session->link, nc_session_get_version(nc) == 1);
    serve_requests(session, nc);
    datastore_session_ended(server->agent, session->id);
    pthread_mutex_lock(&server->lock);
    bool killed = session->killed;
    pthread_mutex_unlock(&server->lock);
    log_info(AREA_NETCONF, "session %u: ends%s", session->id, killed ? ", killed" : "");
    nc_session_free(nc, NULL);
}

static void *run_session(void *arg)
{
    struct session *session = arg;
    struct nc_session *nc = NULL;
    int far = session->link->far;
    NC_MSG_TYPE result = nc_accept_inout(far, far, session->user, &nc);
    if (result == NC_MSG_HELLO)
        run_greeted(session, nc);
    else
        log_info(AREA_NETCONF, "no hello from user %s at %s", session->user,
                 session->host ? session->host : "the local socket");
    ly_err_clean(session->server->agent->schema->ctx, NULL);
    link_cut(session->link);
    forget_session(session);
    return NULL;
}

struct link *session_begin(const struct connection *connection, const char *user, bool local)
{
    struct netconf_server *server = connection->server;
    const char *host = connection->host;
    struct session *session = calloc(1, sizeof(*session));
    struct link *link = link_new(connection->limits.message);
    if (session && link) {
        *session =
            (struct session){.server = server, .link = link, .user = strdup(user), .local = local};
        session->host = host ? strdup(host) : NULL;
        register_session(session);
        if (session->user && (session->host || !host) && server_thread(run_session, session))
            return link;
        forget_session(session);
    } else {
        free(session);
        link_unref(link);
    }
    log_error(AREA_NETCONF, "cannot begin a session for user %s: out of resources", user);
    link_unref(link);
    return NULL;
}
