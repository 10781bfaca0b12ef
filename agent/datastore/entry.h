/*
 * An entry: one instance of a unit, its validated data, and the numbers of its rows.
 *
 * Entries are immutable once made and counted by reference, so that snapshots and threads share
 * them. The last entry_unref() may happen on any thread.
 */
#ifndef NORIA_DATASTORE_ENTRY_H
#define NORIA_DATASTORE_ENTRY_H

#include <stdatomic.h>
#include <stdint.h>

#include "agent/datastore/schema.h"

/**
 * The number of one instance of a list inside an entry, as a real server's: of lists right below
 * it, and of those further down that have a leaf 'number' of state.
 */
struct row_number {
    char *path;      /**< Path from the entry on, "/real-server[address='10.0.0.1'][port='80']". */
    uint32_t number; /**< Unique within the entry and never re-used there. */
};

/** One instance of a unit. Read its members; change none. */
struct entry {
    atomic_uint refs;
    const struct unit *unit;
    char *key;             /**< Key predicates, "[name='web']"; "" for a container. Owned. */
    struct lyd_node *tree; /**< The top-level container, with this entry alone in it. Owned. */
    struct lyd_node *node; /**< The list instance in it; tree itself for a container. */
    /** Unique among the entries of the unit, never re-used; 0: none until it is committed. */
    _Atomic uint32_t number;
    uint32_t last_row;       /**< Highest row number that was ever given here. */
    struct row_number *rows; /**< By path. Owned. */
    size_t row_count;
    _Atomic(char *) text;            /**< The node as XML, made when first asked for. Owned. */
    _Atomic(unsigned char *) digest; /**< Of the text, made when first asked for. Owned. */
    bool valid; /**< Validated, with its defaults; else a candidate's work in progress. */
};

/**
 * Make an entry from a tree.
 * @param unit Its unit.
 * @param tree The top-level container with just this instance in it; taken, also on failure.
 * @param previous The entry that it replaces, whose numbers it keeps, or NULL.
 * @param[out] entry With one reference.
 */
enum outcome entry_new(const struct unit *unit, struct lyd_node *tree, const struct entry *previous,
                       struct entry **entry, struct error *err);

/** entry_new() of a tree that is known to be valid, with its defaults; gives numbers to rows. */
enum outcome entry_new_valid(const struct unit *unit, struct lyd_node *tree,
                             const struct entry *previous, struct entry **entry, struct error *err);

/**
 * entry_new_valid() of a tree that was valid when it was stored without its defaults: they are put
 * back, and nothing is checked.
 */
enum outcome entry_restore(const struct unit *unit, struct lyd_node *tree,
                           const struct entry *previous, struct entry **entry, struct error *err);

/**
 * A validated twin of an entry: defaults added, every rule inside the entry checked, and row
 * numbers given to the rows that have none.
 * @param[out] valid With one reference; the entry itself, referenced again, if it is valid already.
 */
enum outcome entry_validate(const struct schema *schema, struct entry *entry, struct entry **valid,
                            struct error *err);

/**
 * entry_validate() of an entry that nobody else knows, without a copy of its tree.
 * @param entry Not valid, with its only reference; taken, also on failure.
 */
enum outcome entry_validate_taken(const struct schema *schema, struct entry *entry,
                                  struct entry **valid, struct error *err);

/**
 * entry_validate() of an entry that refers to others.
 * @param company A copy of the entry's tree with the others beside it; taken. NULL: there are none.
 */
enum outcome entry_validate_with(const struct schema *schema, struct entry *entry,
                                 struct lyd_node *company, struct entry **valid, struct error *err);

/**
 * Replace a valid entry by a twin where it could not follow another one as it is: it comes from an
 * older state (a rollback, the startup datastore) that does not know the row numbers given since,
 * or was made without knowing of the other one, whose numbers the twin has.
 * @param[in,out] entry One reference.
 * @param previous May be NULL.
 */
enum outcome entry_continue(struct entry **entry, const struct entry *previous, struct error *err);

/** One more reference. @return The entry. */
struct entry *entry_ref(const struct entry *entry);

/** Give a reference back; NULL is legal. */
void entry_unref(struct entry *entry);

/** Whether two entries hold the same configuration (numbers do not count). */
bool entry_same(const struct entry *a, const struct entry *b);

/** The number of a row of a list inside the entry; 0 if it has none. node may be of a copy. */
uint32_t entry_row_number(const struct entry *entry, const struct lyd_node *node);

/**
 * The node as XML without white space, explicit values only (RFC 6243, explicit mode).
 * @return Belongs to the entry; NULL for want of memory.
 */
const char *entry_text(const struct entry *entry);

/** The first child of a node with a name of the schema; NULL if there is none, or node is NULL. */
const struct lyd_node *child_node(const struct lyd_node *node, const char *name);

/** The value of a leaf below a node by its path ("weight", "tunnel/type"), or NULL if absent. */
const char *leaf_value(const struct lyd_node *node, const char *path);

/** A copy of what leaf_value() says, to be freed. @return Whether there was memory. */
bool leaf_copy(const struct lyd_node *node, const char *path, char **copy);

/** Key predicates of a list instance, "[name='web']"; "" for others. @return To be freed. */
char *entry_key_of(const struct lyd_node *node);

#endif
