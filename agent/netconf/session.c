/*
 * Sessions: the thread of each, in which its requests are served.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"
#include "agent/event/notices.h"
#include "agent/log.h"
#include "agent/memory.h"
#include "agent/netconf/internal.h"
#include "agent/netconf/rpc.h"
#include "agent/netconf/subscription.h"

/* The longest sleep, so that a new idle-timeout is noticed. */
#define SLEEP_MS 30000

static int64_t seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int shorter(int64_t a, int64_t b)
{
    return (int)(a < b ? a : b);
}

/*
 * Sleep until a request comes, and send notifications meanwhile. Returns false if the session is
 * over. A session with a subscription is never idle.
 */
static bool wait_for_request(struct session *session)
{
    int64_t since = seconds_now(), now = since;
    for (;;) {
        struct pollfd ready[] = {{.fd = session->link->far}, /* hangs up */
                                 {.fd = session->link->bell, .events = POLLIN}};
        int sleep = shorter(subscription_work(session), SLEEP_MS);
        if (session->subscription)
            since = now;
        int64_t idle = now - since, limit = nc_server_get_idle_timeout();
        if (limit && idle >= limit) {
            log_info(AREA_NETCONF, "session %u: idle for %lld s", session->id, (long long)idle);
            session->idle = true;
            server_limit_met(session->server, LIMIT_IDLE_TIME);
            return false;
        }
        if (limit)
            sleep = shorter((limit - idle) * 1000, sleep);
        int count = poll(ready, 2, sleep);
        if (count > 0 && ready[0].revents)
            return false;
        if (count > 0)
            link_heard(session->link);
        if (count > 0 && link_waits(session->link))
            return true;
        now = seconds_now();
    }
}

/* Serve one request. Returns false if the session is over. */
static bool serve_request(struct session *session)
{
    struct agent *agent = session->server->agent;
    struct text reply = {0};
    ly_err_clean(agent->schema->ctx, NULL);
    precedence_begin(&agent->precedence);
    bool answered = rpc_serve(session, &reply);
    if (answered)
        link_reply(session->link, &reply);
    precedence_end(&agent->precedence);
    text_free(&reply);
    memory_give_back();
    return answered && !session->closed;
}

/* Tell that a session has ended, and why (RFC 6470, 2.3). */
static void tell_end(struct session *session)
{
    struct origin origin = session_origin(session);
    pthread_mutex_lock(&session->server->lock);
    uint32_t killer = session->killer;
    bool killed = session->killed, stopping = session->server->stopping;
    if (!killed && !session->closed)
        session->server->dropped_sessions++;
    pthread_mutex_unlock(&session->server->lock);
    const char *reason = "dropped";
    if (killed)
        reason = "killed";
    else if (session->idle)
        reason = "timeout";
    else if (session->closed)
        reason = "closed";
    else if (stopping)
        reason = "other";
    log_info(AREA_NETCONF, "session %u: ends, %s", session->id, reason);
    event_session_end(session->server->agent, &origin, reason, killer);
}

static void run_greeted(struct session *session, struct nc_session *nc)
{
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    session->id = nc_session_get_id(nc);
    session->login = clock_now();
    pthread_mutex_unlock(&server->lock);
    session->chunked = nc_session_get_version(nc) == 1;
    log_info(AREA_NETCONF, "session %u: begins, user %s from %s, base:1.%d", session->id,
             session->user, session->host ? session->host : "the local socket", session->chunked);
    struct origin origin = session_origin(session);
    event_session_start(server->agent, &origin);
    link_greeted(session->link, session->chunked);
    while (wait_for_request(session) && serve_request(session)) {
    }
    subscription_end(session);
    datastore_session_ended(server->agent, session->id);
    tell_end(session);
    nc_session_free(nc, NULL);
}

/* There was no session, so its end is told only if the client is still there to be blamed. */
static void refuse_greeting(struct session *session, NC_MSG_TYPE result)
{
    struct origin origin = session_origin(session);
    struct pollfd hung_up = {.fd = session->link->far, .events = POLLRDHUP};
    bool dropped = poll(&hung_up, 1, 0) > 0;
    if (result == NC_MSG_WOULDBLOCK)
        server_limit_met(session->server, LIMIT_HELLO_TIME);
    log_info(AREA_NETCONF, "no hello from user %s at %s", session->user,
             session->host ? session->host : "the local socket");
    if (!dropped)
        event_session_end(session->server->agent, &origin,
                          result == NC_MSG_WOULDBLOCK ? "timeout" : "bad-hello", 0);
}

static void *run_session(void *arg)
{
    struct session *session = arg;
    struct nc_session *nc = NULL;
    int far = session->link->far;
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    server->session_count++; /* its hello is sent first */
    pthread_mutex_unlock(&server->lock);
    NC_MSG_TYPE result = nc_accept_inout(far, far, session->user, &nc);
    pthread_mutex_lock(&server->lock);
    server->bad_hellos += result != NC_MSG_HELLO;
    pthread_mutex_unlock(&server->lock);
    if (result == NC_MSG_HELLO)
        run_greeted(session, nc);
    else
        refuse_greeting(session, result);
    ly_err_clean(session->server->agent->schema->ctx, NULL);
    link_cut(session->link);
    session_forget(session);
    return NULL;
}

/* A session with its link, which has two references then; NULL for want of resources. */
static struct session *make_session(const struct connection *connection, const char *user,
                                    bool local)
{
    const char *host = connection->host;
    struct netconf_server *server = connection->server;
    struct session *session = calloc(1, sizeof(*session));
    if (!session)
        return NULL;
    *session = (struct session){.server = server, .local = local, .user = strdup(user)};
    session->host = host ? strdup(host) : NULL;
    session->link = link_new(connection->limits.message, &server->hits[LIMIT_MESSAGE]);
    if (session->user && session->link && (session->host || !host))
        return session;
    link_unref(session->link);
    session_free(session);
    return NULL;
}

struct link *session_begin(const struct connection *connection, const char *user, bool local)
{
    struct session *session = make_session(connection, user, local);
    struct link *link = session ? session->link : NULL;
    enum limit met = session ? session_register(session) : LIMITS;
    if (met != LIMITS) {
        log_warning(AREA_NETCONF, "no session for user %s from %s: there are %s already", user,
                    connection->host,
                    met == LIMIT_USER_SESSIONS ? "max-sessions-per-user" : "max-sessions");
        server_limit_met(connection->server, met);
        session_free(session);
        link_unref(link);
        return NULL;
    }
    if (session && server_thread(run_session, session))
        return link;
    log_error(AREA_NETCONF, "cannot begin a session for user %s: out of resources", user);
    if (session)
        session_forget(session);
    link_unref(link);
    return NULL;
}
