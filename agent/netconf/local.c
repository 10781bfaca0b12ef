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
static bool send_output(int socket, struct text *out)
{
    while (out->length) {
        ssize_t count = send(socket, out->data, out->length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0)
            return errno == EAGAIN || errno == EINTR;
        text_drop(out, (size_t)count);
    }
    return true;
}

static bool take_input(int socket, struct link *link)
{
    char bytes[32768];
    ssize_t count = recv(socket, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (count < 0)
        return errno == EAGAIN || errno == EINTR;
    if (count)
        return link_input(link, bytes, (size_t)count);
    link_input_end(link);
    return true;
}

static void carry(int socket, struct link *link)
{
    bool on = true;
    while (on || link->out.length) {
        bool sending = link->out.length > 0;
        struct pollfd ready[] = {
            {.fd = link->input_ended && !sending ? -1 : socket,
             .events = (link->input_ended ? 0 : POLLIN) | (sending ? POLLOUT : 0)},
            {.fd = sending ? -1 : link->near, .events = POLLIN},
            {.fd = sending ? -1 : link->wake, .events = POLLIN},
        };
        if (poll(ready, 3, -1) <= 0)
            continue;
        if (ready[0].revents & (POLLERR | POLLNVAL))
            break;
        if (!link->input_ended && ready[0].revents && !take_input(socket, link))
            break;
        if (ready[1].revents || ready[2].revents)
            on = link_output(link);
        if (!send_output(socket, &link->out))
            break;
    }
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
        carry(connection->socket, link);
        link_cut(link);
        link_unref(link);
    }
    server_connection_ended(connection);
    return NULL;
}
