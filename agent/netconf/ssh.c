/*
 * Connections over SSH (RFC 6242): key exchange, login, and channels with the subsystem "netconf",
 * each of which is a session. All of a connection is done by its one thread.
 */
#include <libssh/callbacks.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/hostkey.h"
#include "agent/netconf/internal.h"

/* Sessions that a client may have over one connection. */
#define CHANNELS_MAX 8

/* What is given to libssh at once; it takes as much as the client has a window for, up to 4 GB. */
#define PIECE_MAX ((size_t)256 << 10)

/* A channel. */
struct channel {
    struct ssh_client *client;
    ssh_channel channel;
    struct link *link;             /* NULL until the subsystem has been asked for. */
    bool near_watched, near_ready; /* Of the link: its session's end, or hello. */
    bool wake_watched, wake_ready; /* Its output; not while there is some to be taken. */
    bool held;        /* libssh may hold input, or its end, that the link did not want yet. */
    bool eof;         /* The client sends no more. */
    bool ended;       /* We have closed the channel. */
    bool closed;      /* The client has. */
    int64_t deadline; /* For what the client is to do next, in ms; 0: there is none. */
    struct ssh_channel_callbacks_struct callbacks;
    struct channel *next;
};

/* A client. */
struct ssh_client {
    struct connection *connection;
    ssh_session ssh;
    ssh_event event;
    char *user; /* Of the last attempt, then of the login. */
    int attempts;
    bool logged_in;
    bool over;
    int64_t deadline; /* For the login, or while there is no channel; in ms. */
    struct channel *channels;
    size_t channel_count;
    struct ssh_server_callbacks_struct callbacks;
};

static int64_t milliseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t login_deadline(const struct ssh_client *client)
{
    return milliseconds_now() + client->connection->limits.login_time * 1000;
}

/* Login. */

static int finish_attempt(struct ssh_client *client, const char *user, const char *method,
                          bool good)
{
    const char *host = client->connection->host;
    if (good) {
        free(client->user);
        client->user = strdup(user);
        client->logged_in = client->user != NULL;
        log_info(AREA_SSH, "user %s logged in from %s by %s", user, host, method);
        server_logged_in(client->connection);
        return SSH_AUTH_SUCCESS;
    }
    log_notice(AREA_SSH, "login of user %s from %s by %s failed", user, host, method);
    client->over = ++client->attempts >= client->connection->limits.login_attempts;
    if (client->over)
        server_limit_met(client->connection->server, LIMIT_LOGIN_ATTEMPTS);
    return SSH_AUTH_DENIED;
}

static int on_none(ssh_session ssh, const char *user, void *arg)
{
    return SSH_AUTH_DENIED; /* it asks what methods there are */
}

static int on_password(ssh_session ssh, const char *user, const char *password, void *arg)
{
    struct ssh_client *client = arg;
    if (client->logged_in || client->over || !user || !password)
        return SSH_AUTH_DENIED;
    bool good = auth_password(client->connection->server->agent, user, password);
    return finish_attempt(client, user, "password", good);
}

/* Without a signature the client only asks whether it is worth while to make one. */
static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state,
                  void *arg)
{
    struct ssh_client *client = arg;
    if (client->logged_in || client->over || !user || !key)
        return SSH_AUTH_DENIED;
    bool known = auth_key(client->connection->server->agent, user, key);
    if (state == SSH_PUBLICKEY_STATE_NONE && known)
        return SSH_AUTH_SUCCESS;
    return finish_attempt(client, user, "public key", known && state == SSH_PUBLICKEY_STATE_VALID);
}

/* Channels. */

static int on_data(ssh_session ssh, ssh_channel channel, void *data, uint32_t length, int is_stderr,
                   void *arg)
{
    struct channel *self = arg;
    if (!self->link || self->ended || is_stderr)
        return (int)length;
    self->held = !link_wants_input(self->link);
    if (self->held)
        return 0; /* and so the client's window closes */
    link_input(self->link, data, length);
    return (int)length;
}

static void on_eof(ssh_session ssh, ssh_channel channel, void *arg)
{
    struct channel *self = arg;
    self->eof = self->held = true;
}

static void on_close(ssh_session ssh, ssh_channel channel, void *arg)
{
    ((struct channel *)arg)->closed = true;
}

static int on_ready(socket_t socket, int events, void *arg)
{
    struct channel *self = arg;
    *(socket == self->link->near ? &self->near_ready : &self->wake_ready) = true;
    return 0;
}

static void watch(struct channel *channel, int descriptor, bool *watched, bool on)
{
    ssh_event event = channel->client->event;
    if (*watched == on)
        return;
    *watched = on;
    if (on)
        ssh_event_add_fd(event, descriptor, POLLIN, on_ready, channel);
    else
        ssh_event_remove_fd(event, descriptor);
}

static void watch_near(struct channel *channel, bool on)
{
    watch(channel, channel->link->near, &channel->near_watched, on);
}

static void watch_wake(struct channel *channel, bool on)
{
    watch(channel, channel->link->wake, &channel->wake_watched, on);
}

static int on_subsystem(ssh_session ssh, ssh_channel channel, const char *subsystem, void *arg)
{
    struct channel *self = arg;
    struct ssh_client *client = self->client;
    if (!client->logged_in || self->link || strcmp(subsystem, "netconf"))
        return SSH_ERROR;
    self->link = session_begin(client->connection, client->user, false);
    self->deadline = self->link ? 0 : self->deadline;
    return self->link ? SSH_OK : SSH_ERROR;
}

static ssh_channel on_channel(ssh_session ssh, void *arg)
{
    struct ssh_client *client = arg;
    if (!client->logged_in || client->channel_count == CHANNELS_MAX)
        return NULL;
    struct channel *channel = calloc(1, sizeof(*channel));
    if (!channel || !(channel->channel = ssh_channel_new(ssh))) {
        free(channel);
        return NULL;
    }
    channel->client = client;
    channel->deadline = login_deadline(client);
    channel->callbacks = (struct ssh_channel_callbacks_struct){
        .userdata = channel,
        .channel_data_function = on_data,
        .channel_eof_function = on_eof,
        .channel_close_function = on_close,
        .channel_subsystem_request_function = on_subsystem,
    };
    ssh_callbacks_init(&channel->callbacks);
    ssh_set_channel_callbacks(channel->channel, &channel->callbacks);
    channel->next = client->channels;
    client->channels = channel;
    client->channel_count++;
    return channel->channel;
}

static void free_channel(struct channel *channel)
{
    if (channel->link) {
        watch_near(channel, false);
        watch_wake(channel, false);
        link_cut(channel->link);
        link_unref(channel->link);
    }
    ssh_remove_channel_callbacks(channel->channel, &channel->callbacks);
    ssh_channel_free(channel->channel);
    channel->client->channel_count--;
    free(channel);
}

/* Take what libssh kept, as far as the link wants it. */
static void take_held(struct channel *channel)
{
    struct link *link = channel->link;
    char bytes[32768];
    while (channel->held && link_wants_input(link)) {
        int count =
            ssh_channel_read_nonblocking(channel->channel, bytes, (uint32_t)sizeof(bytes), 0);
        channel->held = count > 0;
        if (count > 0)
            link_input(link, bytes, (size_t)count);
        else if (channel->eof)
            link_input_end(link);
    }
}

/* Write as much as the client has a window for. Returns false if the channel is of no use. */
static bool send_output(struct channel *channel)
{
    struct link *link = channel->link;
    for (;;) {
        size_t length;
        const char *bytes = link_unsent(link, &length);
        size_t window = ssh_channel_window_size(channel->channel);
        length = length < window ? length : window;
        /* What libssh has not got rid of is enough: a window says nothing of the connection. */
        if (!length || ssh_get_status(channel->client->ssh) & SSH_WRITE_PENDING)
            return true;
        length = length < PIECE_MAX ? length : PIECE_MAX;
        int count = ssh_channel_write(channel->channel, bytes, (uint32_t)length);
        if (count <= 0)
            return !count;
        link_sent(link, (size_t)count);
        if (link->gone)
            channel->deadline = milliseconds_now() + LINK_LINGER_MS;
    }
}

static void end_channel(struct channel *channel)
{
    channel->ended = true;
    channel->deadline = milliseconds_now() + LINK_LINGER_MS;
    watch_near(channel, false);
    watch_wake(channel, false);
    ssh_channel_request_send_exit_status(channel->channel, 0);
    ssh_channel_send_eof(channel->channel);
    ssh_channel_close(channel->channel);
}

static bool has_output(const struct channel *channel)
{
    size_t length;
    link_unsent(channel->link, &length);
    return length > 0;
}

static void serve_channel(struct channel *channel)
{
    struct link *link = channel->link;
    if (!link || channel->ended)
        return;
    bool good = send_output(channel);
    if (good && (channel->near_ready || (channel->wake_ready && !has_output(channel)))) {
        channel->near_ready = channel->wake_ready = false;
        link_output(link);
        good = send_output(channel);
    }
    take_held(channel);
    if (!good || (link->gone && !has_output(channel))) {
        end_channel(channel);
        return;
    }
    if (link->gone && !channel->deadline)
        channel->deadline = milliseconds_now() + LINK_LINGER_MS;
    watch_near(channel, !link->gone);
    watch_wake(channel, !link->gone && !has_output(channel));
}

/* The client has closed it, or has not done in time what it was to do. */
static bool is_over(const struct channel *channel)
{
    if (channel->closed || !channel->deadline || milliseconds_now() < channel->deadline)
        return channel->closed;
    const struct connection *connection = channel->client->connection;
    log_info(AREA_SSH, "%s took too long to %s", connection->host,
             channel->link ? "take what it was sent" : "ask for the subsystem");
    if (!channel->link)
        server_limit_met(connection->server, LIMIT_LOGIN_TIME);
    return true;
}

static void serve_channels(struct ssh_client *client)
{
    struct channel **place = &client->channels;
    while (*place) {
        struct channel *channel = *place;
        if (is_over(channel)) {
            *place = channel->next;
            free_channel(channel);
            if (!client->channels)
                client->deadline = login_deadline(client);
        } else {
            serve_channel(channel);
            place = &channel->next;
        }
    }
}

/* The connection. */

/* What no callback has taken is refused: shells, commands, forwarding. */
static int on_message(ssh_session ssh, ssh_message message, void *arg)
{
    return 1;
}

static void log_libssh(int priority, const char *function, const char *line, void *arg)
{
    log_debug(AREA_SSH, "%s", line);
}

static bool exchange_keys(struct ssh_client *client)
{
    struct connection *connection = client->connection;
    long limit = connection->limits.login_time;
    int own = dup(connection->socket); /* libssh closes it */
    ssh_callbacks_init(&client->callbacks);
    ssh_set_server_callbacks(client->ssh, &client->callbacks);
    ssh_set_message_callback(client->ssh, on_message, NULL);
    ssh_set_auth_methods(client->ssh, SSH_AUTH_METHOD_PASSWORD | SSH_AUTH_METHOD_PUBLICKEY);
    ssh_options_set(client->ssh, SSH_OPTIONS_TIMEOUT, &limit);
    struct hostkeys *keys = settings_hostkeys(connection->server->settings);
    int result = own < 0 ? SSH_ERROR : hostkeys_accept(keys, client->ssh, own);
    if (result != SSH_OK) {
        log_warning(AREA_SSH, "libssh did not take the connection of %s", connection->host);
        if (own >= 0)
            close(own);
        return false;
    }
    if (ssh_handle_key_exchange(client->ssh) != SSH_OK) {
        log_info(AREA_SSH, "no key exchange with %s: %s", connection->host,
                 ssh_get_error(client->ssh));
        if (milliseconds_now() >= client->deadline)
            server_limit_met(connection->server, LIMIT_LOGIN_TIME);
        return false;
    }
    ssh_set_blocking(client->ssh, 0);
    return true;
}

/* Until when something has to happen, in ms; INT64_MAX: nothing has to. */
static int64_t next_deadline(const struct ssh_client *client)
{
    int64_t next = INT64_MAX;
    if (!client->channels || !client->logged_in)
        return client->deadline;
    for (const struct channel *c = client->channels; c; c = c->next)
        if (c->deadline && c->deadline < next)
            next = c->deadline;
    return next;
}

static void serve_client(struct ssh_client *client)
{
    while (!client->over) {
        int64_t deadline = next_deadline(client);
        bool limited = deadline < INT64_MAX;
        int64_t left = limited ? deadline - milliseconds_now() : 0;
        left = left > 0 ? left : 0;
        if (limited && !left && (!client->channels || !client->logged_in)) {
            log_info(AREA_SSH, "%s took too long to %s", client->connection->host,
                     client->logged_in ? "open a channel" : "log in");
            server_limit_met(client->connection->server, LIMIT_LOGIN_TIME);
            return;
        }
        if (ssh_event_dopoll(client->event, limited ? (int)left : -1) == SSH_ERROR)
            return;
        serve_channels(client);
    }
}

void *ssh_run(void *arg)
{
    struct ssh_client client = {.connection = arg};
    client.callbacks = (struct ssh_server_callbacks_struct){
        .userdata = &client,
        .auth_none_function = on_none,
        .auth_password_function = on_password,
        .auth_pubkey_function = on_key,
        .channel_open_request_session_function = on_channel,
    };
    ssh_set_log_callback(log_libssh);
    ssh_set_log_level(log_wanted(LOG_LEVEL_DEBUG, AREA_SSH) ? SSH_LOG_PROTOCOL : SSH_LOG_NOLOG);
    client.ssh = ssh_new();
    client.event = ssh_event_new();
    client.deadline = login_deadline(&client);
    if (client.ssh && client.event && exchange_keys(&client) &&
        ssh_event_add_session(client.event, client.ssh) == SSH_OK)
        serve_client(&client);
    while (client.channels) {
        struct channel *next = client.channels->next;
        free_channel(client.channels);
        client.channels = next;
    }
    if (client.event)
        ssh_event_free(client.event);
    if (client.ssh) {
        ssh_disconnect(client.ssh);
        ssh_free(client.ssh);
    }
    free(client.user);
    server_connection_ended(client.connection);
    return NULL;
}
