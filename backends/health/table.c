#include "backends/health/table.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a. */
static uint64_t hash_of(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325;
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3;
    return hash ^ (hash >> 32);
}

bool text_table_reserve(struct text_table *table)
{
    if (table->count < table->size)
        return true;
    size_t size = table->size ? table->size * 2 : 64;
    struct text_link **buckets = calloc(size, sizeof(struct text_link *));
    if (!buckets)
        return false;
    for (size_t i = 0; i < table->size; i++) {
        struct text_link *link = table->buckets[i], *next;
        for (; link; link = next) {
            next = link->next;
            link->next = buckets[link->hash & (size - 1)];
            buckets[link->hash & (size - 1)] = link;
        }
    }
    free(table->buckets);
    table->buckets = buckets;
    table->size = size;
    return true;
}

void text_table_add(struct text_table *table, struct text_link *link, const char *text)
{
    link->text = text;
    link->hash = hash_of(text);
    struct text_link **bucket = &table->buckets[link->hash & (table->size - 1)];
    link->next = *bucket;
    *bucket = link;
    table->count++;
}

void text_table_remove(struct text_table *table, struct text_link *link)
{
    struct text_link **at = &table->buckets[link->hash & (table->size - 1)];
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;
}

void *text_table_find(const struct text_table *table, const char *text)
{
    if (!table->count)
        return NULL;
    uint64_t hash = hash_of(text);
    struct text_link *link = table->buckets[hash & (table->size - 1)];
    while (link && (link->hash != hash || strcmp(link->text, text) != 0))
        link = link->next;
    return link;
}

void *text_table_next(const struct text_table *table, const void *before)
{
    const struct text_link *link = before;
    if (link && link->next)
        return link->next;
    for (size_t i = link ? (link->hash & (table->size - 1)) + 1 : 0; i < table->size; i++)
        if (table->buckets[i])
            return table->buckets[i];
    return NULL;
}

void text_table_clear(struct text_table *table)
{
    free(table->buckets);
    *table = (struct text_table){0};
}
