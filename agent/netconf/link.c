/*
 * Links.
 */
#include "agent/netconf/link.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/log.h"

/* What may wait for the client before a notification, in bytes; those that follow wait in the queue
 * of events. */
#define HELD_MAX ((size_t)256 << 10)

/* What is taken of further messages while the session is at work, in bytes. */
#define AHEAD_MAX ((size_t)1 << 20)

struct link *link_new(size_t message_max, atomic_uint *too_long)
{
    struct link *link = calloc(1, sizeof(*link));
    int ends[2];
    if (!link)
        return NULL;
    link->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    link->bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (link->wake < 0 || link->bell < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends)) {
        if (link->wake >= 0)
            close(link->wake);
        if (link->bell >= 0)
            close(link->bell);
        free(link);
        return NULL;
    }
    link->near = ends[0];
    link->far = ends[1];
    link->in.limit = message_max;
    link->too_long = too_long;
    link->greeting = true;
    atomic_init(&link->refs, 2);
    pthread_mutex_init(&link->lock, NULL);
    return link;
}

void link_unref(struct link *link)
{
    if (!link || atomic_fetch_sub(&link->refs, 1) != 1)
        return;
    close(link->near);
    close(link->far);
    close(link->wake);
    close(link->bell);
    pthread_mutex_destroy(&link->lock);
    text_free(&link->in.received);
    text_free(&link->out);
    text_free(&link->message);
    text_free(&link->said);
    free(link);
}

void link_cut(struct link *link)
{
    atomic_store(&link->cut, true);
    shutdown(link->near, SHUT_RDWR);
}

void link_drop(struct link *link)
{
    atomic_store(&link->dropped, true);
    link_cut(link);
}

static void ring(int bell, struct link *link)
{
    if (write(bell, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        link_cut(link);
}

/* -- The hello messages, which libnetconf2 reads and writes ------------------------------------ */

/* Take what the session has written. */
static void collect(struct link *link)
{
    char bytes[16384];
    ssize_t count;
    while ((count = recv(link->near, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
        text_add(&link->out, bytes, (size_t)count);
    link->gone = !count;
}

/* Write to the session, which reads a message before it does anything else. */
static bool pass(struct link *link, const char *bytes, size_t length)
{
    while (length) {
        ssize_t count = send(link->near, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (count < 0) {
            struct pollfd ready = {.fd = link->near, .events = POLLIN | POLLOUT};
            poll(&ready, 1, -1);
            collect(link);
            if (link->gone || (ready.revents & POLLERR))
                return false;
            continue;
        }
        bytes += count;
        length -= (size_t)count;
    }
    return true;
}

/*
 * What is blank, the first of two, and what has no version of NETCONF in it (RFC 6241, 8.1) are a
 * hello to libnetconf2: of such a message it gets what it refuses.
 */
static bool pass_hello(struct link *link, const struct text *message)
{
    static const char version[] = "urn:ietf:params:netconf:base:1.", end[] = "]]>]]>";
    static const char bad[] = "<no-hello/>";
    bool good = link->look.outermost == 1 &&
                memmem(message->data, message->length, version, sizeof(version) - 1);
    return pass(link, good ? message->data : bad, good ? message->length : sizeof(bad) - 1) &&
           pass(link, end, sizeof(end) - 1);
}

/* -- The transport's thread -------------------------------------------------------------------- */

static void refuse_length(struct link *link)
{
    log_notice(AREA_NETCONF,
               "a session ends: its client sent more than max-message-size, %zu octets",
               link->in.limit);
    atomic_fetch_add(link->too_long, 1);
    link_cut(link);
}

/*
 * The first message of what has been received, the hello. It is to end with a mark, whatever is
 * agreed on (RFC 6242, 4.1). But if the server's hello comes before it has sent its own one,
 * ncclient 0.6.13 may frame that in chunks already, and then waits: as no XML begins as a chunk
 * does, it is taken.
 */
static enum frame_result first_message(struct link *link, struct text *message)
{
    const char *bytes = link->in.received.data;
    size_t length = frame_waiting(&link->in);
    if (length == 1 && bytes[0] == '\n')
        return FRAME_MORE;
    if (length >= 2 && bytes[0] == '\n' && bytes[1] == '#')
        link->hello_in_chunks =
            true; /* which it does not look like when a part of it is together */
    return frame_next(&link->in, link->hello_in_chunks, message);
}

/* Hand the next message over if the session waits for one. */
static void advance(struct link *link)
{
    struct text message = {0};
    pthread_mutex_lock(&link->lock);
    bool idle = !link->busy, chunked = link->chunked, greeting = link->greeting;
    pthread_mutex_unlock(&link->lock);
    if (!idle || atomic_load(&link->cut))
        return;
    enum frame_result result =
        greeting ? first_message(link, &message) : frame_next(&link->in, chunked, &message);
    if (result == FRAME_MORE) {
        if (link->input_ended)
            link_cut(link);
        return;
    }
    if (result == FRAME_TOO_LONG) {
        refuse_length(link);
        return;
    }
    struct frame_look look = {0};
    if (result == FRAME_MESSAGE)
        look = frame_look(message.data, message.length);
    if (look.has_remarks)
        frame_strip(&message);
    if (result == FRAME_BROKEN || look.wild) {
        log_notice(AREA_NETCONF, "a session ends: its client sent %s",
                   look.wild ? "a message with NUL, too deep, or with too long a start tag"
                             : "what is not framed as NETCONF");
        text_free(&message);
        link_cut(link);
        return;
    }
    pthread_mutex_lock(&link->lock);
    text_free(&link->message);
    link->message = message;
    link->look = look;
    link->busy = true;
    pthread_mutex_unlock(&link->lock);
    if (!greeting)
        ring(link->bell, link);
    else if (!pass_hello(link, &message))
        link_cut(link);
}

bool link_wants_input(const struct link *link)
{
    return !link->busy || frame_waiting(&link->in) < AHEAD_MAX;
}

void link_input(struct link *link, const void *bytes, size_t length)
{
    if (atomic_load(&link->cut))
        return; /* nobody will look at them */
    frame_add(&link->in, bytes, length);
    advance(link);
}

void link_input_end(struct link *link)
{
    link->input_ended = true;
    advance(link);
}

/* Move a text behind another one. */
static void move(struct text *to, struct text *from)
{
    if (to->length || to->failed) {
        text_add(to, from->data, from->length);
        text_free(from);
    } else {
        text_free(to);
        *to = *from;
        *from = (struct text){0};
    }
}

/* Take what the session has said. @return Whether it waits for another message. */
static bool take(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    bool done = link->done, starved = link->starved;
    if (done) {
        if (!link->greeted)
            collect(link); /* the end of the hello, which was written before the session said so */
        text_free(&link->message);
        link->busy = link->done = false;
        link->greeted = true;
    }
    move(&link->out, &link->said);
    link->starved = false;
    pthread_mutex_unlock(&link->lock);
    if (link->out.failed)
        link_cut(link);
    if (starved)
        ring(link->bell, link);
    return done;
}

bool link_output(struct link *link)
{
    uint64_t count;
    bool cut = atomic_load(&link->cut); /* before the last reply is looked for */
    if (read(link->wake, &count, sizeof(count)) < 0)
        count = 0; /* it is the session's hello, or its end */
    if (link->greeted)
        link->gone = cut;
    else
        collect(link);
    if (take(link))
        advance(link);
    if (atomic_load(&link->dropped))
        link_sent(link, link->out.length - link->sent);
    return !link->gone;
}

const char *link_unsent(const struct link *link, size_t *length)
{
    *length = link->out.length - link->sent;
    return link->out.data + link->sent;
}

void link_sent(struct link *link, size_t count)
{
    link->sent += count;
    if (link->sent < link->out.length)
        return;
    text_free(&link->out);
    link->sent = 0;
}

/* -- The session's thread ---------------------------------------------------------------------- */

bool link_waits(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    bool waits = link->busy && !link->done;
    pthread_mutex_unlock(&link->lock);
    return waits;
}

const struct text *link_message(struct link *link, bool *without_id)
{
    *without_id = !link->look.has_message_id;
    return &link->message;
}

const struct frame_look *link_look(const struct link *link)
{
    return &link->look;
}

void link_greeted(struct link *link, bool chunked)
{
    pthread_mutex_lock(&link->lock);
    link->greeting = false;
    link->chunked = chunked;
    link->done = true;
    pthread_mutex_unlock(&link->lock);
    ring(link->wake, link);
}

/* Say a message, with its framing (RFC 6242, 4.2 and 4.3). */
static void say(struct link *link, const struct text *xml, bool is_reply)
{
    char line[32];
    if (xml->failed) {
        link_cut(link); /* a part of it is nothing for the client */
        return;
    }
    pthread_mutex_lock(&link->lock);
    struct text *said = &link->said;
    if (link->chunked) {
        snprintf(line, sizeof(line), "\n#%zu\n", xml->length);
        text_add_string(said, line);
    }
    text_add(said, xml->data, xml->length);
    text_add_string(said, link->chunked ? "\n##\n" : "]]>]]>");
    link->done |= is_reply;
    bool failed = said->failed;
    pthread_mutex_unlock(&link->lock);
    if (failed)
        link_cut(link);
    else
        ring(link->wake, link);
}

void link_reply(struct link *link, const struct text *xml)
{
    say(link, xml, true);
}

bool link_has_room(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    bool room = link->said.length < HELD_MAX;
    link->starved = !room;
    pthread_mutex_unlock(&link->lock);
    return room;
}

void link_notify(struct link *link, const struct text *xml)
{
    say(link, xml, false);
}

void link_heard(struct link *link)
{
    uint64_t count;
    if (read(link->bell, &count, sizeof(count)) < 0)
        count = 0; /* it was silent */
}
