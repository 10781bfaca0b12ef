/*
 * References between entries (leafrefs to keys), kept as an index so that the deletion of an entry
 * finds who still names it without looking at all. Core thread.
 */
#ifndef NORIA_DATASTORE_REFERENCES_H
#define NORIA_DATASTORE_REFERENCES_H

#include "agent/datastore/snapshot.h"

/** Who names which entry. Zero-initialised it is empty. */
struct reference_index {
    void *root; /**< A tsearch(3) tree. Owned. */
};

/**
 * Take a change into the index.
 * @return REFUSED (data-missing, instance-required, with the path of the leaf that refers) if an
 *         entry is deleted that another one names; the index is unchanged then.
 */
enum outcome references_apply(struct reference_index *index, const struct schema *schema,
                              const struct change_set *changes, struct error *err);

/** Take a change out of the index again. */
void references_revert(struct reference_index *index, const struct schema *schema,
                       const struct change_set *changes);

/** Free the index. */
void references_free(struct reference_index *index);

/**
 * Go through the references of an entry to others.
 * @param function Called with each leaf and the unit and key of the entry that it names; when it
 *        returns false the walk ends. key is valid during the call alone.
 * @return false if the function returned false or memory was short.
 */
bool references_of(const struct schema *schema, const struct entry *entry,
                   bool (*function)(const struct lyd_node *leaf, const struct unit *target,
                                    const char *key, void *arg),
                   void *arg);

#endif
