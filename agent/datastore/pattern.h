/*
 * Patterns: entries that were read, for those that are like them but for the values of leaves. To
 * copy a tree and change some values takes half the time that it takes to parse a text and to add
 * the defaults; and where there are very many entries, most are like another.
 *
 * A plain value of one thread; zero-initialise it and end it with patterns_clear().
 */
#ifndef NORIA_DATASTORE_PATTERN_H
#define NORIA_DATASTORE_PATTERN_H

#include "agent/datastore/entry.h"

/** Entries that are kept as patterns: more kinds than that are seldom mixed. */
#define PATTERNS_MAX 8

/** The patterns. */
struct patterns {
    struct pattern {
        const struct entry *entry; /**< One reference. */
        char *xml;                 /**< As it is stored. Owned. */
    } list[PATTERNS_MAX];
    size_t next;             /**< The place of the next one. */
    const struct unit *unit; /**< The last that was looked at. */
    bool fixed;              /**< Its defaults do not depend on values. */
};

/** Free what they own, and empty them. */
void patterns_clear(struct patterns *patterns);

/**
 * Keep an entry as a pattern, unless the defaults of its unit depend on values.
 * @param entry A valid one.
 * @param xml What it was made of: its top-level container, as libyang prints it without spaces.
 */
void patterns_add(struct patterns *patterns, const struct entry *entry, const char *xml);

/**
 * Make the tree of a text that is like a pattern's.
 * @param xml As for patterns_add(); its values are checked, whether it is valid as a whole is not.
 * @return With its defaults, to be freed; NULL if it is like none, or for want of memory.
 */
struct lyd_node *patterns_match(const struct patterns *patterns, const struct unit *unit,
                                const char *xml);

#endif
