/*
 * Records: how commits are written down, and read back.
 *
 * A record is a header (magic, length, CRC-32 of the payload; little-endian) and a payload of
 * lines. It holds a commit, or several that became durable together, one after the other: so they
 * are there or not as a whole.
 *
 *     commit REVISION NANOSECONDS
 *     schema FINGERPRINT                          of the modules under which all of it was valid
 *     last NUMBER LENGTH <unit path>              highest number that was ever given in a unit
 *     put NUMBER LAST-ROW LENGTH <unit path>      an entry as it is from now on
 *     row NUMBER LENGTH <path>                      the number of one of its rows
 *     data LENGTH <XML>                             its top-level container
 *     del LENGTH <unit path> LENGTH <key>         an entry that is gone
 *
 * Pure functions; any thread.
 */
#ifndef NORIA_DATASTORE_RECORD_H
#define NORIA_DATASTORE_RECORD_H

#include <stdio.h>

#include "agent/datastore/snapshot.h"

/** Bytes of a record's header. */
#define RECORD_HEADER_SIZE 16

/** Where the numbers of units stand: the highest that was ever given, by rank. */
typedef uint32_t record_numbers;

/** Write a commit as a payload, or as the next part of one. @return false for want of memory. */
bool record_write(FILE *stream, const struct schema *schema, const struct change_set *changes);

/** Write the payload that holds a whole snapshot. @return false for want of memory. */
bool record_write_all(FILE *stream, const struct schema *schema, const struct snapshot *snapshot,
                      const record_numbers *numbers);

/** Fill a header for a payload. */
void record_header(unsigned char header[RECORD_HEADER_SIZE], const char *payload, size_t length);

/**
 * A whole record, header and payload in one piece of memory, for one write(2).
 * @param write_payload Writes the payload to a stream; false for want of memory.
 * @param[out] data To be freed.
 */
enum outcome record_frame(char **data, size_t *size, bool (*write_payload)(FILE *, const void *),
                          const void *arg, struct error *err);

/**
 * Write a record to a file piece by piece, without having all of it in memory.
 * @param fd At its start.
 * @param rest Called after each piece; the caller may let others go first. May be NULL.
 * @param[out] size Of the record.
 * @return false with errno.
 */
bool record_write_file(int fd, bool (*write_payload)(FILE *, const void *), const void *arg,
                       void (*rest)(void), size_t *size);

/**
 * Look at what is at the start of a buffer.
 * @param[out] length Of the payload, if the header is whole.
 * @return Whether a whole record with a right checksum is there.
 */
bool record_check(const unsigned char *data, size_t size, size_t *length);

/**
 * Whether a payload that cannot be replayed is of a version with other modules.
 * @return What to do about it, to follow a message; "" if it is of this version.
 */
const char *record_advice(const struct schema *schema, const char *payload, size_t length);

/**
 * Make the snapshot that follows from a record. Commits that the base has already are passed over.
 * What was valid under the same modules is not validated again. Of the rest, entries with rules
 * that reach beyond them are not validated yet in what comes of it.
 * @param[in,out] numbers Raised to what the record says.
 * @param[out] next With one reference; base again if nothing in the record is newer than it.
 */
enum outcome record_replay(const struct schema *schema, const struct snapshot *base,
                           const char *payload, size_t length, record_numbers *numbers,
                           struct snapshot **next, struct error *err);

#endif
