#include "agent/snmp/cache.h"

#include <stdlib.h>

#include "agent/log.h"
#include "agent/memory.h"

#define LIFETIME_MIN UINT64_C(1000000000)
#define LIFETIME_PER_COST 20

/* What is read together. */
struct source {
    const struct lysc_node *top;
    uint64_t expires; /* By uv_hrtime(). */
    bool failed;      /* The last time; it is logged once. */
};

struct snmp_cache {
    struct agent *agent;
    uint64_t now; /* As snmp_cache_tick() found it; 0: it did not. */
    size_t count;
    struct source *sources; /* As many as tables suffice. */
    size_t source_count;
    struct snmp_rows rows[];
};

static const struct lysc_node *top_of(const struct lysc_node *node)
{
    while (node->parent)
        node = node->parent;
    return node;
}

static struct source *source_of(struct snmp_cache *cache, const struct lysc_node *node)
{
    const struct lysc_node *top = top_of(node);

    for (size_t i = 0; i < cache->source_count; i++) {
        if (cache->sources[i].top == top)
            return &cache->sources[i];
    }
    return NULL;
}

static enum outcome add_table(struct snmp_cache *cache, const struct snmp_table *table,
                              struct error *err)
{
    struct snmp_rows *rows = &cache->rows[cache->count++];

    if (snmp_rows_init(rows, table, cache->agent->schema->ctx, err) != DONE)
        return FAILED;
    if (!source_of(cache, rows->schema))
        cache->sources[cache->source_count++] = (struct source){.top = top_of(rows->schema)};
    return DONE;
}

enum outcome snmp_cache_new(struct agent *agent, const struct snmp_table *const *tables,
                            struct snmp_cache **cache, struct error *err)
{
    size_t count = 0;

    while (tables[count])
        count++;
    struct snmp_cache *made = calloc(1, sizeof(*made) + count * sizeof(made->rows[0]));
    if (!made)
        return fail_memory(err);
    made->agent = agent;
    made->sources = calloc(count + 1, sizeof(*made->sources));
    if (!made->sources) {
        snmp_cache_free(made);
        return fail_memory(err);
    }
    for (size_t i = 0; i < count; i++) {
        if (add_table(made, tables[i], err) != DONE) {
            snmp_cache_free(made);
            return FAILED;
        }
    }
    *cache = made;
    return DONE;
}

void snmp_cache_free(struct snmp_cache *cache)
{
    if (!cache)
        return;
    for (size_t i = 0; i < cache->count; i++)
        snmp_rows_free(&cache->rows[i]);
    free(cache->sources);
    free(cache);
}

/* All of one container and of the lists in it. */
static enum outcome read_state(struct agent *agent, const struct lysc_node *top,
                               struct operational *state, struct error *err)
{
    const struct schema *schema = agent->schema;
    struct entry_choice *choices = calloc(schema->unit_count, sizeof(*choices));
    if (!choices)
        return fail_memory(err);
    for (size_t i = 0; i < schema->unit_count; i++)
        choices[i].wanted = choices[i].all = schema->units[i].top == top;
    enum outcome outcome = operational_read(agent, choices, state, err);
    free(choices);
    return outcome;
}

static enum outcome fill(struct agent *agent, struct snmp_rows *rows,
                         const struct operational *state, struct error *err)
{
    const struct snmp_table *table = rows->table;
    struct snapshot *running = table->look ? agent_running(agent) : NULL;

    if (table->look)
        table->look(agent->schema, running);
    enum outcome outcome = snmp_rows_fill(rows, state, err);
    if (table->look)
        table->look(agent->schema, NULL);
    snapshot_unref(running);
    return outcome;
}

static enum outcome read_source(struct snmp_cache *cache, struct source *source, struct error *err)
{
    struct operational state = {0};
    enum outcome outcome = read_state(cache->agent, source->top, &state, err);

    for (size_t i = 0; i < cache->count && outcome == DONE; i++) {
        struct snmp_rows *rows = &cache->rows[i];
        if ((rows->asked || rows->filled) && top_of(rows->schema) == source->top)
            outcome = fill(cache->agent, rows, &state, err);
    }
    operational_free(&state);
    memory_give_back();
    return outcome;
}

/* At the end of a lifetime: what nobody asked for in it is not read anew. */
static void forget_unasked(struct snmp_cache *cache, const struct source *source)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct snmp_rows *rows = &cache->rows[i];
        if (top_of(rows->schema) != source->top)
            continue;
        if (!rows->asked)
            snmp_rows_empty(rows);
        rows->asked = false;
    }
}

void snmp_cache_tick(struct snmp_cache *cache, uint64_t now)
{
    if (cache)
        cache->now = now;
}

static void refresh(struct snmp_cache *cache, struct source *source, struct snmp_rows *rows)
{
    struct error err = {0};
    uint64_t began = cache->now ? cache->now : uv_hrtime();

    if (source->expires > began && (rows->filled || source->failed)) {
        rows->asked = true;
        return;
    }
    if (source->expires <= began)
        forget_unasked(cache, source);
    rows->asked = true;
    began = uv_hrtime();
    enum outcome outcome = read_source(cache, source, &err);
    uint64_t now = uv_hrtime();
    uint64_t lifetime = LIFETIME_PER_COST * (now - began);
    source->expires = now + (lifetime > LIFETIME_MIN ? lifetime : LIFETIME_MIN);
    if (outcome != DONE && !source->failed)
        log_error(AREA_SNMP, "the state of %s could not be read: %s", source->top->name,
                  error_message(&err));
    source->failed = outcome != DONE;
    log_debug(AREA_SNMP, "%s read in %.1f ms", source->top->name, (double)(now - began) / 1e6);
    error_clear(&err);
}

const struct snmp_rows *snmp_cache_rows(struct snmp_cache *cache, const struct snmp_table *table)
{
    for (size_t i = 0; i < cache->count; i++) {
        struct snmp_rows *rows = &cache->rows[i];
        if (rows->table == table) {
            refresh(cache, source_of(cache, rows->schema), rows);
            return rows;
        }
    }
    return NULL;
}

const struct snmp_rows *snmp_cache_last(const struct snmp_cache *cache,
                                        const struct snmp_table *table)
{
    for (size_t i = 0; i < cache->count; i++)
        if (cache->rows[i].table == table)
            return &cache->rows[i];
    return NULL;
}

void snmp_cache_expire(struct snmp_cache *cache)
{
    for (size_t i = 0; i < cache->source_count; i++)
        cache->sources[i].expires = 0;
}
