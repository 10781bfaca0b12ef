/*
 * Rows: the values of one table at one moment, in the order of SNMP.
 *
 * Rows are filled from the operational data, sorted once, and then only searched: any instance, and
 * the one after any OID, is found by bisection. Nothing here calls Net-SNMP's agent. One thread.
 */
#ifndef NORIA_SNMP_ROWS_H
#define NORIA_SNMP_ROWS_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/datastore/operational.h"
#include "agent/snmp/value.h"

/** What managers may do with a column (MAX-ACCESS). */
enum snmp_access { READ_ONLY, READ_WRITE, READ_CREATE };

/** One column of a table, or one scalar of a group. */
struct snmp_column {
    unsigned id; /**< Sub-identifier. */
    enum snmp_access access;
    enum snmp_kind kind;
    const char *leaf; /**< Of the row, "weight", "statistics/in-bytes", "../name", "."; or NULL. */
    /** The leaf to take where the first one is absent, or NULL; of KIND_ACTION, see there. */
    const char *other;
    /** Gives the value where no leaf does, or NULL. @return Whether there is one. */
    bool (*derive)(const struct lyd_node *row, struct snmp_value *value);
};

/** The longest index: that of a check of a real server. */
#define SNMP_INDEX_MAX 3

/** The longest index that a table makes itself: with an IPv6 address and what is before it. */
#define SNMP_INDEX_LONGEST 20

/** Lists that the rows of one table may come from. */
#define SNMP_LISTS_MAX 3

/** A table, or a group of scalars: data alone. */
struct snmp_table {
    const char *name;
    const oid *root;                         /**< What oid is below; NULL: noriaMIB. */
    size_t root_length;                      /**< Its length. */
    unsigned oid[4];                         /**< Of the table, or of the scalars' group. */
    size_t oid_length;                       /**< How many there are. */
    size_t index_count;                      /**< Parts of the index; 0: a group of scalars. */
    const char *row;                         /**< Schema path of what a row is made from. */
    const char *other_row;                   /**< Another list whose instances are rows, or NULL. */
    const char *third_row;                   /**< And another. */
    const unsigned *other_lacks;             /**< Columns that those have not, ended by 0. */
    bool (*has)(const struct lyd_node *row); /**< Whether it is one; NULL: each is. */
    /** The last part of a row's index; 0: it is no row. NULL: the number that the row keeps. */
    uint32_t (*number)(const struct entry *entry, const struct lyd_node *row);
    /**
     * Makes the index where it is not of such numbers, or NULL.
     * @param numbers What it would be of, index_count of them.
     * @param[out] index Room for SNMP_INDEX_LONGEST.
     * @return Its length; 0: there is no such row now.
     */
    size_t (*index)(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index);
    /**
     * Shows it what is configured while rows are filled, and NULL after that; or NULL: its columns
     * need no more than what rows are made from.
     */
    void (*look)(const struct schema *schema, const struct snapshot *running);
    const struct snmp_column *columns; /**< By id. */
    size_t column_count;
};

/** Bits in a word of the presence bits. */
#define SNMP_WORD_BITS 64

/** What stands for a value in a row: the number, or where the text is. */
typedef uint64_t snmp_cell;

/** The rows of a table; zero-initialise before use. */
struct snmp_rows {
    const struct snmp_table *table;
    const struct lysc_node *schema; /**< Of table->row. */
    const struct lysc_node *other;  /**< Of table->other_row, or NULL. */
    const struct lysc_node *third;  /**< Of table->third_row, or NULL. */
    bool asked;                     /**< Since they were filled; for who fills them. */
    bool filled;                    /**< Whether they are those of a state. */
    struct snmp_leaf *leaves;       /**< Which leaf feeds which column, by schema. Owned. */
    size_t leaf_count;
    size_t count;          /**< Rows. */
    size_t capacity;       /**< Rows that there is room for. */
    struct snmp_row *rows; /**< By index. Owned. */
    snmp_cell *cells;      /**< Those of one column together, each capacity long. Owned. */
    size_t word_count;     /**< Words in the presence bits of one column. */
    uint64_t *present;     /**< A bit a row, column after column. Owned. */
    unsigned char *texts;  /**< Length and octets, one after another. Owned. */
    size_t text_size, text_capacity;
    uint32_t *indexes; /**< Those that the table makes, one after another. Owned. */
    size_t index_size, index_capacity;
};

/** The index of a row and where its values are. */
struct snmp_row {
    uint32_t index[SNMP_INDEX_MAX]; /**< Or, of one that the table makes: its place and length. */
    uint32_t cell;                  /**< Its place in each column. */
};

/** An instance that was found. */
struct snmp_instance {
    size_t column; /**< Place in table->columns. */
    size_t row;    /**< Place in rows->rows. */
};

/** What a search says of an exact OID (RFC 3416, 4.2.1). */
enum snmp_found { FOUND, NO_SUCH_OBJECT, NO_SUCH_INSTANCE };

/**
 * Prepare for the rows of a table.
 * @return FAILED if the module has no such row or leaf: a mistake in the table's data.
 */
enum outcome snmp_rows_init(struct snmp_rows *rows, const struct snmp_table *table,
                            const struct ly_ctx *ctx, struct error *err);

/** Forget the rows. */
void snmp_rows_empty(struct snmp_rows *rows);

/** Free what rows own, and empty them. */
void snmp_rows_free(struct snmp_rows *rows);

/** Replace the rows by those of a state that was read. On failure there are none. */
enum outcome snmp_rows_fill(struct snmp_rows *rows, const struct operational *state,
                            struct error *err);

/**
 * Find an instance.
 * @param suffix The OID behind that of the table or group.
 * @param[in,out] at Where to look first, as what was found last; it may be anything. What was
 *        found, if FOUND is returned.
 */
enum snmp_found snmp_rows_find(const struct snmp_rows *rows, const oid *suffix, size_t length,
                               struct snmp_instance *at);

/**
 * Find the first instance behind an OID (RFC 3416, 4.2.2).
 * @param inclusive Whether the OID itself will do (RFC 2741, 7.2.3.2).
 * @param[in,out] at As in snmp_rows_find(): a walk goes on where it was.
 * @return Whether there is one.
 */
bool snmp_rows_next(const struct snmp_rows *rows, const oid *suffix, size_t length, bool inclusive,
                    struct snmp_instance *at);

/**
 * The OID of an instance behind that of the table or group.
 * @param[out] suffix Room for the longest index of the table, and 2.
 * @return Its length.
 */
size_t snmp_rows_suffix(const struct snmp_rows *rows, const struct snmp_instance *at, oid *suffix);

/** The index of a row. @param[out] length How many numbers it has. */
const uint32_t *snmp_rows_index(const struct snmp_rows *rows, const struct snmp_row *row,
                                size_t *length);

/** The leaf that gives a column its values, or NULL. */
const struct lysc_node *snmp_rows_leaf(const struct snmp_rows *rows, size_t column);

/** Whether the row of an instance has a value in the instance's column. */
bool snmp_rows_has(const struct snmp_rows *rows, const struct snmp_instance *at);

/** The value of an instance that was found. */
void snmp_rows_value(const struct snmp_rows *rows, const struct snmp_instance *at,
                     struct snmp_value *value);

#endif
