/*
 * The list of alarms: immutable versions of each, counted by reference, found by their identity.
 *
 * A change makes a new version and puts it in the place of the old one, so that readers keep what
 * they have taken. A list is used by one thread at a time; versions by any.
 */
#ifndef NORIA_EVENT_ALARM_LIST_H
#define NORIA_EVENT_ALARM_LIST_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/event/alarms.h"

/** The severity of a change that clears (RFC 8632, severity-with-clear). */
#define ALARM_CLEARED 1

/** What an operator may say of an alarm (RFC 8632, writable-operator-state). */
enum alarm_operator_state { ALARM_NONE = 1, ALARM_ACK = 2, ALARM_CLOSED = 3 };

/** One entry of an alarm's history. */
struct alarm_change {
    int64_t time; /**< Whole milliseconds, in nanoseconds since 1970 UTC. */
    int severity; /**< enum alarm_severity or ALARM_CLEARED. */
    char *text;   /**< Owned. */
};

/** What an operator has said. */
struct alarm_action {
    int64_t time;
    enum alarm_operator_state state;
    char *who;  /**< Login name. Owned. */
    char *text; /**< Or NULL. Owned. */
};

/** A version of an alarm. Read its members; change none. */
struct alarm {
    atomic_uint refs;
    uint32_t number; /**< Of this alarm in all its versions; 0: the list has yet to give it. */
    char *resource, *type, *qualifier; /**< Owned; the qualifier may be empty. */
    int64_t created, raised;
    bool cleared;
    bool recalled; /**< Stored, and not spoken of since the start. With the service's lock. */
    enum alarm_severity severity; /**< The last one that was not "cleared". */
    struct alarm_change *changes; /**< Oldest first, at least one. Owned. */
    size_t change_count;
    struct alarm_action *actions; /**< Oldest first. Owned. */
    size_t action_count;
};

/** All alarms; zero-initialise before use. */
struct alarm_list {
    struct alarm **alarms; /**< In the order of their first raise. One reference each. */
    size_t count, room;
    uint32_t last_number; /**< The highest that was ever given, or is stored. */
    size_t cleared;       /**< How many of them are. */
    size_t *slots;        /**< Of a hash table: places in alarms, plus 1. */
    size_t slot_count;
};

/**
 * Begin a version: a copy of another one, or a new alarm that nothing has happened to yet.
 * @param limit Keep at most so many of the latest changes and actions.
 * @return With one reference; NULL for want of memory.
 */
struct alarm *alarm_copy(const struct alarm *from, size_t limit);
struct alarm *alarm_new(const struct alarm_id *id, int64_t now);

/** Add to the history of a version that is being made. @return false for want of memory. */
bool alarm_add_change(struct alarm *alarm, int64_t time, int severity, const char *text);
bool alarm_add_action(struct alarm *alarm, const struct alarm_action *action);

/** The last change. */
const struct alarm_change *alarm_last(const struct alarm *alarm);

/** A time for the next change: now, and later than the last one. */
int64_t alarm_time(const struct alarm *alarm, int64_t now);

/** One more reference. @return The alarm. */
struct alarm *alarm_ref(struct alarm *alarm);

/** Give a reference back; NULL is legal. */
void alarm_unref(struct alarm *alarm);

/** The place of an alarm in the list, or NULL. Until the list changes. */
struct alarm **alarm_list_find(const struct alarm_list *list, const struct alarm_id *id);

/** Put a version into the list, in the place of the former one; taken. @return false for want of
 * memory. */
bool alarm_list_put(struct alarm_list *list, struct alarm *alarm);

/** Remove those of which a function says so. @return How many. */
size_t alarm_list_remove(struct alarm_list *list,
                         bool (*unwanted)(const struct alarm *alarm, void *arg), void *arg);

/** Empty a list. */
void alarm_list_clear(struct alarm_list *list);

#endif
