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
#include <sys/uio.h>
#include <unistd.h>

#include "agent/log.h"

/* A reply of this size is sent before it is complete. */
#define REPLY_HELD ((size_t)64 << 10)

/* Notifications that wait for the client, in bytes; those that follow wait in the queue of events.
 */
#define NOTICES_HELD ((size_t)256 << 10)

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
    text_free(&link->reply);
    text_free(&link->out);
    text_free(&link->message);
    text_free(&link->answer);
    text_free(&link->notices);
    free(link);
}

void link_cut(struct link *link)
{
    shutdown(link->near, SHUT_RDWR);
}

/* Take what the session has written. */
static void collect(struct link *link)
{
    char bytes[16384];
    while (!link->gone && link->reply.length < REPLY_HELD) {
        ssize_t count = recv(link->near, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (count <= 0) {
            link->gone = !count;
            return;
        }
        text_add(&link->reply, bytes, (size_t)count);
        if ((size_t)count < sizeof(bytes))
            return; /* there is no more just now */
    }
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

/* Write a message and what frames it: most fit the socket, and so take one call. */
static bool pass_message(struct link *link)
{
    char line[32] = "";
    const struct text *message = &link->message;
    if (link->chunked)
        snprintf(line, sizeof(line), "\n#%zu\n", message->length);
    struct iovec parts[] = {{line, strlen(line)},
                            {message->data, message->length},
                            {link->chunked ? "\n##\n" : "]]>]]>", link->chunked ? 4 : 6}};
    struct msghdr all = {.msg_iov = parts, .msg_iovlen = 3};
    ssize_t count = sendmsg(link->near, &all, MSG_DONTWAIT | MSG_NOSIGNAL);
    size_t sent = count > 0 ? (size_t)count : 0;
    bool passed = true;
    for (size_t i = 0; i < 3 && passed; i++) {
        size_t done = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        passed = pass(link, (char *)parts[i].iov_base + done, parts[i].iov_len - done);
        sent -= done;
    }
    return passed;
}

static bool refuse_length(struct link *link)
{
    if (link->refused)
        return false;
    link->refused = true;
    log_notice(AREA_NETCONF,
               "a session ends: its client sent more than max-message-size, %zu octets",
               link->in.limit);
    atomic_fetch_add(link->too_long, 1);
    link_cut(link);
    return false;
}

/* Hand the next message over if the session waits for one. */
static bool advance(struct link *link)
{
    struct text message = {0};
    pthread_mutex_lock(&link->lock);
    bool idle = !link->busy, chunked = link->chunked;
    pthread_mutex_unlock(&link->lock);
    if (!idle || link->gone)
        return true;
    enum frame_result result = frame_next(&link->in, chunked, &message);
    if (result == FRAME_MORE) {
        if (link->input_ended)
            link_cut(link);
        return true;
    }
    struct frame_look look = {0};
    if (result == FRAME_MESSAGE)
        look = frame_look(message.data, message.length);
    if (result == FRAME_TOO_LONG)
        return refuse_length(link);
    if (result == FRAME_BROKEN || look.wild) {
        log_notice(AREA_NETCONF, "a session ends: its client sent %s",
                   look.wild ? "a message with NUL, too deep, or with too long a start tag"
                             : "what is not framed as NETCONF");
        text_free(&message);
        link_cut(link);
        return false;
    }
    pthread_mutex_lock(&link->lock);
    text_free(&link->message);
    link->message = message;
    link->without_id = !look.has_message_id;
    link->busy = true;
    pthread_mutex_unlock(&link->lock);
    link->answered = false;
    if (!pass_message(link))
        link_cut(link);
    return true;
}

bool link_input(struct link *link, const void *bytes, size_t length)
{
    text_add(&link->in.received, bytes, length);
    if (link->in.received.length > link->in.limit + (1 << 20))
        return refuse_length(link);
    if (link->in.received.failed) {
        link_cut(link);
        return false;
    }
    return advance(link);
}

void link_input_end(struct link *link)
{
    link->input_ended = true;
    advance(link);
}

/*
 * Put another content into a reply. Its start tag is libnetconf2's, since that has the attributes
 * of the request; if the tag is too long to be in one chunk, the reply stays as it is.
 */
static void replace_content(struct text *reply, bool chunked, const struct text *content)
{
    const char *start = reply->length ? strstr(reply->data, "<") : NULL;
    const char *end = start ? strchr(start, '>') : NULL;
    if (!end || memchr(start, '\n', (size_t)(end - start)))
        return;
    size_t name = strcspn(start + 1, " />"), tag = (size_t)(end - start) + 1;
    struct text fresh = {0};
    if (chunked) {
        char line[32];
        snprintf(line, sizeof(line), "\n#%zu\n", tag + content->length + name + 3);
        text_add_string(&fresh, line);
    }
    text_add(&fresh, start, tag);
    text_add(&fresh, content->data, content->length);
    text_add_string(&fresh, "</");
    text_add(&fresh, start + 1, name);
    text_add_string(&fresh, ">");
    text_add_string(&fresh, chunked ? "\n##\n" : "]]>]]>");
    if (!fresh.failed) {
        text_free(reply);
        *reply = fresh;
    } else {
        text_free(&fresh);
    }
}

static void release(struct link *link)
{
    link->answered |= link->reply.length > 0;
    if (link->out.length) {
        text_add(&link->out, link->reply.data, link->reply.length);
        text_free(&link->reply);
    } else {
        text_free(&link->out);
        link->out = link->reply;
        link->reply = (struct text){0};
    }
}

/* The session has finished a message, and all that it wrote has been collected. */
static void finish(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    if (link->answer.length && !link->answered)
        replace_content(&link->reply, link->chunked, &link->answer);
    bool mute = link->must_answer && !link->answered && !link->reply.length;
    text_free(&link->answer);
    text_free(&link->message);
    link->busy = link->done = link->must_answer = false;
    pthread_mutex_unlock(&link->lock);
    release(link);
    if (mute)
        link_cut(link);
    else
        advance(link);
}

/*
 * Take the notifications, if no reply is half sent and none is complete: a notification that the
 * session sent after a reply must not overtake it.
 */
static void take_notices(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    bool between = !link->done && !link->greeting && !(link->busy && link->answered);
    bool starved = between && link->starved;
    if (between) {
        text_add(&link->out, link->notices.data, link->notices.length);
        text_free(&link->notices);
        link->starved = false;
    }
    pthread_mutex_unlock(&link->lock);
    if (link->out.failed || (starved && write(link->bell, &(uint64_t){1}, sizeof(uint64_t)) < 0))
        link_cut(link);
}

bool link_output(struct link *link)
{
    uint64_t count;
    if (read(link->wake, &count, sizeof(count)) < 0)
        count = 0; /* it is the reply that has come */
    pthread_mutex_lock(&link->lock);
    bool done = link->done, greeting = link->greeting;
    pthread_mutex_unlock(&link->lock);
    collect(link);
    bool full = link->reply.length >= REPLY_HELD;
    if (done && full) {
        /* There may be more to come: look again when this has been sent. */
        if (write(link->wake, &(uint64_t){1}, sizeof(count)) < 0)
            link_cut(link);
    } else if (done) {
        finish(link);
    }
    if (greeting || full || link->gone)
        release(link);
    take_notices(link);
    return !link->gone;
}

const struct text *link_message(struct link *link, bool *without_id)
{
    *without_id = link->without_id;
    return &link->message;
}

/* Tell the transport that there is something to look at. */
static void wake_transport(struct link *link)
{
    if (write(link->wake, &(uint64_t){1}, sizeof(uint64_t)) < 0)
        link_cut(link);
}

void link_greeted(struct link *link, bool chunked)
{
    pthread_mutex_lock(&link->lock);
    link->greeting = false;
    link->chunked = chunked;
    link->done = true;
    pthread_mutex_unlock(&link->lock);
    wake_transport(link);
}

void link_replace(struct link *link, struct text *content)
{
    pthread_mutex_lock(&link->lock);
    text_free(&link->answer);
    link->answer = *content;
    *content = (struct text){0};
    pthread_mutex_unlock(&link->lock);
}

void link_done(struct link *link, bool must_answer)
{
    pthread_mutex_lock(&link->lock);
    link->done = true;
    link->must_answer = must_answer;
    pthread_mutex_unlock(&link->lock);
    wake_transport(link);
}

bool link_has_room(struct link *link)
{
    pthread_mutex_lock(&link->lock);
    bool room = link->notices.length < NOTICES_HELD;
    link->starved = !room;
    pthread_mutex_unlock(&link->lock);
    return room;
}

void link_notify(struct link *link, const struct text *xml)
{
    char line[32];
    pthread_mutex_lock(&link->lock);
    if (link->chunked) {
        snprintf(line, sizeof(line), "\n#%zu\n", xml->length);
        text_add_string(&link->notices, line);
    }
    text_add(&link->notices, xml->data, xml->length);
    text_add_string(&link->notices, link->chunked ? "\n##\n" : "]]>]]>");
    bool failed = xml->failed || link->notices.failed;
    pthread_mutex_unlock(&link->lock);
    if (failed)
        link_cut(link);
    else
        wake_transport(link);
}

void link_heard(struct link *link)
{
    uint64_t count;
    if (read(link->bell, &count, sizeof(count)) < 0)
        count = 0; /* it was silent */
}
