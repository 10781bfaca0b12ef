/*
 * Digests: a short text that tells one configuration from every other.
 *
 * What an entry comes to is worked out once and kept with it, so that a snapshot costs what has
 * changed, and a little for each entry.
 */
#ifndef NORIA_DATASTORE_DIGEST_H
#define NORIA_DATASTORE_DIGEST_H

#include "agent/datastore/snapshot.h"

/** Room for a digest as text, with its ending zero. */
#define DIGEST_TEXT_SIZE 65

/**
 * SHA-256 of a configuration, as hexadecimal digits. It depends on what is configured alone: not on
 * the way to it, nor on the numbers of rows. Any thread.
 * @return FAILED for want of memory, or if libcrypto has no SHA-256.
 */
enum outcome snapshot_digest(const struct snapshot *snapshot, char text[DIGEST_TEXT_SIZE],
                             struct error *err);

#endif
