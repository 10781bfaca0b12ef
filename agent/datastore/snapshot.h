/*
 * A snapshot: the whole configuration at one moment, immutable and counted by reference.
 *
 * It is an array of shared entries in a fixed order (units by rank, then keys), so making the next
 * one copies pointers and nothing else, and a list is always read in the same order. The references
 * to the entries are held by chunks of neighbours that snapshots share, so that the next snapshot
 * counts chunks, and touches no entry that stays.
 */
#ifndef NORIA_DATASTORE_SNAPSHOT_H
#define NORIA_DATASTORE_SNAPSHOT_H

#include "agent/datastore/entry.h"

/** The configuration at one moment. Read its members; change none. */
struct snapshot {
    atomic_uint refs;
    uint64_t revision;              /**< How many commits made it. */
    int64_t committed;              /**< When, in nanoseconds since 1970 UTC. */
    struct snapshot_chunk **chunks; /**< They hold the entries' references. Owned. */
    size_t chunk_count;
    size_t count;
    struct entry *entries[]; /**< Those of the chunks, one after the other. */
};

/** One entry that differs between two snapshots. */
struct change {
    const struct unit *unit;
    const struct entry *before; /**< NULL: created. Borrowed from the snapshot before. */
    const struct entry *after;  /**< NULL: deleted. Borrowed from the snapshot after. */
};

/** All that differs between two snapshots. */
struct change_set {
    const struct snapshot *before;
    const struct snapshot *after;
    size_t count;
    struct change *changes; /**< In the order of the snapshots. Owned. */
};

/**
 * The snapshot of a configuration that says nothing: each top-level container with its defaults.
 * @param[out] snapshot With one reference.
 */
enum outcome snapshot_new_empty(const struct schema *schema, struct snapshot **snapshot,
                                struct error *err);

/** One more reference. @return The snapshot. */
struct snapshot *snapshot_ref(const struct snapshot *snapshot);

/** Give a reference back; the last one frees it. NULL is legal. */
void snapshot_unref(struct snapshot *snapshot);

/** The entry of a unit with a key ("" for containers), or NULL. Borrowed. */
const struct entry *snapshot_find(const struct snapshot *snapshot, const struct unit *unit,
                                  const char *key);

/** Which entries of a unit are asked for. */
struct entry_choice {
    bool wanted; /**< Some. */
    bool all;    /**< Every one; else those with the keys that follow. */
    char **keys; /**< As entries have them, in their order. Owned by whoever made the choice. */
    size_t key_count;
};

/**
 * Call a function for each entry of a unit that is asked for, in the order of the snapshot.
 * @param function Its first outcome but DONE ends it.
 * @return That outcome, or DONE.
 */
enum outcome snapshot_each(const struct snapshot *snapshot, const struct unit *unit,
                           const struct entry_choice *choice,
                           enum outcome (*function)(const struct entry *entry, void *arg),
                           void *arg);

/** The entries of a unit. @return The first one's index; *count is how many follow. */
size_t snapshot_range(const struct snapshot *snapshot, const struct unit *unit, size_t *count);

/** Order of entries in a snapshot: as strcmp(). */
int entry_compare(const struct entry *a, const struct entry *b);

/** entry_compare() for an array of pointers to entries, by qsort(3). */
int entry_compare_pointed(const void *a, const void *b);

/**
 * A snapshot that may be given its revision: the given one if this is the only reference to it,
 * else a copy. @return With one reference more; NULL for want of memory.
 */
struct snapshot *snapshot_own(struct snapshot *snapshot);

/**
 * The next snapshot: the entries of base with those of puts in place of, or beside, them.
 * @param base Where to start from.
 * @param puts Entries, each of which replaces the one of its unit and key or is added; borrowed.
 * @param dels Entries of base to be left out; borrowed.
 * @return With one reference; NULL for want of memory.
 */
struct snapshot *snapshot_with(const struct snapshot *base, struct entry *const *puts,
                               size_t put_count, const struct entry *const *dels, size_t del_count);

/** What differs, by comparing pointers. @return DONE or FAILED; free with change_set_free(). */
enum outcome change_set_make(const struct snapshot *before, const struct snapshot *after,
                             struct change_set *set, struct error *err);

/** Free what a change set owns, and empty it. */
void change_set_free(struct change_set *set);

#endif
