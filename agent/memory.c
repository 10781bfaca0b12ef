/*
 * What malloc(3) keeps for itself.
 */
#include "agent/memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>

/* Each session has its thread, and would else soon have its arena, with its own share of holes. */
#define ARENAS_MAX 4

/* Blocks above this are mapped alone and unmapped at once. Else glibc lets it grow to 32 MB. */
#define MAPPED_FROM (4 * 1024 * 1024)

/* So many entries are worth the work of giving their memory back. */
#define MANY_ENTRIES 1000

static atomic_bool much_freed;

void memory_set_up(void)
{
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
}

void memory_freed(size_t entries)
{
    if (entries >= MANY_ENTRIES)
        atomic_store(&much_freed, true);
}

void memory_give_back(void)
{
    if (atomic_exchange(&much_freed, false))
        malloc_trim(0);
}
