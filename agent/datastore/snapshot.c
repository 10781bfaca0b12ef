/*
 * Snapshots, and what differs between them.
 */
#include "agent/datastore/snapshot.h"

#include <stdlib.h>
#include <string.h>

static struct snapshot *snapshot_alloc(size_t room)
{
    struct snapshot *snapshot = calloc(1, sizeof(*snapshot) + room * sizeof(*snapshot->entries));
    if (snapshot)
        atomic_init(&snapshot->refs, 1);
    return snapshot;
}

struct snapshot *snapshot_ref(const struct snapshot *snapshot)
{
    struct snapshot *shared = (struct snapshot *)snapshot; /* the count is all that ever changes */
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void snapshot_unref(struct snapshot *snapshot)
{
    if (!snapshot || atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < snapshot->count; i++)
        entry_unref(snapshot->entries[i]);
    free(snapshot);
}

static int compare_place(const struct entry *entry, const struct unit *unit, const char *key)
{
    if (entry->unit->rank != unit->rank)
        return entry->unit->rank < unit->rank ? -1 : 1;
    return strcmp(entry->key, key);
}

int entry_compare(const struct entry *a, const struct entry *b)
{
    return compare_place(a, b->unit, b->key);
}

static enum outcome add_container(const struct schema *schema, const struct unit *unit,
                                  struct snapshot *snapshot, struct error *err)
{
    struct lyd_node *tree;
    struct entry *bare, *entry;
    if (lyd_new_inner(NULL, unit->top->module, unit->top->name, 0, &tree))
        return fail_memory(err);
    enum outcome outcome = entry_new(unit, tree, NULL, &bare, err);
    if (outcome != DONE)
        return outcome;
    if (!unit->config) {
        bare->valid = true;
        snapshot->entries[snapshot->count++] = bare;
        return DONE;
    }
    outcome = entry_validate(schema, bare, &entry, err);
    entry_unref(bare);
    if (outcome == DONE)
        snapshot->entries[snapshot->count++] = entry;
    return outcome;
}

enum outcome snapshot_new_empty(const struct schema *schema, struct snapshot **result,
                                struct error *err)
{
    struct snapshot *snapshot = snapshot_alloc(schema->unit_count);
    if (!snapshot)
        return fail_memory(err);
    for (size_t i = 0; i < schema->unit_count; i++) {
        const struct unit *unit = &schema->units[i];
        if (!unit->list && add_container(schema, unit, snapshot, err) != DONE) {
            snapshot_unref(snapshot);
            return FAILED;
        }
    }
    *result = snapshot;
    return DONE;
}

/* The first index whose entry does not come before the place. */
static size_t lower_bound(const struct snapshot *snapshot, const struct unit *unit, const char *key)
{
    size_t low = 0, high = snapshot->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_place(snapshot->entries[middle], unit, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct entry *snapshot_find(const struct snapshot *snapshot, const struct unit *unit,
                                  const char *key)
{
    size_t at = lower_bound(snapshot, unit, key);
    if (at < snapshot->count && !compare_place(snapshot->entries[at], unit, key))
        return snapshot->entries[at];
    return NULL;
}

size_t snapshot_range(const struct snapshot *snapshot, const struct unit *unit, size_t *count)
{
    size_t first = lower_bound(snapshot, unit, ""), low = first, high = snapshot->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (snapshot->entries[middle]->unit->rank <= unit->rank)
            low = middle + 1;
        else
            high = middle;
    }
    *count = low - first;
    return first;
}

static int compare_pointed(const void *a, const void *b)
{
    return entry_compare(*(struct entry *const *)a, *(struct entry *const *)b);
}

struct snapshot *snapshot_with(const struct snapshot *base, struct entry *const *puts,
                               size_t put_count, const struct entry *const *dels, size_t del_count)
{
    struct snapshot *next = snapshot_alloc(base->count + put_count);
    /* One more, so that malloc(0) is no special case. */
    struct entry **added = malloc((put_count + 1) * sizeof(*added));
    const struct entry **removed = malloc((del_count + 1) * sizeof(*removed));
    if (!next || !added || !removed) {
        free(next);
        next = NULL;
        goto out;
    }
    if (put_count)
        memcpy(added, puts, put_count * sizeof(*added));
    if (del_count)
        memcpy(removed, dels, del_count * sizeof(*removed));
    qsort(added, put_count, sizeof(*added), compare_pointed);
    qsort(removed, del_count, sizeof(*removed), compare_pointed);

    next->revision = base->revision;
    next->committed = base->committed;
    size_t put = 0, del = 0;
    for (size_t i = 0; i < base->count; i++) {
        struct entry *entry = base->entries[i];
        while (put < put_count && entry_compare(added[put], entry) < 0)
            next->entries[next->count++] = entry_ref(added[put++]);
        while (del < del_count && entry_compare(removed[del], entry) < 0)
            del++;
        bool gone = del < del_count && !entry_compare(removed[del], entry);
        if (put < put_count && !entry_compare(added[put], entry))
            next->entries[next->count++] = entry_ref(added[put++]);
        else if (!gone)
            next->entries[next->count++] = entry_ref(entry);
    }
    while (put < put_count)
        next->entries[next->count++] = entry_ref(added[put++]);
out:
    free(added);
    free(removed);
    return next;
}

static enum outcome add_change(struct change_set *set, size_t *room, const struct entry *before,
                               const struct entry *after, struct error *err)
{
    if (set->count == *room) {
        size_t more = *room ? *room * 2 : 8;
        struct change *changes = realloc(set->changes, more * sizeof(*changes));
        if (!changes)
            return fail_memory(err);
        set->changes = changes;
        *room = more;
    }
    set->changes[set->count++] =
        (struct change){.unit = before ? before->unit : after->unit, before, after};
    return DONE;
}

enum outcome change_set_make(const struct snapshot *before, const struct snapshot *after,
                             struct change_set *set, struct error *err)
{
    size_t room = 0, b = 0, a = 0;
    *set = (struct change_set){.before = before, .after = after};
    while (b < before->count || a < after->count) {
        const struct entry *old = b < before->count ? before->entries[b] : NULL;
        const struct entry *new = a < after->count ? after->entries[a] : NULL;
        if (old == new) {
            b++, a++;
            continue;
        }
        int order = !old ? 1 : !new ? -1 : entry_compare(old, new);
        enum outcome outcome =
            add_change(set, &room, order <= 0 ? old : NULL, order >= 0 ? new : NULL, err);
        if (outcome != DONE) {
            change_set_free(set);
            return outcome;
        }
        b += order <= 0;
        a += order >= 0;
    }
    return DONE;
}

void change_set_free(struct change_set *set)
{
    free(set->changes);
    *set = (struct change_set){0};
}
