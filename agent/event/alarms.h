/*
 * Alarms: what is wrong now, as RFC 8632 (ietf-alarms) has it.
 *
 * An alarm is told by its resource, its type and its qualifier. Whoever finds something wrong
 * raises one, and clears it when it is over; both may be said again and again, and only what
 * changes is noted, put into the alarm's history and told as an alarm-notification. Alarms that
 * were active when the agent ended are still in the list when it starts; who raised them confirms
 * or clears them, and those of what is not configured any more are cleared.
 *
 * Any thread. Without the service (unit tests) nothing happens.
 */
#ifndef NORIA_EVENT_ALARMS_H
#define NORIA_EVENT_ALARMS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/outcome.h"

struct agent;
struct alarm;
struct alarms;

/** How bad it is (RFC 8632, severity). */
enum alarm_severity {
    ALARM_INDETERMINATE = 2,
    ALARM_WARNING = 3,
    ALARM_MINOR = 4,
    ALARM_MAJOR = 5,
    ALARM_CRITICAL = 6,
};

/** What tells an alarm from the others. Strings are borrowed for the call. */
struct alarm_id {
    const char *resource;  /**< Instance path with prefixes by module name, or other text. */
    const char *type;      /**< Name of an identity of noria-alarms, without its prefix. */
    const char *qualifier; /**< Or NULL for none. */
};

/** Raise an alarm, or change its severity or text. @param text For a person: what to do, too. */
void alarm_raise(struct agent *agent, const struct alarm_id *id, enum alarm_severity severity,
                 const char *format, ...) __attribute__((format(printf, 4, 5)));

/** Clear an alarm; nothing happens if it is not active. @param text Why it is over, or NULL. */
void alarm_clear(struct agent *agent, const struct alarm_id *id, const char *text);

/** Clear every alarm of a resource and of all that is below it (it was deleted). */
void alarm_clear_resource(struct agent *agent, const char *resource);

/**
 * Clear alarms of a type that were stored and that nobody has raised or cleared since the start:
 * their backend, which calls this, has looked at all that it watches. Core thread, at the start.
 */
void alarm_clear_left(struct agent *agent, const char *type);

/**
 * References to all alarms at one moment (alarm_list.h).
 * @param[out] count How many.
 * @param[out] last_changed When the list changed last, in nanoseconds since 1970 UTC.
 * @return To be freed with alarms_give_back(); NULL for want of memory.
 */
struct alarm **alarms_take(struct alarms *alarms, size_t *count, int64_t *last_changed);

/** Free what alarms_take() gave; NULL is legal. */
void alarms_give_back(struct alarm **taken, size_t count);

/** Begin, with the list that was stored. Sets agent->alarms. Core thread. */
enum outcome alarms_start(struct agent *agent, struct error *err);

/** Store the list, and end. After all who raise. */
void alarms_stop(struct agent *agent);

#endif
