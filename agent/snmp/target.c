/*
 * Targets.
 */
#include "agent/snmp/target.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snmp_targets_begin(struct snmp_targets *targets, struct agent *agent)
{
    *targets = (struct snmp_targets){.running = agent_running(agent)};
}

void snmp_targets_clear(struct snmp_targets *targets)
{
    free(targets->entries);
    snapshot_unref(targets->running);
    *targets = (struct snmp_targets){0};
}

/* Columns and values. */

int snmp_target_column(const struct snmp_rows *rows, const oid *suffix, size_t length,
                       size_t *column)
{
    const struct snmp_table *table = rows->table;
    size_t at = table->index_count ? 1 : 0; /* behind a table's OID is that of its entry */
    if (length <= at || (at && suffix[0] != 1))
        return SNMP_ERR_NOCREATION;
    for (*column = 0; *column < table->column_count; (*column)++)
        if (table->columns[*column].id == suffix[at])
            return table->columns[*column].access == READ_ONLY ? SNMP_ERR_NOTWRITABLE
                                                               : SNMP_ERR_NOERROR;
    return SNMP_ERR_NOCREATION;
}

static const char *enum_name(const struct lysc_node *leaf, long number)
{
    const struct lysc_type *type = ((const struct lysc_node_leaf *)leaf)->type;
    const struct lysc_type_enum *enumeration = (const struct lysc_type_enum *)type;
    LY_ARRAY_COUNT_TYPE i;
    if (type->basetype != LY_TYPE_ENUM)
        return NULL;
    LY_ARRAY_FOR(enumeration->enums, i)
    {
        if (enumeration->enums[i].value == number)
            return enumeration->enums[i].name;
    }
    return NULL;
}

static int text_of(enum snmp_kind kind, const struct lysc_node *leaf,
                   const netsnmp_variable_list *var, char *text)
{
    long number = var->val.integer ? *var->val.integer : 0;
    const char *name;
    switch (kind) {
    case KIND_STRING:
        if (var->val_len > SNMP_TEXT_MAX)
            return SNMP_ERR_WRONGLENGTH;
        memcpy(text, var->val.string, var->val_len);
        text[var->val_len] = '\0';
        return memchr(text, '\0', var->val_len) ? SNMP_ERR_WRONGVALUE : SNMP_ERR_NOERROR;
    case KIND_TRUTH:
        if (number != 1 && number != 2)
            return SNMP_ERR_WRONGVALUE;
        strcpy(text, number == 1 ? "true" : "false");
        return SNMP_ERR_NOERROR;
    case KIND_ENUM:
        name = enum_name(leaf, number);
        snprintf(text, SNMP_TEXT_MAX, "%s", name ? name : "");
        return name ? SNMP_ERR_NOERROR : SNMP_ERR_WRONGVALUE;
    case KIND_ACTION:
        snprintf(text, SNMP_TEXT_MAX, "%s", number == 2 ? "do" : "");
        return number == 1 || number == 2 ? SNMP_ERR_NOERROR : SNMP_ERR_WRONGVALUE;
    case KIND_ENUM_OR_NONE:
        name = number == 1 ? "" : enum_name(leaf, number - 2);
        snprintf(text, SNMP_TEXT_MAX, "%s", name ? name : "");
        return name ? SNMP_ERR_NOERROR : SNMP_ERR_WRONGVALUE;
    default:
        snprintf(text, SNMP_TEXT_MAX, "%" PRIu32, (uint32_t)number);
        return SNMP_ERR_NOERROR;
    }
}

int snmp_target_value(const struct snmp_rows *rows, size_t column, const netsnmp_variable_list *var,
                      char *text)
{
    enum snmp_kind kind = rows->table->columns[column].kind;
    const struct lysc_node *leaf = snmp_rows_leaf(rows, column);
    if (var->type != snmp_kind_type(kind))
        return SNMP_ERR_WRONGTYPE;
    if (!snmp_kind_is_text(kind) && var->val_len != sizeof(long))
        return SNMP_ERR_WRONGLENGTH;
    int status = text_of(kind, leaf, var, text);
    if (status != SNMP_ERR_NOERROR || kind == KIND_ACTION || (kind == KIND_ENUM_OR_NONE && !*text))
        return status;
    LY_ERR result =
        lyd_value_validate(leaf->module->ctx, leaf, text, strlen(text), NULL, NULL, NULL);
    if (result && result != LY_EINCOMPLETE) {
        ly_err_clean(leaf->module->ctx, NULL);
        return SNMP_ERR_WRONGVALUE;
    }
    return SNMP_ERR_NOERROR;
}

/* Rows. */

static int compare_numbers(const void *a, const void *b)
{
    uint32_t left = (*(const struct entry *const *)a)->number;
    uint32_t right = (*(const struct entry *const *)b)->number;
    return left < right ? -1 : left > right;
}

/* The entries of a unit by their numbers, made when the first one is looked for. */
static bool index_unit(struct snmp_targets *targets, const struct unit *unit)
{
    size_t count, first;
    if (targets->unit == unit)
        return true;
    first = snapshot_range(targets->running, unit, &count);
    const struct entry **entries = malloc((count + 1) * sizeof(*entries));
    if (!entries)
        return false;
    for (size_t i = 0; i < count; i++)
        entries[i] = targets->running->entries[first + i];
    qsort(entries, count, sizeof(*entries), compare_numbers);
    free(targets->entries);
    targets->entries = entries;
    targets->count = count;
    targets->unit = unit;
    return true;
}

static const struct entry *find_entry(struct snmp_targets *targets, const struct unit *unit,
                                      oid number)
{
    struct entry wanted = {.number = (uint32_t)number};
    const struct entry *key = &wanted;
    if (!number || number > UINT32_MAX || !index_unit(targets, unit))
        return NULL;
    const struct entry **found =
        bsearch(&key, targets->entries, targets->count, sizeof(*targets->entries), compare_numbers);
    return found ? *found : NULL;
}

/* Other lists of the entry have their numbers out of the same row. */
static const char *find_row(const struct entry *entry, const char *list, oid number)
{
    size_t length = strlen(list);
    for (size_t i = 0; i < entry->row_count; i++) {
        const char *path = entry->rows[i].path;
        if (entry->rows[i].number == number && !strncmp(path + 1, list, length) &&
            path[1 + length] == '[') {
            struct lyd_node *node = NULL;
            /* A row that was deleted keeps its number. */
            return lyd_find_path(entry->node, path + (*path == '/'), 0, &node) ? NULL : path;
        }
    }
    return NULL;
}

static bool is_of(const struct unit *unit, const struct lysc_node *row)
{
    return unit->list && (unit->list == row || unit->list == row->parent);
}

/* The unit whose entries the rows are, or are in. */
static const struct unit *unit_of(const struct snmp_targets *targets, const struct lysc_node *row)
{
    for (size_t i = 0; i < targets->running->count; i++) {
        const struct unit *unit = targets->running->entries[i]->unit;
        if (is_of(unit, row))
            return unit;
    }
    return NULL;
}

/* The value that was set of a leaf, or NULL. */
static char *value_set(const struct entry *entry, const char *row, const char *name)
{
    char path[1024];
    struct lyd_node *leaf = NULL;
    snprintf(path, sizeof(path), "%s%s%s", row + (*row == '/'), *row ? "/" : "", name);
    if (lyd_find_path(entry->node, path, 0, &leaf) || (leaf->flags & LYD_DEFAULT)) {
        ly_err_clean((struct ly_ctx *)LYD_CTX(entry->node), NULL);
        return NULL;
    }
    return strdup(lyd_get_value(leaf));
}

bool snmp_target_find(struct snmp_targets *targets, const struct snmp_rows *rows, size_t column,
                      const oid *suffix, size_t length, char **path, char **before)
{
    const struct snmp_table *table = rows->table;
    const struct lysc_node *leaf = snmp_rows_leaf(rows, column);
    bool action = table->columns[column].kind == KIND_ACTION;
    char name[128];
    if ((!leaf && !action) || !table->index_count || length != 2 + table->index_count)
        return false;
    /* Of another module that augments the row's; an action's name says so itself. */
    bool foreign = leaf && leaf->module != rows->schema->module;
    snprintf(name, sizeof(name), "%s%s%s", foreign ? leaf->module->name : "", foreign ? ":" : "",
             table->columns[column].leaf);
    bool indexed = targets->unit && is_of(targets->unit, rows->schema);
    const struct unit *unit = indexed ? targets->unit : unit_of(targets, rows->schema);
    const struct entry *entry = unit ? find_entry(targets, unit, suffix[2]) : NULL;
    const char *row =
        entry && table->index_count > 1 ? find_row(entry, rows->schema->name, suffix[3]) : "";
    if (!entry || !row || asprintf(path, "%s%s%s/%s", unit->path, entry->key, row, name) < 0)
        return false;
    *before = action ? NULL : value_set(entry, row, name);
    return true;
}

/* Rows of the state alone. */

static bool find_column(const struct snmp_table *table, const char *leaf, size_t *column)
{
    for (*column = 0; *column < table->column_count; (*column)++) {
        const char *own = table->columns[*column].leaf;
        if (table->columns[*column].kind == KIND_STRING && own && !strcmp(own, leaf))
            return true;
    }
    return false;
}

bool snmp_target_is_rpc(const struct snmp_rows *rows, size_t column)
{
    const struct snmp_column *own = &rows->table->columns[column];
    return own->kind == KIND_ACTION && *own->leaf == '/';
}

bool snmp_target_rpc(const struct snmp_rows *rows, size_t column, const oid *suffix, size_t length,
                     char **path, char **value)
{
    const struct snmp_column *own = &rows->table->columns[column];
    struct snmp_instance at = {0};
    struct snmp_value text;
    if (snmp_rows_find(rows, suffix, length, &at) != FOUND ||
        !find_column(rows->table, own->other, &at.column) || !snmp_rows_has(rows, &at))
        return false;
    snmp_rows_value(rows, &at, &text);
    *path = strndup(own->leaf, (size_t)(strrchr(own->leaf, '/') - own->leaf));
    *value = strndup((const char *)text.text, text.length);
    return *path && *value;
}
