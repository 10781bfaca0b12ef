/*
 * A link between a transport (SSH channel, local socket) and the thread of its session.
 *
 * The session's end is a socket that libnetconf2 reads and writes. The transport's end hands over
 * one whole message at a time, and gives the reply to the client when the session says that it is
 * complete. So an idle session sleeps in poll(2), the transport stays awake while an operation
 * takes its time, and what arrives was looked at before it is parsed (frame.h). Notifications go
 * out between replies: the session's thread hands over whole messages, which wait until no reply is
 * half sent.
 *
 * Two threads hold a link, the transport's and the session's, each with one reference; any thread
 * that has a reference may cut it.
 */
#ifndef NORIA_NETCONF_LINK_H
#define NORIA_NETCONF_LINK_H

#include <pthread.h>
#include <stdatomic.h>

#include "agent/netconf/frame.h"

/** A link. Only near, wake and, by the transport, busy may be read from outside. */
struct link {
    atomic_uint refs;
    int near;              /**< The transport's end: readable when a reply comes, or the end. */
    int wake;              /**< Readable when the session has something to say. */
    int far;               /**< The session's end. */
    int bell;              /**< Wakes the session's thread: an event, or room for notifications. */
    atomic_uint *too_long; /**< Borrowed. */
    pthread_mutex_t lock;
    /* The transport's: */
    struct frame_reader in;
    struct text reply; /**< What came from the session and is not to be sent yet. */
    struct text out;   /**< What is to be sent. */
    bool input_ended;  /**< The client sends no more. */
    bool refused;      /**< The client has sent too long a message. */
    bool answered;     /**< Something was sent since the present message was handed over. */
    bool gone;         /**< The session has hung up. */
    /* Guarded by the lock: */
    bool greeting;       /**< Until the hello messages were exchanged. */
    bool chunked;        /**< base:1.1 framing. */
    bool busy;           /**< The session works at a message. Written by the transport alone. */
    bool done;           /**< It has finished, and the reply is complete. */
    bool must_answer;    /**< The session has to end if there was no reply. */
    bool without_id;     /**< The message has no message-id. */
    struct text message; /**< What the session works at. */
    struct text notices; /**< Framed notifications that wait for the end of a reply. */
    bool starved;        /**< The session waits for room for notifications. */
    struct text answer;  /**< Content for the reply in place of libnetconf2's; empty is none. */
};

/**
 * Make a link.
 * @param message_max The longest message that is taken, in bytes.
 * @param too_long Counts those that are longer; outlives the link.
 * @return With two references; NULL for want of memory or descriptors.
 */
struct link *link_new(size_t message_max, atomic_uint *too_long);

/** Give a reference back; NULL is legal. */
void link_unref(struct link *link);

/** Cut the link: both ends see that it is over. Any thread with a reference. */
void link_cut(struct link *link);

/* The transport's thread: */

/** Bytes came from the client. @return false if they are not NETCONF: the link has been cut. */
bool link_input(struct link *link, const void *bytes, size_t length);

/** The client will send no more; the link ends when all is answered. */
void link_input_end(struct link *link);

/**
 * Look for output, after near or wake became readable; link->out holds what is to be sent now, to
 * be removed with text_drop(). Not to be called before it has been sent, so that a slow client
 * holds its own session only.
 * @return false if the session has ended and all of its output is in link->out.
 */
bool link_output(struct link *link);

/* The session's thread: */

/** What the session is told of the message that it works at. Borrowed until link_done(). */
const struct text *link_message(struct link *link, bool *without_id);

/** The hello messages were exchanged. */
void link_greeted(struct link *link, bool chunked);

/**
 * Give the reply another content than libnetconf2 did; its envelope stays. Before link_done().
 * @param content XML with its namespaces, taken.
 */
void link_replace(struct link *link, struct text *content);

/** Whether a notification may be handed over now; if not, the bell rings when it may. */
bool link_has_room(struct link *link);

/** Send a notification, after the reply that is done, if any. @param xml A whole message. */
void link_notify(struct link *link, const struct text *xml);

/** The bell was heard: make it silent. */
void link_heard(struct link *link);

/** The reply is complete. @param must_answer The session ends if there was none. */
void link_done(struct link *link, bool must_answer);

#endif
