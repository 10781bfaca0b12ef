/*
 * Events: what happened, as YANG notifications, told to those who subscribed and kept for a while.
 *
 * Any part of the agent emits; the wires (NETCONF, SNMP) subscribe. No protocol is known here. An
 * event is immutable and counted by reference. It is handed to every subscriber at once, through a
 * bounded queue of each: who does not keep up loses events and is told how many, and holds nobody
 * up. A helper thread writes it to the replay log, and has that stored at most about once a second.
 *
 * Events are no transactions: those of the last second may be lost when the power goes.
 */
#ifndef NORIA_EVENT_EVENT_H
#define NORIA_EVENT_EVENT_H

#include <libyang/libyang.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "agent/outcome.h"

struct agent;
struct events;
struct event_subscriber;
struct event_replay;

/** Events that wait for one subscriber at most, and their XML in bytes. */
#define EVENT_QUEUE_MAX 4096
#define EVENT_QUEUE_BYTES ((size_t)2 << 20)

/** An event. Read its members; change none. */
struct event {
    atomic_uint refs;
    uint64_t number; /**< Rises from one event to the next, over restarts, too. */
    int64_t time;    /**< Whole milliseconds, in nanoseconds since 1970 UTC. */
    struct lyd_node
        *tree; /**< The notification's node, or what it is in (RFC 7950, 7.16). Owned. */
    const struct lyd_node *node; /**< The notification's node. */
    char *xml;                   /**< The tree as text. Owned. */
    size_t length;               /**< Of the text. */
    struct event *next;          /**< The helper thread's. */
};

/**
 * Open the replay log and start the helper thread. Sets agent->events.
 * @return FAILED if the log cannot be used.
 */
enum outcome events_start(struct agent *agent, struct error *err);

/** Write what is left, and end. After all who emit and all subscribers. */
void events_stop(struct agent *agent);

/**
 * Emit an event. Any thread; takes no longer than printing the tree and queueing it.
 * @param notification The top of the notification's tree: its node, or, if it is one of a node in
 *        the data, the top of that; taken. NULL is legal: then, or without the service (unit
 *        tests), nothing happens.
 */
void event_emit(struct agent *agent, struct lyd_node *notification);

/** One more reference. @return The event. */
struct event *event_ref(struct event *event);

/** Give a reference back; NULL is legal. */
void event_unref(struct event *event);

/**
 * Subscribe to all events from now on.
 * @param name Of the subscriber, for the log; copied.
 * @param wake An eventfd(2) that is written to when there is something to take.
 * @return To be ended with event_unsubscribe(); NULL for want of memory.
 */
struct event_subscriber *event_subscribe(struct agent *agent, const char *name, int wake);

/** End a subscription; NULL is legal. */
void event_unsubscribe(struct event_subscriber *subscriber);

/**
 * Take what is next. The subscriber's thread.
 * @param[out] event With one reference, or NULL: then *lost events are missing here.
 * @param[out] lost How many, or 0.
 * @return false if there is nothing.
 */
bool event_take(struct event_subscriber *subscriber, struct event **event, uint64_t *lost);

/**
 * Begin to read past events: all that were emitted before the subscription, which has those after.
 * May wait a moment for the helper thread.
 * @return To be freed; NULL for want of memory.
 */
struct event_replay *event_replay_new(const struct event_subscriber *subscriber);

/** The next past event with one reference; NULL at the end. */
struct event *event_replay_next(struct event_replay *replay);

/** End reading; NULL is legal. */
void event_replay_free(struct event_replay *replay);

/**
 * The streams of events, as nc-notifications has them in the operational state (RFC 5277, 3.2.5.1).
 * @return A tree to be freed; NULL for want of memory.
 */
struct lyd_node *event_streams(struct agent *agent);

#endif
