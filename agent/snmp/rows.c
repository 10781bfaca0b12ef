#include "agent/snmp/rows.h"

#include <stdlib.h>
#include <string.h>

/* One leaf that feeds one column. */
struct snmp_leaf {
    const struct lysc_node *schema;
    size_t column;
    unsigned levels; /* How far above the row it is: 0, in it or below. */
    bool other;      /* Only where the column's first leaf is absent. */
};

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
        else if (strcmp(name, ".") != 0)
            row = find_child(row, name);
        path += length + (path[length] == '/');
    }
    return row;
}

static unsigned levels_of(const char *path)
{
    unsigned levels = 0;

    for (; !strncmp(path, "../", 3); path += 3)
        levels++;
    return levels;
}

static bool other_lacks(const struct snmp_table *table, unsigned column)
{
    for (const unsigned *id = table->other_lacks; id && *id; id++)
        if (*id == column)
            return true;
    return false;
}

static enum outcome add_leaf(struct snmp_rows *rows, size_t column, const char *path, bool other,
                             struct error *err)
{
    const struct snmp_table *table = rows->table;
    const struct lysc_node *schema = find_leaf(rows->schema, path);

    if (!path)
        return DONE;
    if (!schema)
        return fail(err, TAG_OPERATION_FAILED, NULL, "%s: column %u: no leaf %s below %s",
                    table->name, table->columns[column].id, path, table->row);
    const unsigned levels = levels_of(path);
    rows->leaves[rows->leaf_count++] = (struct snmp_leaf){schema, column, levels, other};
    for (size_t i = 0; i < 2; i++) {
        const struct lysc_node *list = i ? rows->third : rows->other, *twin = NULL;
        if (list && !other_lacks(table, table->columns[column].id))
            twin = find_leaf(list, path);
        if (twin && twin != schema)
            rows->leaves[rows->leaf_count++] = (struct snmp_leaf){twin, column, levels, other};
    }
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
    rows->other = table->other_row ? lys_find_path(ctx, NULL, table->other_row, 0) : NULL;
    rows->third = table->third_row ? lys_find_path(ctx, NULL, table->third_row, 0) : NULL;
    if ((table->other_row && !rows->other) || (table->third_row && !rows->third))
        return fail(err, TAG_OPERATION_FAILED, NULL, "%s: no node %s", table->name,
                    rows->other ? table->third_row : table->other_row);
    rows->leaves = calloc(2 * SNMP_LISTS_MAX * table->column_count, sizeof(*rows->leaves));
    if (!rows->leaves)
        return fail_memory(err);
    for (size_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].kind == KIND_ACTION)
            continue;
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
    free(rows->indexes);
    rows->rows = NULL;
    rows->cells = NULL;
    rows->present = NULL;
    rows->texts = NULL;
    rows->indexes = NULL;
    rows->count = rows->capacity = rows->word_count = 0;
    rows->text_size = rows->text_capacity = 0;
    rows->index_size = rows->index_capacity = 0;
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
    return rows->present[column * rows->word_count + row / SNMP_WORD_BITS] >> row % SNMP_WORD_BITS &
           1;
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
    snmp_cell *cell = &rows->cells[column * rows->capacity + row];

    if (snmp_kind_is_text(rows->table->columns[column].kind)) {
        if (!add_text(rows, value, cell))
            return false;
    } else {
        *cell = value->number;
    }
    rows->present[column * rows->word_count + row / SNMP_WORD_BITS] |= UINT64_C(1)
                                                                       << row % SNMP_WORD_BITS;
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

/* Leaves of what the row is in, as the name of a real server's virtual server. */
static bool take_outer_leaves(struct snmp_rows *rows, const struct lyd_node *row)
{
    for (size_t i = 0; i < rows->leaf_count; i++) {
        const struct lysc_node *schema = rows->leaves[i].schema;
        const struct lyd_node *parent = row;
        struct lyd_node *node;
        if (!rows->leaves[i].levels || (i > 0 && rows->leaves[i - 1].schema == schema))
            continue;
        for (unsigned level = 0; level < rows->leaves[i].levels && parent; level++)
            parent = lyd_parent(parent);
        if (parent && !lyd_find_sibling_val(lyd_child(parent), schema, NULL, 0, &node) &&
            !take_leaf(rows, node))
            return false;
    }
    return true;
}

const uint32_t *snmp_rows_index(const struct snmp_rows *rows, const struct snmp_row *row,
                                size_t *length)
{
    *length = rows->table->index ? row->index[1] : rows->table->index_count;
    return rows->table->index ? rows->indexes + row->index[0] : row->index;
}

/* The part of the index that a column shows, counted from 1; 0: it shows none. */
static size_t index_part(enum snmp_kind kind, size_t length)
{
    switch (kind) {
    case KIND_INDEX_FIRST:
        return 1;
    case KIND_INDEX_SECOND:
        return 2;
    case KIND_INDEX_LAST:
        return length;
    default:
        return 0;
    }
}

static bool take_derived(struct snmp_rows *rows, const struct lyd_node *node)
{
    size_t length;
    const uint32_t *index = snmp_rows_index(rows, &rows->rows[rows->count - 1], &length);

    for (size_t i = 0; i < rows->table->column_count; i++) {
        const struct snmp_column *column = &rows->table->columns[i];
        size_t part = index_part(column->kind, length);
        struct snmp_value value;
        bool known = true;
        value.number = part ? index[part - 1] : column->kind == KIND_ACTION;
        if (!part && column->kind != KIND_ACTION)
            known = !is_present(rows, i, rows->count - 1) && column->derive &&
                    (node->schema == rows->schema || !other_lacks(rows->table, column->id)) &&
                    column->derive(node, &value);
        if (known && !set_cell(rows, i, &value))
            return false;
    }
    return true;
}

/* Keep an index that the table makes. @return Where, or SIZE_MAX for want of memory. */
static size_t keep_index(struct snmp_rows *rows, const uint32_t *index, size_t length)
{
    size_t place = rows->index_size;

    if (place + length > rows->index_capacity) {
        size_t capacity = 2 * rows->index_capacity + 16 * SNMP_INDEX_LONGEST;
        uint32_t *indexes = realloc(rows->indexes, capacity * sizeof(*indexes));
        if (!indexes)
            return SIZE_MAX;
        rows->indexes = indexes;
        rows->index_capacity = capacity;
    }
    memcpy(rows->indexes + place, index, length * sizeof(*index));
    rows->index_size += length;
    return place;
}

/* @return false for want of memory; a row without an index is left out. */
static bool make_index(struct snmp_rows *rows, const struct lyd_node *node, uint32_t *numbers,
                       bool *made)
{
    uint32_t index[SNMP_INDEX_LONGEST];
    size_t length = rows->table->index(node, numbers, index);
    size_t place = length ? keep_index(rows, index, length) : 0;

    *made = length;
    numbers[0] = (uint32_t)place;
    numbers[1] = (uint32_t)length;
    return place != SIZE_MAX;
}

static bool add_row(struct snmp_rows *rows, const struct lyd_node *node,
                    uint32_t index[SNMP_INDEX_MAX])
{
    struct snmp_row *row = &rows->rows[rows->count];
    bool made = true;

    if (rows->table->index && !make_index(rows, node, index, &made))
        return false;
    if (!made)
        return true;
    row->cell = (uint32_t)rows->count++;
    memcpy(row->index, index, sizeof(row->index));
    if (node->schema->nodetype == LYS_LEAFLIST && !take_leaf(rows, node))
        return false;
    return take_leaves(rows, node) && take_outer_leaves(rows, node) && take_derived(rows, node);
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

/* One part of an index: the number of a list instance; 0 if it has none. */
static uint32_t index_of(const struct entry *entry, const struct lyd_node *node, uint32_t place)
{
    if (!(node->schema->flags & LYS_CONFIG_W))
        return number_of(node, place);
    if (!entry)
        return 0;
    return node->schema == entry->unit->list ? entry->number : entry_row_number(entry, node);
}

/* The list instance that a node is in. */
static const struct lyd_node *list_above(const struct lyd_node *node)
{
    do
        node = lyd_parent(node);
    while (node && node->schema->nodetype != LYS_LIST);
    return node;
}

/* Parts of the index are the row's own and those of the lists above it; without one, no row. */
static bool take_row(struct snmp_rows *rows, const struct entry *entry, const struct lyd_node *node,
                     uint32_t place)
{
    const struct snmp_table *table = rows->table;
    uint32_t index[SNMP_INDEX_MAX] = {0};
    const struct lyd_node *at = node;

    if (table->has && !table->has(node))
        return true;
    for (size_t i = table->index_count; i-- > 0 && at; at = list_above(at)) {
        index[i] = table->number && at == node ? table->number(entry, node)
                                               : index_of(entry, at, at == node ? place : 1);
        if (!index[i])
            return true;
    }
    return add_row(rows, node, index);
}

static bool leads_to(const struct lysc_node *above, const struct lysc_node *node)
{
    while (node && node != above)
        node = lysc_data_parent(node);
    return node;
}

static bool is_row(const struct snmp_rows *rows, const struct lysc_node *schema)
{
    return schema == rows->schema || (rows->other && schema == rows->other) ||
           (rows->third && schema == rows->third);
}

static bool leads_to_rows(const struct snmp_rows *rows, const struct lysc_node *schema)
{
    return leads_to(schema, rows->schema) || (rows->other && leads_to(schema, rows->other)) ||
           (rows->third && leads_to(schema, rows->third));
}

/* Rows below a node; their places are counted anew below each. */
static bool each_below(struct snmp_rows *rows, const struct entry *entry,
                       const struct lyd_node *parent, row_function function)
{
    uint32_t place = 0;

    for (const struct lyd_node *child = lyd_child(parent); child; child = child->next) {
        if (!child->schema)
            continue;
        if (is_row(rows, child->schema)) {
            if (!function(rows, entry, child, ++place))
                return false;
        } else if (leads_to_rows(rows, child->schema) &&
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
        if (is_row(rows, node->schema)) {
            if (!function(rows, entry, node, ++place))
                return false;
        } else if (leads_to_rows(rows, node->schema) && !each_below(rows, entry, node, function)) {
            return false;
        }
    }
    return true;
}

static int compare_rows(const void *a, const void *b, void *arg)
{
    size_t left_length, right_length;
    const uint32_t *left = snmp_rows_index(arg, a, &left_length);
    const uint32_t *right = snmp_rows_index(arg, b, &right_length);

    for (size_t i = 0; i < left_length && i < right_length; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    }
    return (left_length > right_length) - (left_length < right_length);
}

static bool sort(struct snmp_rows *rows)
{
    size_t columns = rows->table->column_count;
    uint64_t *sorted = calloc(columns * rows->word_count + 1, sizeof(*sorted));

    if (!sorted)
        return false;
    qsort_r(rows->rows, rows->count, sizeof(*rows->rows), compare_rows, rows);
    for (size_t row = 0; row < rows->count; row++) {
        for (size_t column = 0; column < columns; column++) {
            if (is_present(rows, column, rows->rows[row].cell))
                sorted[column * rows->word_count + row / SNMP_WORD_BITS] |= UINT64_C(1)
                                                                            << row % SNMP_WORD_BITS;
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
    rows->word_count = (rows->capacity + SNMP_WORD_BITS - 1) / SNMP_WORD_BITS;
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
