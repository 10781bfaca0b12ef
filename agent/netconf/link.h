/*
 * A link between a transport (SSH channel, local socket) and the thread of its session.
 *
 * The transport's end hands over one whole message at a time, which was looked at before it is
 * parsed (frame.h), and sends what the session says: replies and notifications, in their order. So
 * an idle session sleeps in poll(2), and the transport stays awake while an operation takes its
 * time. Messages pass in memory. Only the hello messages pass a socket, for libnetconf2, which
 * would take some 40 system calls for each request; afterwards that socket tells that the link was
 * cut.
 *
 * Two threads hold a link, the transport's and the session's, each with one reference; any thread
 * that has a reference may cut it.
 */
#ifndef NORIA_NETCONF_LINK_H
#define NORIA_NETCONF_LINK_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/netconf/frame.h"

/** A link. Only descriptors may be read from outside. */
struct link {
    atomic_uint refs;
    int near;              /**< The transport's end: readable when a hello comes, or the end. */
    int wake;              /**< Readable when the session has said something. */
    int far;               /**< The session's end: hangs up when the link is cut. */
    int bell;              /**< Wakes the session: a message, an event, or room for events. */
    atomic_uint *too_long; /**< Borrowed. */
    atomic_bool cut;
    atomic_bool dropped; /**< Nothing more is to be sent. */
    pthread_mutex_t lock;
    /* The transport's: */
    struct frame_reader in;
    struct text out;      /**< What is to be sent, behind what was. */
    size_t sent;          /**< So many bytes of it were. */
    bool input_ended;     /**< The client sends no more. */
    bool hello_in_chunks; /**< Its hello is framed so. */
    bool greeted;         /**< It knows that the hello messages were exchanged. */
    bool gone;            /**< The session has hung up. */
    /* Guarded by the lock: */
    bool greeting;          /**< Until the hello messages were exchanged. */
    bool chunked;           /**< base:1.1 framing. */
    bool busy;              /**< The session has a message. Written by the transport. */
    bool done;              /**< It has finished with it. */
    struct frame_look look; /**< What a look at the message found. */
    struct text message;    /**< What the session works at. */
    struct text said;       /**< What it has said, framed, and the transport has not taken. */
    bool starved;           /**< The session waits for room for notifications. */
};

/**
 * How long a client may take nothing of what is left for it when its session has ended, in
 * milliseconds: the transport closes the connection then.
 */
#define LINK_LINGER_MS 10000

/**
 * Make a link.
 * @param message_max The longest message that is taken, in bytes.
 * @param too_long Counts those that are longer; outlives the link.
 * @return With two references; NULL for want of memory or descriptors.
 */
struct link *link_new(size_t message_max, atomic_uint *too_long);

/** Give a reference back; NULL is legal. */
void link_unref(struct link *link);

/**
 * Cut the link: both ends see that it is over, and what was said goes out. Any thread with a
 * reference.
 */
void link_cut(struct link *link);

/** Cut the link, without a word more to the client. Any thread with a reference. */
void link_drop(struct link *link);

/* The transport's thread: */

/**
 * Whether the link takes more from the client. As long as the session has enough to do, what comes
 * next stays with the client, so that it can send as many requests ahead as it likes.
 */
bool link_wants_input(const struct link *link);

/** Bytes came from the client. If they are not NETCONF, the link is cut. */
void link_input(struct link *link, const void *bytes, size_t length);

/** The client will send no more; the link ends when all is answered. */
void link_input_end(struct link *link);

/**
 * Look for output: after near became readable, or after wake did when all that there was has been
 * sent, so that a slow client holds its own session only.
 * @return false if the session has ended, and nothing comes behind what is there to be sent.
 */
bool link_output(struct link *link);

/** What is to be sent now. Borrowed until the next call. @param[out] length 0: nothing. */
const char *link_unsent(const struct link *link, size_t *length);

/** So many bytes of it were sent. */
void link_sent(struct link *link, size_t count);

/* The session's thread: */

/** Whether there is a message to work at, after the bell was heard. */
bool link_waits(struct link *link);

/** The message that the session works at. Borrowed until link_reply(). */
const struct text *link_message(struct link *link, bool *without_id);

/** What a look at it found. Borrowed like it. */
const struct frame_look *link_look(const struct link *link);

/** The hello messages were exchanged. */
void link_greeted(struct link *link, bool chunked);

/** Reply to the message, which ends the work at it. @param xml A whole message. */
void link_reply(struct link *link, const struct text *xml);

/** Whether a notification may be handed over now; if not, the bell rings when it may. */
bool link_has_room(struct link *link);

/** Send a notification. @param xml A whole message. */
void link_notify(struct link *link, const struct text *xml);

/** The bell was heard: make it silent. */
void link_heard(struct link *link);

#endif
