/*
 * A hash table of things with a text, into which each thing is linked itself.
 */
#ifndef NORIA_HEALTH_TABLE_H
#define NORIA_HEALTH_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The first member of a thing that is in a table. */
struct text_link {
    struct text_link *next;
    uint64_t hash;
    const char *text; /**< Borrowed: the thing's. */
};

/** A table. All zero: empty. */
struct text_table {
    struct text_link **buckets;
    size_t size, count;
};

/** Make room for one thing more, so that adding it cannot fail. @return Whether there is. */
bool text_table_reserve(struct text_table *table);

/** Add a thing whose text nothing in the table has; room must have been made. */
void text_table_add(struct text_table *table, struct text_link *link, const char *text);

/** Take a thing out. */
void text_table_remove(struct text_table *table, struct text_link *link);

/** The thing with a text, or NULL. */
void *text_table_find(const struct text_table *table, const char *text);

/** One thing after the other, in no order. @param link NULL: the first. @return NULL: no more. */
void *text_table_next(const struct text_table *table, const void *link);

/** Free the table, but not the things. */
void text_table_clear(struct text_table *table);

#endif
