/*
 * The NETCONF server's inside: what its files share.
 *
 * Threads: one accepts connections; each connection has one, which speaks SSH or reads the local
 * socket; each session has one, in which our operations run. None of them shares anything with
 * another but what the server's lock guards, and links (link.h).
 *
 * libnetconf2 2.0.24 could listen and speak SSH itself, but it polls all sessions in steps of 100
 * microseconds as long as there is one, lets one client at a time log in, and holds the lock that a
 * change of its addresses needs for as long as that client takes. So it is given sessions that are
 * connected and authenticated already (nc_accept_inout()), and exchanges the hello messages. It
 * reads requests by octets, at 40 system calls for a small one, and writes replies by pieces: from
 * the hello messages on, requests are read and answered here (rpc.c, reply.c).
 */
#ifndef NORIA_NETCONF_INTERNAL_H
#define NORIA_NETCONF_INTERNAL_H

#include <libssh/libssh.h>
#include <libssh/server.h>
#include <nc_server.h>

#include "agent/netconf/link.h"
#include "agent/netconf/server.h"
#include "agent/transaction/operations.h"

/** What clients may take, from /noria-agent:netconf-server. */
struct netconf_limits {
    size_t connections;   /**< At a time. */
    size_t logins;        /**< Of these, on the way to a login. */
    long login_time;      /**< For key exchange, login and the subsystem, in seconds. */
    int login_attempts;   /**< That may fail before the connection is closed. */
    size_t message;       /**< The longest message, in bytes. */
    size_t sessions;      /**< Over SSH, at a time. */
    size_t user_sessions; /**< Of these, of one user. */
};

/** Limits; of each is counted how often a client met it. */
enum limit {
    LIMIT_CONNECTIONS,
    LIMIT_LOGINS,
    LIMIT_SESSIONS,
    LIMIT_USER_SESSIONS,
    LIMIT_LOGIN_ATTEMPTS,
    LIMIT_LOGIN_TIME,
    LIMIT_HELLO_TIME,
    LIMIT_IDLE_TIME,
    LIMIT_MESSAGE,
    LIMITS
};

struct listeners;
struct settings;
struct subscription;

/** What is counted of each session and of all together (RFC 6022, common-counters). */
enum counter {
    COUNT_IN_RPCS,
    COUNT_IN_BAD_RPCS,
    COUNT_OUT_RPC_ERRORS,
    COUNT_OUT_NOTIFICATIONS,
    COUNTERS
};

/** A session; the registry of the server holds it as long as its thread runs. */
struct session {
    struct netconf_server *server;
    struct link *link; /**< One reference. */
    char *user;        /**< Login name. Owned. */
    char *host;        /**< Address of the client, or NULL for the local socket. Owned. */
    bool local;        /**< Over the local socket, so of root: never set for another one. */
    uint32_t id;       /**< NETCONF session-id, 0 until the hello messages. Server's lock. */
    bool killed;       /**< By kill-session. Server's lock. */
    int64_t login;     /**< Nanoseconds since 1970 UTC. */
    uint32_t counts[COUNTERS];         /**< Server's lock. */
    uint32_t killer;                   /**< Session that did it. Server's lock. */
    bool chunked;                      /**< It speaks base:1.1. Own thread. */
    bool closed;                       /**< By close-session. Own thread. */
    bool idle;                         /**< It ends for having asked nothing. Own thread. */
    struct subscription *subscription; /**< To events, or NULL. Own thread. */
    struct session *next;
};

/** A connection; the registry of the server holds it as long as its thread runs. */
struct connection {
    struct netconf_server *server;
    int socket;
    char *host;     /**< Address of the client, or NULL for the local socket. Owned. */
    bool logged_in; /**< It does not count as one on the way to a login. Server's lock. */
    struct netconf_limits limits; /**< As they were when it began. */
    struct connection *next;
};

/** The server. */
struct netconf_server {
    struct agent *agent;
    struct settings *settings;
    struct listeners *listeners; /**< The settings' own. */
    int local;                   /**< The local socket. */
    char *local_path;
    int wake; /**< Tells the acceptor to end. */
    pthread_t acceptor;
    bool accepting; /**< The acceptor runs. */
    bool initialised;
    int64_t started;          /**< Nanoseconds since 1970 UTC. */
    struct ly_ctx *bare;      /**< Has no modules: for reading XML as it is. */
    atomic_uint hits[LIMITS]; /**< How often a limit was met. */
    pthread_mutex_t lock;     /**< Guards what follows. */
    pthread_cond_t ended;     /**< A session or a connection has ended. */
    bool stopping;
    struct session *sessions;
    struct connection *connections;
    size_t connection_count;
    size_t login_count;
    uint32_t session_count; /**< Ever begun. */
    uint32_t bad_hellos;
    uint32_t dropped_sessions;
    uint32_t counts[COUNTERS];
};

/* connection.c */

/**
 * Start a thread that takes no signals and that nobody waits for.
 * @return Whether it runs.
 */
bool server_thread(void *(*function)(void *arg), void *arg);

/** The login of a connection is done. Any thread. */
void server_logged_in(struct connection *connection);

/** A connection is over: close its socket and forget it. The connection's thread, at its end. */
void server_connection_ended(struct connection *connection);

/* ssh.c, local.c */

/** A connection's thread: speak SSH until it ends. @param arg The connection. */
void *ssh_run(void *arg);

/** A connection's thread: carry bytes of the local socket. @param arg The connection. */
void *local_run(void *arg);

/** A client met a limit. Any thread. */
static inline void server_limit_met(struct netconf_server *server, enum limit limit)
{
    atomic_fetch_add_explicit(&server->hits[limit], 1, memory_order_relaxed);
}

/* session.c */

/**
 * Begin a session: hello, then requests until it ends, in a thread of its own.
 * @param user Login name; copied.
 * @param local It came over the local socket; root is not under access control.
 * @return The link, the caller's reference to it; NULL if it cannot be done.
 */
struct link *session_begin(const struct connection *connection, const char *user, bool local);

/* sessions.c */

/**
 * Register a session, if there are not too many. Root's, over the local socket, always may be.
 * Any thread.
 * @return The limit that was met; LIMITS: it is registered.
 */
enum limit session_register(struct session *session);

/** End the registration of a session, and free it. Its own thread, at its end. */
void session_forget(struct session *session);

/** Free a session that is not registered; NULL is none. */
void session_free(struct session *session);

/** Who asks when this session does. Borrows from the session; its thread, after the hello. */
struct origin session_origin(const struct session *session);

/**
 * End a session of another client (kill-session, RFC 6241, 7.9) and wait until its locks are free,
 * but not for an operation that takes long. Any session's thread.
 * @param killer The session that asks for it.
 * @return Whether there was such a session.
 */
bool session_kill(const struct session *killer, uint32_t id);

/* monitoring.c */

/** Add how much of the limits is used, and how often they were met, to a node "state". Any thread.
 */
enum outcome monitoring_limits(struct netconf_server *server, struct lyd_node *state,
                               struct error *err);

/** Count something that has happened in a session. Any thread, without the server's lock. */
void session_count(struct session *session, enum counter counter);

/* library.c */

/** Have libnetconf2 advertise our content-id of the YANG library. Before the first session. */
void library_register(struct agent *agent);

/* capabilities.c */

/** Tell subscribers if the server can do other things than when it last ran. Before sessions. */
void capabilities_compare(struct agent *agent);

/* auth.c */

/** Whether a password is the user's, by the running configuration. Any thread; takes its time. */
bool auth_password(struct agent *agent, const char *user, const char *password);

/** Whether a user may log in with a public key, by the running configuration. Any thread. */
bool auth_key(struct agent *agent, const char *user, ssh_key key);

/* settings.c: the backend of /noria-agent:netconf-server. */

/** The settings of the backend of an agent. @return Borrowed; they end after the server. */
struct settings *settings_of(struct agent *agent);

/** Their listeners and host keys. Borrowed. Any thread. */
struct listeners *settings_listeners(struct settings *settings);
struct hostkeys *settings_hostkeys(struct settings *settings);

/** The limits of the running configuration. Any thread. */
struct netconf_limits settings_limits(struct settings *settings);

/* listen.c */

/** Open the listeners that a configuration says; those that cannot be had are tried again. */
enum outcome listeners_new(struct backend *backend, const struct snapshot *running,
                           struct listeners **made, struct error *err);

/** Whether the listeners of a configuration can be had. Core thread. */
enum outcome listeners_check(struct listeners *listeners, const struct snapshot *after,
                             struct error *err);

/**
 * Go over to the listeners of a configuration. Core thread.
 * @param err NULL: those that cannot be had are no failure.
 */
enum outcome listeners_become(struct listeners *listeners, const struct snapshot *snapshot,
                              struct error *err);

/** Close all. Core thread, with its loop still to run. */
void listeners_free(struct listeners *listeners);

/** An epoll(7) descriptor for all of them; events carry numbers of listeners, from 16 on. */
int listeners_descriptor(struct listeners *listeners);

/**
 * Take a connection from a listener. The acceptor's thread.
 * @param[out] host Address of the client. To be freed.
 * @return Its socket, or -1 with errno: EAGAIN if there is none (any more).
 */
int listeners_accept(struct listeners *listeners, uint64_t number, char **host);

#endif
