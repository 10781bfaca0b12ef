/*
 * A session's subscription to events (RFC 5277): replay, then live events, until it ends.
 *
 * Everything here runs on the session's own thread, between requests, so that a notification and a
 * reply never mix, and a client that does not read holds up nobody but itself.
 */
#ifndef NORIA_NETCONF_SUBSCRIPTION_H
#define NORIA_NETCONF_SUBSCRIPTION_H

#include "agent/netconf/filter.h"
#include "agent/netconf/internal.h"

/** What is subscribed to. */
struct subscription_terms {
    struct filter filter;
    bool replay;   /**< Past events, too. */
    int64_t start; /**< The oldest of them. Nanoseconds since 1970 UTC, as the next. */
    bool stops;    /**< It ends by itself. */
    int64_t stop;  /**< The newest event that is wanted then. */
};

/**
 * Begin the subscription of a session that has none; the first notification follows the reply.
 * @param terms Taken, also after a failure.
 */
enum outcome subscription_begin(struct session *session, struct subscription_terms *terms,
                                struct error *err);

/**
 * Send what is there to be sent, as far as there is room, but no more than a few at a time.
 * @return Milliseconds until it has to be called again, if the bell does not ring before.
 */
int64_t subscription_work(struct session *session);

/** End the subscription, if there is one. */
void subscription_end(struct session *session);

#endif
