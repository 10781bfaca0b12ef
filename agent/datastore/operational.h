/*
 * The operational state: configuration with what the backends add to it.
 *
 * Any thread may read; a reader holds a snapshot of the configuration and never waits for a commit.
 */
#ifndef NORIA_DATASTORE_OPERATIONAL_H
#define NORIA_DATASTORE_OPERATIONAL_H

#include "agent/datastore/snapshot.h"

struct agent;

/** The state of some entries. */
struct operational {
    struct snapshot *running; /**< The snapshot that was read. One reference. */
    size_t count;
    const struct entry **entries; /**< Borrowed from running. Array owned. */
    struct lyd_node **trees;      /**< For each its top-level container. Owned. */
    struct lyd_node **nodes; /**< For each its node (list instance or container) in its tree. */
};

/**
 * Read the state of entries of one snapshot.
 * @param choices What is asked for, by the units' rank.
 * @param[out] state To be ended with operational_free().
 */
enum outcome operational_read(struct agent *agent, const struct entry_choice *choices,
                              struct operational *state, struct error *err);

/** Free what a state owns, and empty it. */
void operational_free(struct operational *state);

#endif
