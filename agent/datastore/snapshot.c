/*
 * Snapshots, and what differs between them.
 */
#include "agent/datastore/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"

/* Entries that stand together in a snapshot. Immutable once a snapshot has it, and counted. */
#define CHUNK_MAX 128
struct snapshot_chunk {
    atomic_uint refs;
    size_t count;
    struct entry *entries[CHUNK_MAX]; /* one reference each */
};

static void chunk_unref(struct snapshot_chunk *chunk)
{
    if (!chunk || atomic_fetch_sub_explicit(&chunk->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < chunk->count; i++)
        entry_unref(chunk->entries[i]);
    free(chunk);
}

/* A snapshot that is being put together, in its order. */
struct builder {
    struct snapshot *next;       /* NULL after a failure for want of memory */
    struct snapshot_chunk *open; /* takes the next entries; not yet among next's */
};

/* Room for the chunks of a base and for more entries beside them. */
static struct builder build(size_t base_chunks, size_t room)
{
    struct snapshot *next = malloc(sizeof(*next) + room * sizeof(*next->entries));
    if (!next)
        return (struct builder){0};
    *next = (struct snapshot){.refs = 1};
    /* A chunk is full, or of the base, or cut short by one of the base, or the last. */
    next->chunks =
        malloc((room / CHUNK_MAX + 2 * base_chunks + 2) * sizeof(struct snapshot_chunk *));
    if (next->chunks)
        return (struct builder){.next = next};
    free(next);
    return (struct builder){0};
}

static void close_chunk(struct builder *builder)
{
    if (builder->open)
        builder->next->chunks[builder->next->chunk_count++] = builder->open;
    builder->open = NULL;
}

static void build_failed(struct builder *builder)
{
    snapshot_unref(builder->next);
    chunk_unref(builder->open);
    *builder = (struct builder){0};
}

/* Add an entry; its reference is taken. */
static void add_entry(struct builder *builder, struct entry *entry)
{
    if (builder->open && builder->open->count == CHUNK_MAX)
        close_chunk(builder);
    if (builder->next && !builder->open) {
        builder->open = malloc(sizeof(*builder->open));
        if (!builder->open)
            build_failed(builder);
        else {
            atomic_init(&builder->open->refs, 1);
            builder->open->count = 0;
        }
    }
    if (!builder->next) {
        entry_unref(entry);
        return;
    }
    builder->open->entries[builder->open->count++] = entry;
    builder->next->entries[builder->next->count++] = entry;
}

/* Add all of a chunk; it is shared unless a small one before it has room for it. */
static void add_chunk(struct builder *builder, struct snapshot_chunk *chunk)
{
    if (builder->open && builder->open->count + chunk->count <= CHUNK_MAX) {
        for (size_t i = 0; i < chunk->count; i++)
            add_entry(builder, entry_ref(chunk->entries[i]));
        return;
    }
    struct snapshot *next = builder->next;
    if (!next)
        return;
    close_chunk(builder);
    atomic_fetch_add_explicit(&chunk->refs, 1, memory_order_relaxed);
    next->chunks[next->chunk_count++] = chunk;
    memcpy(next->entries + next->count, chunk->entries, chunk->count * sizeof(*chunk->entries));
    next->count += chunk->count;
}

/* The end. Returns NULL if memory was wanting. */
static struct snapshot *built(struct builder *builder)
{
    close_chunk(builder);
    return builder->next;
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
    for (size_t i = 0; i < snapshot->chunk_count; i++)
        chunk_unref(snapshot->chunks[i]);
    free(snapshot->chunks);
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
                                  struct builder *builder, struct error *err)
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
        add_entry(builder, bare);
        return DONE;
    }
    outcome = entry_validate(schema, bare, &entry, err);
    entry_unref(bare);
    if (outcome == DONE)
        add_entry(builder, entry);
    return outcome;
}

enum outcome snapshot_new_empty(const struct schema *schema, struct snapshot **result,
                                struct error *err)
{
    struct builder builder = build(0, schema->unit_count);
    for (size_t i = 0; i < schema->unit_count && builder.next; i++) {
        const struct unit *unit = &schema->units[i];
        if (!unit->list && add_container(schema, unit, &builder, err) != DONE) {
            build_failed(&builder);
            return FAILED;
        }
    }
    *result = built(&builder);
    return *result ? DONE : fail_memory(err);
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

enum outcome snapshot_each(const struct snapshot *snapshot, const struct unit *unit,
                           const struct entry_choice *choice,
                           enum outcome (*function)(const struct entry *entry, void *arg),
                           void *arg)
{
    enum outcome outcome = DONE;
    if (choice->wanted && choice->all) {
        size_t count, first = snapshot_range(snapshot, unit, &count);
        for (size_t i = first; i < first + count && outcome == DONE; i++)
            outcome = function(snapshot->entries[i], arg);
    } else if (choice->wanted) {
        for (size_t i = 0; i < choice->key_count && outcome == DONE; i++) {
            const struct entry *entry = snapshot_find(snapshot, unit, choice->keys[i]);
            outcome = entry ? function(entry, arg) : DONE;
        }
    }
    return outcome;
}

int entry_compare_pointed(const void *a, const void *b)
{
    return entry_compare(*(struct entry *const *)a, *(struct entry *const *)b);
}

/* Entries to be put in or left out, in order, as far as they have been dealt with. */
struct changes {
    struct entry **puts;
    const struct entry **dels;
    size_t put, put_count, del, del_count;
};

/* Whether something changes at an entry or before it. */
static bool changes_until(const struct changes *changes, const struct entry *entry)
{
    return (changes->put < changes->put_count &&
            entry_compare(changes->puts[changes->put], entry) <= 0) ||
           (changes->del < changes->del_count &&
            entry_compare(changes->dels[changes->del], entry) <= 0);
}

/* What becomes of an entry of the base, and what comes before it. */
static void merge_entry(struct builder *builder, struct changes *changes, struct entry *entry)
{
    int order = -1;
    while (changes->put < changes->put_count &&
           (order = entry_compare(changes->puts[changes->put], entry)) < 0)
        add_entry(builder, entry_ref(changes->puts[changes->put++]));
    bool replaced = changes->put < changes->put_count && order == 0;
    order = -1;
    while (changes->del < changes->del_count &&
           (order = entry_compare(changes->dels[changes->del], entry)) < 0)
        changes->del++;
    bool gone = changes->del < changes->del_count && order == 0;
    if (replaced)
        add_entry(builder, entry_ref(changes->puts[changes->put++]));
    else if (!gone)
        add_entry(builder, entry_ref(entry));
}

static void merge(struct builder *builder, const struct snapshot *base, struct changes *changes)
{
    for (size_t c = 0; c < base->chunk_count; c++) {
        struct snapshot_chunk *chunk = base->chunks[c];
        if (!changes_until(changes, chunk->entries[chunk->count - 1])) {
            add_chunk(builder, chunk);
            continue;
        }
        for (size_t i = 0; i < chunk->count; i++)
            merge_entry(builder, changes, chunk->entries[i]);
    }
    while (changes->put < changes->put_count)
        add_entry(builder, entry_ref(changes->puts[changes->put++]));
}

struct snapshot *snapshot_with(const struct snapshot *base, struct entry *const *puts,
                               size_t put_count, const struct entry *const *dels, size_t del_count)
{
    struct builder builder = build(base->chunk_count, base->count + put_count);
    /* One more, so that malloc(0) is no special case. */
    struct changes changes = {.puts = malloc((put_count + 1) * sizeof(*puts)),
                              .dels = malloc((del_count + 1) * sizeof(*dels)),
                              .put_count = put_count,
                              .del_count = del_count};
    if (!builder.next || !changes.puts || !changes.dels) {
        build_failed(&builder);
        goto out;
    }
    if (put_count)
        memcpy(changes.puts, puts, put_count * sizeof(*puts));
    if (del_count)
        memcpy(changes.dels, dels, del_count * sizeof(*dels));
    qsort(changes.puts, put_count, sizeof(*puts), entry_compare_pointed);
    qsort(changes.dels, del_count, sizeof(*dels), entry_compare_pointed);
    builder.next->revision = base->revision;
    builder.next->committed = base->committed;
    merge(&builder, base, &changes);
out:
    free(changes.puts);
    free(changes.dels);
    return built(&builder);
}

struct snapshot *snapshot_own(struct snapshot *snapshot)
{
    return atomic_load(&snapshot->refs) == 1 ? snapshot_ref(snapshot)
                                             : snapshot_with(snapshot, NULL, 0, NULL, 0);
}

static enum outcome add_change(struct change_set *set, size_t *room, const struct entry *before,
                               const struct entry *after, struct error *err)
{
    if (!array_grow(&set->changes, set->count, room, sizeof(*set->changes)))
        return fail_memory(err);
    set->changes[set->count++] =
        (struct change){.unit = before ? before->unit : after->unit, before, after};
    return DONE;
}

/* A place among the entries of a snapshot. */
struct place {
    const struct snapshot *snapshot;
    size_t at, chunk;
    size_t end; /* of the chunk; at is before it, or at the end of all */
};

static void advance(struct place *place, size_t count)
{
    place->at += count;
    while (place->at == place->end && place->chunk < place->snapshot->chunk_count) {
        place->chunk++;
        if (place->chunk < place->snapshot->chunk_count)
            place->end += place->snapshot->chunks[place->chunk]->count;
    }
}

static struct place begin(const struct snapshot *snapshot)
{
    struct place place = {.snapshot = snapshot};
    if (snapshot->chunk_count)
        place.end = snapshot->chunks[0]->count;
    return place;
}

static const struct entry *entry_at(const struct place *place)
{
    return place->at < place->snapshot->count ? place->snapshot->entries[place->at] : NULL;
}

/* How many entries from here on are of a chunk that both share: by far the most are. */
static size_t shared_run(const struct place *a, const struct place *b)
{
    size_t left = a->end - a->at;
    return entry_at(a) && entry_at(b) && left == b->end - b->at &&
                   a->snapshot->chunks[a->chunk] == b->snapshot->chunks[b->chunk]
               ? left
               : 0;
}

enum outcome change_set_make(const struct snapshot *before, const struct snapshot *after,
                             struct change_set *set, struct error *err)
{
    size_t room = 0, shared;
    struct place b = begin(before), a = begin(after);
    *set = (struct change_set){.before = before, .after = after};
    while (entry_at(&b) || entry_at(&a)) {
        const struct entry *old = entry_at(&b), *new = entry_at(&a);
        if ((shared = shared_run(&b, &a)) || old == new) {
            advance(&b, shared ? shared : 1);
            advance(&a, shared ? shared : 1);
            continue;
        }
        int order = !old ? 1 : !new ? -1 : entry_compare(old, new);
        enum outcome outcome =
            add_change(set, &room, order <= 0 ? old : NULL, order >= 0 ? new : NULL, err);
        if (outcome != DONE) {
            change_set_free(set);
            return outcome;
        }
        advance(&b, order <= 0);
        advance(&a, order >= 0);
    }
    return DONE;
}

void change_set_free(struct change_set *set)
{
    free(set->changes);
    *set = (struct change_set){0};
}
