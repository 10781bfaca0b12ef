/*
 * A configuration as an XML document: <config> around its top-level containers (RFC 6241, 8.8).
 *
 * Pure functions; any thread.
 */
#ifndef NORIA_DATASTORE_DOCUMENT_H
#define NORIA_DATASTORE_DOCUMENT_H

#include "agent/datastore/snapshot.h"

/**
 * Read a document.
 * @param xml Ended by a zero byte.
 * @param[out] owner What holds the data; to be freed with lyd_free_all().
 * @param[out] config First top-level node, as edit_snapshot() wants it; NULL is an empty document.
 */
enum outcome document_read(const struct schema *schema, const char *xml, struct lyd_node **owner,
                           struct lyd_node **config, struct error *err);

/** Write a document. @param[out] xml To be freed. */
enum outcome document_write(const struct schema *schema, const struct snapshot *snapshot,
                            char **xml, size_t *size, struct error *err);

#endif
