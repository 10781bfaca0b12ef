/*
 * Whole configurations in files of their own in the state folder, one record each (record.h):
 * 'startup', the startup datastore, and 'confirm', what a confirmed commit is rolled back to.
 *
 * Stateless; any thread, but a file has one writer at a time.
 */
#ifndef NORIA_DATASTORE_STORED_H
#define NORIA_DATASTORE_STORED_H

#include "agent/datastore/snapshot.h"

#define STORED_STARTUP "startup"
#define STORED_CONFIRM "confirm"

/** Write a configuration; durable on return. On failure what was stored before still is. */
enum outcome stored_write(const struct schema *schema, const char *folder, const char *name,
                          const struct snapshot *snapshot, struct error *err);

/**
 * Read a configuration back.
 * @param[out] snapshot To be validated (transaction_validate()); NULL with DONE if there is no such
 * file.
 * @return FAILED with file and offset if the file is damaged.
 */
enum outcome stored_read(const struct schema *schema, const char *folder, const char *name,
                         struct snapshot **snapshot, struct error *err);

/** Remove a configuration, durable on return; none is no error. */
enum outcome stored_remove(const char *folder, const char *name, struct error *err);

#endif
