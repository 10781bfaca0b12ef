/*
 * The replay log: past events, for those who ask for them later.
 *
 * Segment files "events.NUMBER" in a folder of its own, each a row of records (as those of the
 * journal: agent/datastore/record.h) with an event in each. The log is bounded: when it has grown
 * too long, the oldest segment goes. Events are no transactions: what was not yet on stable
 * storage when the power went is lost, and damage costs the rest of its segment, not the start.
 *
 * One thread writes (append, write, sync); readers may read at the same time, on any thread, what
 * has been written before they began.
 */
#ifndef NORIA_EVENT_REPLAY_H
#define NORIA_EVENT_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/outcome.h"

/** How long a log may grow. */
struct replay_limits {
    size_t bytes;  /**< Of all segments together. */
    size_t events; /**< In all segments together. */
};

/** An event as it is stored. */
struct replay_record {
    uint64_t number; /**< Rises from one event to the next. */
    int64_t time;    /**< Nanoseconds since 1970 UTC. */
    const char *xml; /**< The notification's element; ends with a zero byte. */
};

struct replay;
struct replay_reader;

/**
 * Open a log; it is made if it is not there. What was cut short at its end is dropped.
 * @param[out] replay To be ended with replay_close().
 */
enum outcome replay_open(const char *folder, const struct replay_limits *limits,
                         struct replay **replay, struct error *err);

/** Close it, without a sync; NULL is legal. */
void replay_close(struct replay *replay);

/** The number of the last event that is stored; 0 if there is none. */
uint64_t replay_last(const struct replay *replay);

/** When the log was made, in nanoseconds since 1970 UTC. Any thread. */
int64_t replay_created(const struct replay *replay);

/** Add an event to what replay_write() is to write. @return false for want of memory. */
bool replay_append(struct replay *replay, const struct replay_record *record);

/**
 * Write what was appended: from now on readers see it, and it outlives the process.
 * @return FAILED with the reason; what was appended is dropped.
 */
enum outcome replay_write(struct replay *replay, struct error *err);

/** Bring what was written to stable storage. */
enum outcome replay_sync(struct replay *replay, struct error *err);

/** Begin to read at the oldest event. @return To be freed; NULL for want of memory. */
struct replay_reader *replay_reader_new(const struct replay *replay);

/**
 * Read the next event.
 * @return false at the end; else *record is valid until the next call.
 */
bool replay_next(struct replay_reader *reader, struct replay_record *record);

/** End reading; NULL is legal. */
void replay_reader_free(struct replay_reader *reader);

#endif
