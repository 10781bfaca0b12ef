/*
 * What the threads of connections and sessions share: how each begins, and what the server knows
 * of a connection.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/netconf/internal.h"

bool server_thread(void *(*function)(void *arg), void *arg)
{
    sigset_t all, before;
    pthread_attr_t attributes;
    pthread_t thread;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = !pthread_create(&thread, &attributes, function, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return started;
}

void server_logged_in(struct connection *connection)
{
    struct netconf_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    if (!connection->logged_in)
        server->login_count--;
    connection->logged_in = true;
    pthread_mutex_unlock(&server->lock);
}

void server_connection_ended(struct connection *connection)
{
    struct netconf_server *server = connection->server;
    pthread_mutex_lock(&server->lock);
    struct connection **place = &server->connections;
    while (*place != connection)
        place = &(*place)->next;
    *place = connection->next;
    server->connection_count--;
    server->login_count -= !connection->logged_in;
    close(connection->socket);
    free(connection->host);
    free(connection);
    pthread_cond_broadcast(&server->ended);
    pthread_mutex_unlock(&server->lock);
}
