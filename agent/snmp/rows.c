#include "agent/snmp/rows.h"

#include <stdlib.h>
#include <string.h>

/* One leaf that feeds one column. */
struct snmp_leaf {
    const struct lysc_node *schema;
    size_t column;
    bool other; /* Only where the column's first leaf is absent. */
};

#define WORD_BITS 64

/* --- preparation --- */

/* Of whatever module: another may have augmented ours. */
static const struct lysc_node *find_child(const struct lysc_node *parent, const char *name)
{
    const struct lysc_node *child = NULL;

    while ((child = lys_getnext(child, parent, NULL, 0)) && strcmp(child->name, name))
        continue;
    return child;
}

static const struct lysc_node *find_leaf(const struct lysc_node *row, const char *path)
{
    char name[64];

    while (path && *path && row) {
        size_t length = strcspn(path, "/");
        if (length >= sizeof(name))
            return NULL;
        memcpy(name, path, length);
        name[length] = '\0';
        if (!strcmp(name, ".."))
            row = lysc_data_parent(row);
        else
            row = find_child(row, name);
        path += length + (path[length] == '/');
    }
    return row;
}

static enum outcome add_leaf(struct snmp_rows *rows, size_t column, const char *path, bool other,
                             struct error *err)
{
    const struct lysc_node *schema = find_leaf(rows->schema, path);

    if (!path)
        return DONE;
    if (!schema)
        return fail(err, TAG_OPERATION_FAILED, NULL, "%s: column %u: no leaf %s below %s",
                    rows->table->name, rows->table->columns[column].id, path, rows->table->row);
    rows->leaves[rows->leaf_count++] =
        (struct snmp_leaf){.schema = schema, .column = column, .other = other};
    return DONE;
}

/* By schema; of a column the leaf before the one that stands in for it. */
static int compare_leaves(const void *a, const void *b)
{
    const struct snmp_leaf *left = a;
    const struct snmp_leaf *right = b;

    if (left->schema != right->schema)
        return (uintptr_t)left->schema < (uintptr_t)right->schema ? -1 : 1;
    return (int)left->other - (int)right->other;
}

enum outcome snmp_rows_init(struct snmp_rows *rows, const struct snmp_table *table,
                            const struct ly_ctx *ctx, struct error *err)
{
    *rows = (struct snmp_rows){.table = table};
    rows->schema = lys_find_path(ctx, NULL, table->row, 0);
    if (!rows->schema)
        return fail(err, TAG_OPERATION_FAILED, NULL, "%s: no node %s", table->name, table->row);
    rows->leaves = calloc(2 * table->column_count, sizeof(*rows->leaves));
    if (!rows->leaves)
        return fail_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        if (add_leaf(rows, i, table->columns[i].leaf, false, err) != DONE ||
            add_leaf(rows, i, table->columns[i].other, true, err) != DONE)
            return FAILED;
    }
    qsort(rows->leaves, rows->leaf_count, sizeof(*rows->leaves), compare_leaves);
    return DONE;
}

const struct lysc_node *snmp_rows_leaf(const struct snmp_rows *rows, size_t column)
{
    for (size_t i = 0; i < rows->leaf_count; i++)
        if (rows->leaves[i].column == column && !rows->leaves[i].other)
            return rows->leaves[i].schema;
    return NULL;
}

void snmp_rows_empty(struct snmp_rows *rows)
{
    free(rows->rows);
    free(rows->cells);
    free(rows->present);
    free(rows->texts);
    rows->rows = NULL;
    rows->cells = NULL;
    rows->present = NULL;
    rows->texts = NULL;
    rows->count = rows->capacity = rows->word_count = 0;
    rows->text_size = rows->text_capacity = 0;
    rows->filled = false;
}

void snmp_rows_free(struct snmp_rows *rows)
{
    snmp_rows_empty(rows);
    free(rows->leaves);
    *rows = (struct snmp_rows){0};
}

/* --- filling --- */

static bool is_present(const struct snmp_rows *rows, size_t column, size_t row)
{
    return rows->present[column * rows->word_count + row / WORD_BITS] >> row % WORD_BITS & 1;
}

static bool add_text(struct snmp_rows *rows, const struct snmp_value *value, snmp_cell *cell)
{
    if (rows->text_size + value->length + 1 > rows->text_capacity) {
        size_t capacity = 2 * rows->text_capacity + 4096;
        unsigned char *texts = realloc(rows->texts, capacity);
        if (!texts)
            return false;
        rows->texts = texts;
        rows->text_capacity = capacity;
    }
    *cell = rows->text_size;
    rows->texts[rows->text_size++] = (unsigned char)value->length;
    memcpy(rows->texts + rows->text_size, value->text, value->length);
    rows->text_size += value->length;
    return true;
}

/* The present bits are by the place before sorting here; sort() puts them in order. */
static bool set_cell(struct snmp_rows *rows, size_t column, const struct snmp_value *value)
{
    size_t row = rows->count - 1;
    snmp_cell *cell = &rows->cells[row * rows->table->column_count + column];

    if (snmp_kind_is_text(rows->table->columns[column].kind)) {
        if (!add_text(rows, value, cell))
            return false;
    } else {
        *cell = value->number;
    }
    rows->present[column * rows->word_count + row / WORD_BITS] |= UINT64_C(1) << row % WORD_BITS;
    return true;
}

static size_t first_leaf(const struct snmp_rows *rows, const struct lysc_node *schema)
{
    size_t low = 0, high = rows->leaf_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if ((uintptr_t)rows->leaves[middle].schema < (uintptr_t)schema)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool take_leaf(struct snmp_rows *rows, const struct lyd_node *node)
{
    struct snmp_value value;

    for (size_t i = first_leaf(rows, node->schema);
         i < rows->leaf_count && rows->leaves[i].schema == node->schema; i++) {
        const struct snmp_leaf *leaf = &rows->leaves[i];
        if (leaf->other && is_present(rows, leaf->column, rows->count - 1))
            continue;
        if (snmp_value_of(rows->table->columns[leaf->column].kind, node, &value) &&
            !set_cell(rows, leaf->column, &value))
            return false;
    }
    return true;
}

static bool take_leaves(struct snmp_rows *rows, const struct lyd_node *parent)
{
    for (const struct lyd_node *node = lyd_child(parent); node; node = node->next) {
        if (!node->schema)
            continue;
        if (node->schema->nodetype == LYS_CONTAINER && !take_leaves(rows, node))
            return false;
        if (node->schema->nodetype == LYS_LEAF && !take_leaf(rows, node))
            return false;
    }
    return true;
}

/* Leaves of the row's parent, as the name of a real server's virtual server. */
static bool take_outer_leaves(struct snmp_rows *rows, const struct lyd_node *parent)
{
    struct lyd_node *node;

    for (size_t i = 0; i < rows->leaf_count; i++) {
        const struct lysc_node *schema = rows->leaves[i].schema;
        if (lysc_data_parent(schema) != parent->schema)
            continue;
        if (i > 0 && rows->leaves[i - 1].schema == schema)
            continue;
        if (!lyd_find_sibling_val(lyd_child(parent), schema, NULL, 0, &node) &&
            !take_leaf(rows, node))
            return false;
    }
    return true;
}

static bool take_derived(struct snmp_rows *rows, const struct lyd_node *node)
{
    const struct snmp_row *row = &rows->rows[rows->count - 1];

    for (size_t i = 0; i < rows->table->column_count; i++) {
        const struct snmp_column *column = &rows->table->columns[i];
        struct snmp_value value;
        bool known = true;
        value.number = 0;
        if (column->kind == KIND_INDEX_FIRST)
            value.number = row->index[0];
        else if (column->kind == KIND_INDEX_LAST)
            value.number = row->index[rows->table->index_count - 1];
        else
            known = !is_present(rows, i, rows->count - 1) && column->derive &&
                    column->derive(node, &value);
        if (known && !set_cell(rows, i, &value))
            return false;
    }
    return true;
}

static bool add_row(struct snmp_rows *rows, const struct lyd_node *node, uint32_t first,
                    uint32_t last)
{
    struct snmp_row *row = &rows->rows[rows->count];

    row->cells = (uint32_t)rows->count++;
    row->index[0] = first;
    row->index[1] = rows->table->index_count > 1 ? last : 0;
    return take_leaves(rows, node) &&
           (!lyd_parent(node) || take_outer_leaves(rows, lyd_parent(node))) &&
           take_derived(rows, node);
}

/* What to do with each row's node; number is its place among the rows that have no number. */
typedef bool (*row_function)(struct snmp_rows *rows, const struct entry *entry,
                             const struct lyd_node *node, uint32_t place);

static bool count_row(struct snmp_rows *rows, const struct entry *entry,
                      const struct lyd_node *node, uint32_t place)
{
    rows->capacity++;
    return true;
}

/* State alone: it has its own numbers, or is numbered by its place among others of its parent. */
static uint32_t number_of(const struct lyd_node *node, uint32_t place)
{
    struct lyd_node *leaf = NULL;
    const struct lysc_node *child = lysc_node_child(node->schema);

    while (child && strcmp(child->name, "number") != 0)
        child = child->next;
    if (!child || lyd_find_sibling_val(lyd_child(node), child, NULL, 0, &leaf))
        return place;
    return ((const struct lyd_node_term *)leaf)->value.uint32;
}

static bool take_state_row(struct snmp_rows *rows, const struct lyd_node *node, uint32_t place)
{
    if (rows->table->index_count < 2)
        return add_row(rows, node, number_of(node, place), number_of(node, place));
    return add_row(rows, node, number_of(lyd_parent(node), 1), place);
}

static bool take_row(struct snmp_rows *rows, const struct entry *entry, const struct lyd_node *node,
                     uint32_t place)
{
    const struct lysc_node *schema = node->schema;

    if (rows->table->has && !rows->table->has(node))
        return true;
    if (!rows->table->index_count || !(schema->flags & LYS_CONFIG_W))
        return take_state_row(rows, node, place);
    if (!entry || !entry->number)
        return true;
    if (rows->table->index_count < 2)
        return add_row(rows, node, entry->number, 0);

    uint32_t number = entry_row_number(entry, node);
    return number ? add_row(rows, node, entry->number, number) : true;
}

static bool leads_to(const struct lysc_node *above, const struct lysc_node *node)
{
    while (node && node != above)
        node = lysc_data_parent(node);
    return node;
}

/* Rows below a node; their places are counted anew below each. */
static bool each_below(struct snmp_rows *rows, const struct entry *entry,
                       const struct lyd_node *parent, row_function function)
{
    uint32_t place = 0;

    for (const struct lyd_node *child = lyd_child(parent); child; child = child->next) {
        if (child->schema == rows->schema) {
            if (!function(rows, entry, child, ++place))
                return false;
        } else if (child->schema && leads_to(child->schema, rows->schema) &&
                   !each_below(rows, entry, child, function)) {
            return false;
        }
    }
    return true;
}

/* A row is a node that was read, or below one. */
static bool each_row(struct snmp_rows *rows, const struct operational *state, row_function function)
{
    uint32_t place = 0;

    for (size_t i = 0; i < state->count; i++) {
        const struct entry *entry = state->entries ? state->entries[i] : NULL;
        const struct lyd_node *node = state->nodes[i];
        if (!node)
            continue;
        if (node->schema == rows->schema) {
            if (!function(rows, entry, node, ++place))
                return false;
        } else if (leads_to(node->schema, rows->schema) &&
                   !each_below(rows, entry, node, function)) {
            return false;
        }
    }
    return true;
}

static int compare_rows(const void *a, const void *b)
{
    const struct snmp_row *left = a;
    const struct snmp_row *right = b;

    for (size_t i = 0; i < SNMP_INDEX_MAX; i++) {
        if (left->index[i] != right->index[i])
            return left->index[i] < right->index[i] ? -1 : 1;
    }
    return 0;
}

static bool sort(struct snmp_rows *rows)
{
    size_t columns = rows->table->column_count;
    uint64_t *sorted = calloc(columns * rows->word_count + 1, sizeof(*sorted));

    if (!sorted)
        return false;
    qsort(rows->rows, rows->count, sizeof(*rows->rows), compare_rows);
    for (size_t row = 0; row < rows->count; row++) {
        for (size_t column = 0; column < columns; column++) {
            if (is_present(rows, column, rows->rows[row].cells))
                sorted[column * rows->word_count + row / WORD_BITS] |= UINT64_C(1)
                                                                       << row % WORD_BITS;
        }
    }
    free(rows->present);
    rows->present = sorted;
    return true;
}

enum outcome snmp_rows_fill(struct snmp_rows *rows, const struct operational *state,
                            struct error *err)
{
    size_t columns = rows->table->column_count;

    snmp_rows_empty(rows);
    each_row(rows, state, count_row);
    rows->word_count = (rows->capacity + WORD_BITS - 1) / WORD_BITS;
    rows->rows = calloc(rows->capacity + 1, sizeof(*rows->rows));
    rows->cells = calloc(rows->capacity * columns + 1, sizeof(*rows->cells));
    rows->present = calloc(columns * rows->word_count + 1, sizeof(*rows->present));
    if (!rows->rows || !rows->cells || !rows->present || !each_row(rows, state, take_row) ||
        !sort(rows)) {
        snmp_rows_empty(rows);
        return fail_memory(err);
    }
    rows->filled = true;
    return DONE;
}

/* --- searching --- */

/* How a row's index stands to an OID's: below 0, 0 (the same) or above. */
static int compare_index(const struct snmp_rows *rows, size_t row, const oid *index, size_t length)
{
    static const uint32_t scalar[SNMP_INDEX_MAX];
    size_t count = rows->table->index_count ? rows->table->index_count : 1;
    const uint32_t *own = rows->table->index_count ? rows->rows[row].index : scalar;

    for (size_t i = 0; i < count && i < length; i++) {
        if (own[i] != index[i])
            return own[i] < index[i] ? -1 : 1;
    }
    return count == length ? 0 : count < length ? -1 : 1;
}

/* The first row whose index is not below (or, unless inclusive, is above) an OID's. */
static size_t bisect_rows(const struct snmp_rows *rows, const oid *index, size_t length,
                          bool inclusive)
{
    size_t low = 0, high = rows->count;

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

static size_t bisect_columns(const struct snmp_table *table, oid id)
{
    size_t low = 0, high = table->column_count;

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
    size_t word = row / WORD_BITS;
    uint64_t here = bits[word] >> row % WORD_BITS << row % WORD_BITS;
    while (!here) {
        if (++word == rows->word_count)
            return rows->count;
        here = bits[word];
    }
    return word * WORD_BITS + (size_t)__builtin_ctzll(here);
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
    at->column = bisect_columns(table, suffix[0]);
    if (at->column == table->column_count || table->columns[at->column].id != suffix[0])
        return NO_SUCH_OBJECT;
    at->row = bisect_rows(rows, suffix + 1, length - 1, true);
    if (at->row == rows->count || compare_index(rows, at->row, suffix + 1, length - 1) != 0 ||
        !is_present(rows, at->column, at->row))
        return NO_SUCH_INSTANCE;
    return FOUND;
}

bool snmp_rows_next(const struct snmp_rows *rows, const oid *suffix, size_t length, bool inclusive,
                    struct snmp_instance *at)
{
    const struct snmp_table *table = rows->table;

    if (table->index_count && length > 0) {
        if (suffix[0] > 1)
            return false;
        length = suffix[0] < 1 ? 0 : length - 1;
        suffix++;
    }
    at->column = length > 0 ? bisect_columns(table, suffix[0]) : 0;
    at->row = 0;
    if (length > 0 && at->column < table->column_count &&
        table->columns[at->column].id == suffix[0])
        at->row = bisect_rows(rows, suffix + 1, length - 1, inclusive);
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
    for (size_t i = 0; i < table->index_count; i++)
        suffix[length++] = rows->rows[at->row].index[i];
    if (!table->index_count)
        suffix[length++] = 0;
    return length;
}

void snmp_rows_value(const struct snmp_rows *rows, const struct snmp_instance *at,
                     struct snmp_value *value)
{
    size_t columns = rows->table->column_count;
    snmp_cell cell = rows->cells[rows->rows[at->row].cells * columns + at->column];

    if (snmp_kind_is_text(rows->table->columns[at->column].kind)) {
        value->length = rows->texts[cell];
        memcpy(value->text, rows->texts + cell + 1, value->length);
    } else {
        value->number = cell;
    }
}
