/*
 * The registry of sessions: who is there, whether one more may be, and their end by others.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/netconf/internal.h"

/* How long kill-session waits for the end of the session. */
#define KILL_TIME 2

/* Whether one more session may begin; LIMITS is yes. Server's lock. */
static enum limit check_room(const struct netconf_server *server, const char *user,
                             const struct netconf_limits *limits)
{
    size_t all = 0, own = 0;
    for (const struct session *s = server->sessions; s; s = s->next) {
        all += !s->local;
        own += !s->local && !strcmp(s->user, user);
    }
    if (own >= limits->user_sessions)
        return LIMIT_USER_SESSIONS;
    return all >= limits->sessions ? LIMIT_SESSIONS : LIMITS;
}

enum limit session_register(struct session *session)
{
    struct netconf_server *server = session->server;
    struct netconf_limits limits = settings_limits(server->settings);
    pthread_mutex_lock(&server->lock);
    enum limit met = session->local ? LIMITS : check_room(server, session->user, &limits);
    if (met == LIMITS) {
        session->next = server->sessions;
        server->sessions = session;
        if (server->stopping)
            link_cut(session->link);
    }
    pthread_mutex_unlock(&server->lock);
    return met;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    link_unref(session->link);
    free(session->user);
    free(session->host);
    free(session);
}

void session_forget(struct session *session)
{
    struct netconf_server *server = session->server;
    pthread_mutex_lock(&server->lock);
    struct session **place = &server->sessions;
    while (*place != session)
        place = &(*place)->next;
    *place = session->next;
    session_free(session);
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

struct origin session_origin(const struct session *session)
{
    return (struct origin){.user = session->user,
                           .protocol = "netconf",
                           .session = session->id,
                           .host = session->host,
                           /* The local socket is root's alone, so that root can repair what keeps
                              all others out. */
                           .recovery = session->local};
}

bool session_kill(const struct session *killer, uint32_t id)
{
    struct netconf_server *server = killer->server;
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += KILL_TIME;
    pthread_mutex_lock(&server->lock);
    struct session *session = id ? find_session(server, id) : NULL;
    bool found = session != NULL;
    if (found) {
        session->killed = true;
        session->killer = killer->id;
        link_drop(session->link); /* its client need not even read what it was told (7.9) */
    }
    int late = 0;
    while (found && !late && !server->stopping && find_session(server, id))
        late = pthread_cond_timedwait(&server->ended, &server->lock, &deadline);
    pthread_mutex_unlock(&server->lock);
    return found;
}
