/*
 * Connections over the local socket: bytes from and to a link.
 */
#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/internal.h"

/* The socket is root's alone; a process that got hold of it otherwise is turned away. */
static bool peer_name(int socket, char *name, size_t size)
{
    struct ucred peer;
    socklen_t length = sizeof(peer);
    struct passwd entry, *found = NULL;
    char room[4096];
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) ||
        (peer.uid != 0 && peer.uid != geteuid()))
        return false;
    if (getpwuid_r(peer.uid, &entry, room, sizeof(room), &found) || !found ||
        strlen(found->pw_name) >= size)
        return false;
    strcpy(name, found->pw_name);
    return true;
}

/* Send what is there to be sent, as far as the client takes it. */
static bool send_output(int socket, struct link *link)
{
    size_t length;
    for (;;) {
        const char *bytes = link_unsent(link, &length);
        if (!length)
            return true;
        ssize_t count = send(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        link_sent(link, (size_t)count);
    }
}

static bool take_input(int socket, struct link *link)
{
    char bytes[32768];
    ssize_t count = recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count)
        link_input(link, bytes, (size_t)count);
    else
        link_input_end(link);
    return true;
}

/* Wait for one of the two ends, and carry what there is. Returns false if nothing is left to do. */
static bool carry(int socket, struct link *link)
{
    size_t unsent;
    link_unsent(link, &unsent);
    bool taking = !link->gone && !link->input_ended && link_wants_input(link);
    struct pollfd ready[] = {
        {.fd = taking || unsent ? socket : -1,
         .events = (taking ? POLLIN : 0) | (unsent ? POLLOUT : 0)},
        /* That the session has ended is seen also while the client takes its time. */
        {.fd = link->gone ? -1 : link->near, .events = POLLIN},
        {.fd = unsent ? -1 : link->wake, .events = POLLIN},
    };
    if (link->gone && !unsent)
        return false;
    int count = poll(ready, 3, link->gone ? LINK_LINGER_MS : -1);
    if (count <= 0)
        return count < 0 || !link->gone;
    if (ready[0].revents & (POLLERR | POLLNVAL))
        return false;
    if (taking && ready[0].revents & ~POLLOUT && !take_input(socket, link))
        return false;
    if (ready[1].revents || ready[2].revents)
        link_output(link);
    return send_output(socket, link);
}

void *local_run(void *arg)
{
    struct connection *connection = arg;
    char user[256];
    struct link *link = NULL;
    if (!peer_name(connection->socket, user, sizeof(user)))
        log_warning(AREA_NETCONF, "a process that is not root's is turned away");
    else
        link = session_begin(connection, user, true);
    server_logged_in(connection);
    if (link) {
        while (carry(connection->socket, link)) {
        }
        link_cut(link);
        link_unref(link);
    }
    server_connection_ended(connection);
    return NULL;
}
