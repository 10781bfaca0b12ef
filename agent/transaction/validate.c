/*
 * Validation of what a transaction changes.
 *
 * An entry is validated alone, beside copies of the entries that it refers to. Only where a rule
 * needs more than that (datastore/rules.h) the whole configuration is put together and validated
 * by libyang.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/references.h"
#include "agent/memory.h"
#include "agent/transaction/transaction.h"

/* Entries that are validated together with one that refers to them, at most. */
#define COMPANIONS_MAX 64

/* So many changes are worth a thread of their own, and so many threads are started at most. */
#define CHANGES_PER_THREAD 512
#define THREADS_MAX 4

/* An entry and those that it refers to, directly or through others. */
struct company {
    const struct schema *schema;
    const struct snapshot *target;
    const struct entry *members[COMPANIONS_MAX];
    size_t count;
    bool full;
};

static bool add_companion(const struct lyd_node *leaf, const struct unit *unit, const char *key,
                          void *arg)
{
    struct company *company = arg;
    const struct entry *entry = snapshot_find(company->target, unit, key);
    for (size_t i = 0; entry && i < company->count; i++)
        if (company->members[i] == entry)
            entry = NULL;
    if (!entry)
        return true; /* libyang will say that it is not there */
    company->full = company->count == COMPANIONS_MAX;
    if (!company->full)
        company->members[company->count++] = entry;
    return !company->full;
}

/* The companions of an entry: as nodes of their own, to be put beside the entry's. */
static enum outcome add_company(const struct schema *schema, const struct snapshot *target,
                                const struct entry *entry, struct lyd_node **tree, bool *whole,
                                struct error *err)
{
    struct company company = {.schema = schema, .target = target, .members = {entry}, .count = 1};
    for (size_t i = 0; i < company.count && !company.full; i++)
        references_of(schema, company.members[i], add_companion, &company);
    *whole = company.full;
    for (size_t i = 1; i < company.count && !company.full; i++) {
        struct lyd_node *copy, *top = *tree;
        if (lyd_dup_single(company.members[i]->node, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS,
                           &copy))
            return fail_memory(err);
        while (top && top->schema != company.members[i]->unit->top)
            top = top->next;
        if (!top && (lyd_new_inner(NULL, copy->schema->module, company.members[i]->unit->top->name,
                                   0, &top) ||
                     lyd_insert_sibling(*tree, top, tree))) {
            lyd_free_tree(copy);
            return fail_memory(err);
        }
        if (lyd_insert_child(top, copy)) {
            lyd_free_tree(copy);
            return fail_memory(err);
        }
    }
    return DONE;
}

/* The whole configuration as one tree of libyang's. */
static enum outcome assemble(const struct snapshot *target, struct lyd_node **tree,
                             struct error *err)
{
    struct lyd_node *top = NULL;
    *tree = NULL;
    for (size_t i = 0; i < target->count; i++) {
        const struct entry *entry = target->entries[i];
        struct lyd_node *copy;
        if (!entry->unit->config)
            continue;
        if (lyd_dup_single(entry->unit->list ? entry->node : entry->tree, NULL,
                           LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &copy))
            return fail_memory(err);
        /* The container's own unit comes before those of its lists. */
        if (!entry->unit->list) {
            top = copy;
            if (lyd_insert_sibling(*tree, copy, tree))
                return fail_memory(err);
        } else if (lyd_insert_child(top, copy)) {
            lyd_free_tree(copy);
            return fail_memory(err);
        }
    }
    return DONE;
}

/*
 * The part of a whole tree that is one entry's: its container with it alone, or the rest. *tree is
 * NULL if a "when" took the entry away.
 */
static enum outcome cut_out(const struct schema *schema, const struct entry *entry,
                            struct lyd_node *whole, struct lyd_node **tree, struct error *err)
{
    struct lyd_node *top = whole, *node, *next;
    while (top && top->schema != entry->unit->top)
        top = top->next;
    if (!top)
        return fail(err, TAG_OPERATION_FAILED, entry->unit->path, "%s vanished in validation.",
                    entry->unit->path);
    if (!entry->unit->list) {
        if (lyd_dup_single(top, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, tree))
            return fail_memory(err);
        LY_LIST_FOR_SAFE(lyd_child(*tree), next, node)
        {
            if (schema_unit_of_list(schema, node->schema))
                lyd_free_tree(node);
        }
        return DONE;
    }
    *tree = NULL;
    if (lyd_find_sibling_first(lyd_child(top), entry->node, &node))
        return DONE;
    if (lyd_dup_single(top, NULL, LYD_DUP_WITH_FLAGS, tree) ||
        lyd_dup_single(node, (struct lyd_node_inner *)*tree, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS,
                       NULL)) {
        lyd_free_all(*tree);
        return fail_memory(err);
    }
    return DONE;
}

/* Whether validation of the whole left a valid entry as it was: no copy is needed then. */
static bool stands(const struct entry *entry, const struct lyd_node *whole)
{
    struct lyd_node *node;
    while (whole && whole->schema != entry->unit->top)
        whole = whole->next;
    return entry->valid && entry->unit->list && whole &&
           !lyd_find_sibling_first(lyd_child(whole), entry->node, &node) &&
           !lyd_compare_single(node, entry->node,
                               LYD_COMPARE_FULL_RECURSION | LYD_COMPARE_DEFAULTS);
}

/* The entry that validation of the whole made of one. *valid is NULL if a "when" took it away. */
static enum outcome take_over(const struct schema *schema, struct entry *entry,
                              struct lyd_node *whole, struct entry **valid, struct error *err)
{
    struct lyd_node *tree;
    *valid = NULL;
    if (stands(entry, whole)) {
        *valid = entry_ref(entry);
        return DONE;
    }
    enum outcome outcome = cut_out(schema, entry, whole, &tree, err);
    return outcome == DONE && tree ? entry_new_valid(entry->unit, tree, entry, valid, err)
                                   : outcome;
}

/* What comes of validation: the entries of the new snapshot, and those that are gone. */
struct verdict {
    struct entry **puts;
    const struct entry **dels;
    size_t put_count, del_count;
};

/* Keep what validation made of an entry, unless that is what base has already. */
static enum outcome keep(struct verdict *verdict, const struct entry *before, struct entry *valid,
                         struct error *err)
{
    if (before && entry_same(before, valid)) {
        entry_unref(valid);
        return DONE;
    }
    struct entry **put = &verdict->puts[verdict->put_count++];
    *put = valid;
    enum outcome outcome = entry_continue(put, before, err);
    /* The journal needs the text; it is made here, where several threads may be at work. */
    return outcome == DONE && !entry_text(*put) ? fail_memory(err) : outcome;
}

static enum outcome split(const struct schema *schema, const struct snapshot *base,
                          const struct snapshot *target, struct lyd_node *whole,
                          struct verdict *verdict, struct error *err)
{
    for (size_t i = 0; i < target->count; i++) {
        struct entry *entry = target->entries[i], *valid;
        if (!entry->unit->config)
            continue;
        const struct entry *before = snapshot_find(base, entry->unit, entry->key);
        enum outcome outcome = take_over(schema, entry, whole, &valid, err);
        if (outcome == DONE && valid)
            outcome = keep(verdict, before, valid, err);
        else if (outcome == DONE && before)
            verdict->dels[verdict->del_count++] = before;
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

/* Validation of the whole may touch any entry. */
static enum outcome make_room(struct verdict *verdict, size_t room, struct error *err)
{
    struct entry **puts = realloc(verdict->puts, (room + 1) * sizeof(*puts));
    if (puts)
        verdict->puts = puts;
    const struct entry **dels = realloc(verdict->dels, (room + 1) * sizeof(*dels));
    if (dels)
        verdict->dels = dels;
    return puts && dels ? DONE : fail_memory(err);
}

static enum outcome validate_whole(const struct schema *schema, const struct snapshot *base,
                                   const struct change_set *changes, struct verdict *verdict,
                                   struct error *err)
{
    const struct snapshot *target = changes->after;
    struct lyd_node *whole;
    /* What was found out entry by entry is found out anew. */
    while (verdict->put_count)
        entry_unref(verdict->puts[--verdict->put_count]);
    verdict->del_count = 0;
    for (size_t i = 0; i < changes->count; i++)
        if (!changes->changes[i].after)
            verdict->dels[verdict->del_count++] = changes->changes[i].before;
    enum outcome outcome = make_room(verdict, changes->count + base->count + target->count, err);
    if (outcome != DONE)
        return outcome;
    outcome = assemble(target, &whole, err);
    if (outcome == DONE && lyd_validate_all(&whole, schema->ctx, LYD_VALIDATE_NO_STATE, NULL))
        outcome = schema_refuse_tree(schema, whole, NULL, err, "The configuration is not valid.");
    if (outcome == DONE)
        outcome = split(schema, base, target, whole, verdict, err);
    lyd_free_all(whole);
    return outcome;
}

/* One entry, alone or in company. *whole: that is not enough. */
static enum outcome validate_entry(const struct schema *schema, const struct snapshot *target,
                                   const struct change *change, struct verdict *verdict,
                                   bool *whole, struct error *err)
{
    struct entry *entry = (struct entry *)change->after, *valid;
    struct lyd_node *company = NULL;
    enum outcome outcome = DONE;
    if (!entry->valid && schema->rules[entry->unit->rank].reference_count) {
        if (lyd_dup_single(entry->tree, NULL, LYD_DUP_RECURSIVE | LYD_DUP_WITH_FLAGS, &company))
            return fail_memory(err);
        outcome = add_company(schema, target, entry, &company, whole, err);
    }
    if (outcome == DONE && !*whole)
        outcome = entry_validate_with(schema, entry, company, &valid, err);
    else
        lyd_free_all(company);
    if (outcome == DONE && !*whole)
        outcome = keep(verdict, change->before, valid, err);
    return outcome;
}

/* The number of entries of a list (RFC 7950, 7.7.5 and 7.7.6). */
static enum outcome check_count(const struct snapshot *target, const struct unit *unit,
                                struct error *err)
{
    const struct lysc_node_list *list = (const struct lysc_node_list *)unit->list;
    size_t count, first = snapshot_range(target, unit, &count);
    if (count <= list->max && (count >= list->min || !list->min))
        return DONE;
    bool many = count > list->max;
    char *path = many ? lyd_path(target->entries[first + list->max]->node, LYD_PATH_STD, NULL, 0)
                      : strdup(unit->path);
    refuse(err, TAG_OPERATION_FAILED, path, "There are %zu entries of %s, and may be %s %u.", count,
           list->name, many ? "at most" : "no fewer than", many ? list->max : list->min);
    error_set_app_tag(err, many ? "too-many-elements" : "too-few-elements");
    free(path);
    return REFUSED;
}

/* The lists that a change touches; changes come in the order of their units. */
static enum outcome check_counts(const struct change_set *changes, struct error *err)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct unit *unit = changes->changes[i].unit;
        if (!unit->list || (i > 0 && changes->changes[i - 1].unit == unit))
            continue;
        enum outcome outcome = check_count(changes->after, unit, err);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

static bool needs_whole(const struct schema *schema, const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++)
        if (schema->rules[changes->changes[i].unit->rank].whole)
            return true;
    return false;
}

/* Changes that stand together, and what comes of them. */
struct stretch {
    const struct schema *schema;
    const struct snapshot *target;
    const struct change *changes;
    size_t count;
    struct verdict verdict; /* its arrays are parts of larger ones */
    bool whole;
    enum outcome outcome;
    struct error error;
    uv_thread_t thread;
    bool threaded;
};

static void validate_stretch(void *arg)
{
    struct stretch *stretch = arg;
    struct verdict *verdict = &stretch->verdict;
    for (size_t i = 0; i < stretch->count && stretch->outcome == DONE && !stretch->whole; i++) {
        const struct change *change = &stretch->changes[i];
        if (change->after)
            stretch->outcome = validate_entry(stretch->schema, stretch->target, change, verdict,
                                              &stretch->whole, &stretch->error);
        else
            verdict->dels[verdict->del_count++] = change->before;
    }
}

/* Wait for a stretch, and put what came of it behind what came of those before it. */
static void join_stretch(struct stretch *stretch, struct verdict *all)
{
    const struct verdict *part = &stretch->verdict;
    if (stretch->threaded)
        uv_thread_join(&stretch->thread);
    memmove(all->puts + all->put_count, part->puts, part->put_count * sizeof(*part->puts));
    memmove(all->dels + all->del_count, part->dels, part->del_count * sizeof(*part->dels));
    all->put_count += part->put_count;
    all->del_count += part->del_count;
}

static size_t threads_for(size_t changes)
{
    size_t count = changes / CHANGES_PER_THREAD + 1;
    count = count > THREADS_MAX ? THREADS_MAX : count;
    return count > 1 && count > uv_available_parallelism() ? uv_available_parallelism() : count;
}

/* Entry by entry; many of them are shared out among threads. Of errors the first one counts. */
static enum outcome validate_each(const struct schema *schema, const struct change_set *changes,
                                  struct verdict *verdict, bool *whole, struct error *err)
{
    struct stretch stretches[THREADS_MAX];
    size_t count = changes->count ? threads_for(changes->count) : 0, begin = 0;
    enum outcome outcome = DONE;
    for (size_t i = 0; i < count; i++) {
        struct stretch *stretch = &stretches[i];
        size_t end = changes->count * (i + 1) / count;
        *stretch = (struct stretch){.schema = schema,
                                    .target = changes->after,
                                    .changes = changes->changes + begin,
                                    .count = end - begin};
        stretch->verdict.puts = verdict->puts + begin;
        stretch->verdict.dels = verdict->dels + begin;
        begin = end;
        /* The last one is this thread's, as is one that cannot have its own. */
        stretch->threaded =
            i + 1 < count && !uv_thread_create(&stretch->thread, validate_stretch, stretch);
        if (!stretch->threaded)
            validate_stretch(stretch);
    }
    for (size_t i = 0; i < count; i++) {
        join_stretch(&stretches[i], verdict);
        *whole = *whole || stretches[i].whole;
        if (outcome == DONE && stretches[i].outcome != DONE) {
            outcome = stretches[i].outcome;
            if (err)
                error_move(err, &stretches[i].error);
        }
        error_clear(&stretches[i].error);
    }
    return outcome;
}

static enum outcome validate_changes(const struct schema *schema, const struct snapshot *base,
                                     const struct change_set *changes, struct verdict *verdict,
                                     struct error *err)
{
    bool whole = needs_whole(schema, changes);
    enum outcome outcome = whole ? DONE : check_counts(changes, err);
    if (outcome == DONE && !whole)
        outcome = validate_each(schema, changes, verdict, &whole, err);
    if (outcome != DONE)
        return outcome;
    return whole ? validate_whole(schema, base, changes, verdict, err) : DONE;
}

static void verdict_free(struct verdict *verdict)
{
    for (size_t i = 0; verdict->puts && i < verdict->put_count; i++)
        entry_unref(verdict->puts[i]);
    free(verdict->puts);
    free(verdict->dels);
}

enum outcome transaction_validate(const struct schema *schema, const struct snapshot *base,
                                  const struct snapshot *target, struct snapshot **valid,
                                  struct error *err)
{
    struct change_set changes;
    enum outcome outcome = change_set_make(base, target, &changes, err);
    if (outcome != DONE)
        return outcome;
    struct verdict verdict = {0};
    outcome = make_room(&verdict, changes.count, err);
    if (outcome == DONE)
        outcome = validate_changes(schema, base, &changes, &verdict, err);
    if (outcome == DONE) {
        *valid =
            snapshot_with(base, verdict.puts, verdict.put_count, verdict.dels, verdict.del_count);
        if (!*valid)
            outcome = fail_memory(err);
    }
    verdict_free(&verdict);
    memory_freed(changes.count);
    change_set_free(&changes);
    return outcome;
}
