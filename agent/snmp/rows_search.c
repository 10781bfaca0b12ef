/*
 * Rows: searching, from where a walk was, else by bisection.
 */
#include "agent/snmp/rows.h"

#include <string.h>

static bool is_present(const struct snmp_rows *rows, size_t column, size_t row)
{
    return rows->present[column * rows->word_count + row / SNMP_WORD_BITS] >> row % SNMP_WORD_BITS &
           1;
}

/* How a row's index stands to an OID's: below 0, 0 (the same) or above. */
static int compare_index(const struct snmp_rows *rows, size_t row, const oid *index, size_t length)
{
    static const uint32_t scalar[SNMP_INDEX_MAX];
    size_t count;
    const uint32_t *own = snmp_rows_index(rows, &rows->rows[row], &count);

    if (!rows->table->index_count) {
        own = scalar;
        count = 1;
    }

    for (size_t i = 0; i < count && i < length; i++) {
        if (own[i] != index[i])
            return own[i] < index[i] ? -1 : 1;
    }
    return count == length ? 0 : count < length ? -1 : 1;
}

/* The first row whose index is not below (or, unless inclusive, is above) an OID's. */
static size_t find_row(const struct snmp_rows *rows, size_t guess, const oid *index, size_t length,
                       bool inclusive)
{
    size_t low = 0, high = rows->count;

    if (guess < high && compare_index(rows, guess, index, length) == 0)
        return inclusive ? guess : guess + 1;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = compare_index(rows, middle, index, length);
        if (order < 0 || (order == 0 && !inclusive))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t find_column(const struct snmp_table *table, size_t guess, oid id)
{
    size_t low = 0, high = table->column_count;

    if (guess < high && table->columns[guess].id == id)
        return guess;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->columns[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first row from one on that has a value in a column; rows->count if none has. */
static size_t next_present(const struct snmp_rows *rows, size_t column, size_t row)
{
    const uint64_t *bits = rows->present + column * rows->word_count;

    if (row >= rows->count)
        return rows->count;
    size_t word = row / SNMP_WORD_BITS;
    uint64_t here = bits[word] >> row % SNMP_WORD_BITS << row % SNMP_WORD_BITS;
    while (!here) {
        if (++word == rows->word_count)
            return rows->count;
        here = bits[word];
    }
    return word * SNMP_WORD_BITS + (size_t)__builtin_ctzll(here);
}

enum snmp_found snmp_rows_find(const struct snmp_rows *rows, const oid *suffix, size_t length,
                               struct snmp_instance *at)
{
    const struct snmp_table *table = rows->table;

    if (table->index_count) { /* behind a table's OID is that of its entry */
        if (length < 1 || suffix[0] != 1)
            return NO_SUCH_OBJECT;
        suffix++;
        length--;
    }
    if (length < 1)
        return NO_SUCH_OBJECT;
    at->column = find_column(table, at->column, suffix[0]);
    if (at->column == table->column_count || table->columns[at->column].id != suffix[0])
        return NO_SUCH_OBJECT;
    at->row = find_row(rows, at->row, suffix + 1, length - 1, true);
    if (at->row == rows->count || compare_index(rows, at->row, suffix + 1, length - 1) != 0 ||
        !is_present(rows, at->column, at->row))
        return NO_SUCH_INSTANCE;
    return FOUND;
}

bool snmp_rows_next(const struct snmp_rows *rows, const oid *suffix, size_t length, bool inclusive,
                    struct snmp_instance *at)
{
    const struct snmp_table *table = rows->table;
    size_t guess = at->row;

    if (table->index_count && length > 0) {
        if (suffix[0] > 1)
            return false;
        length = suffix[0] < 1 ? 0 : length - 1;
        suffix++;
    }
    at->column = length > 0 ? find_column(table, at->column, suffix[0]) : 0;
    at->row = 0;
    if (length > 0 && at->column < table->column_count &&
        table->columns[at->column].id == suffix[0])
        at->row = find_row(rows, guess, suffix + 1, length - 1, inclusive);
    for (; at->column < table->column_count; at->column++, at->row = 0) {
        at->row = next_present(rows, at->column, at->row);
        if (at->row < rows->count)
            return true;
    }
    return false;
}

size_t snmp_rows_suffix(const struct snmp_rows *rows, const struct snmp_instance *at, oid *suffix)
{
    const struct snmp_table *table = rows->table;
    size_t length = 0;

    if (table->index_count)
        suffix[length++] = 1;
    suffix[length++] = table->columns[at->column].id;
    size_t count;
    const uint32_t *index = snmp_rows_index(rows, &rows->rows[at->row], &count);
    for (size_t i = 0; i < count; i++)
        suffix[length++] = index[i];
    if (!table->index_count)
        suffix[length++] = 0;
    return length;
}

bool snmp_rows_has(const struct snmp_rows *rows, const struct snmp_instance *at)
{
    return is_present(rows, at->column, at->row);
}

void snmp_rows_value(const struct snmp_rows *rows, const struct snmp_instance *at,
                     struct snmp_value *value)
{
    snmp_cell cell = rows->cells[at->column * rows->capacity + rows->rows[at->row].cell];

    if (snmp_kind_is_text(rows->table->columns[at->column].kind)) {
        value->length = rows->texts[cell];
        memcpy(value->text, rows->texts + cell + 1, value->length);
    } else {
        value->number = cell;
    }
}
