/*
 * Which rules of the YANG modules reach beyond one entry.
 *
 * Most rules are about one entry and are checked on it alone. Of the others some are kept as
 * indexes: "unique", references to the key of another entry, and the number of entries. What is
 * left needs the whole configuration.
 *
 * Made once with the schema and constant from then on: any thread may read it.
 */
#ifndef NORIA_DATASTORE_RULES_H
#define NORIA_DATASTORE_RULES_H

#include <libyang/libyang.h>
#include <stdbool.h>

#include "agent/outcome.h"

struct schema;
struct unit;

/** A leafref whose target is the key of an entry. */
struct reference_rule {
    const struct lysc_node *leaf; /**< A leaf or leaf-list somewhere in the unit. */
    const struct unit *target;    /**< A unit of a list with one key, to which the leaf refers. */
};

/** The rules of a unit that reach beyond one entry. */
struct unit_rules {
    struct reference_rule *references; /**< Owned. */
    size_t reference_count;
    bool whole; /**< A change of the unit needs the whole configuration to be validated. */
};

/**
 * Find the rules of all units.
 * @param[out] rules By the units' rank; to be freed with rules_free().
 */
enum outcome rules_find(const struct schema *schema, struct unit_rules **rules, struct error *err);

/** Free the rules of so many units; NULL is legal. */
void rules_free(struct unit_rules *rules, size_t count);

#endif
