/*
 * The rule "unique" (RFC 7950, 7.8.3) across entries, kept as an index so that a commit checks what
 * it changes and not what is stored. Core thread.
 */
#ifndef NORIA_DATASTORE_UNIQUE_H
#define NORIA_DATASTORE_UNIQUE_H

#include "agent/datastore/snapshot.h"

/** Which entry has which unique values. Zero-initialised it is empty. */
struct unique_index {
    void *root; /**< A tsearch(3) tree of struct unique_tuple. Owned. */
};

/**
 * Take a change into the index.
 * @return REFUSED (data-not-unique, with the path of the later entry) if two entries would hold the
 *         same values; the index is unchanged then.
 */
enum outcome unique_apply(struct unique_index *index, const struct change_set *changes,
                          struct error *err);

/** Take a change out of the index again. */
void unique_revert(struct unique_index *index, const struct change_set *changes);

/** Free the index. */
void unique_free(struct unique_index *index);

#endif
