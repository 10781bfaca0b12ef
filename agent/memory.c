/*
 * What malloc(3) keeps for itself.
 */
#include "agent/memory.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Each session has its thread, and would else soon have its arena, with its own share of holes; and
 * all but the first arena grow by a system call for each page.
 */
#define ARENAS_MAX 1

/* Blocks above this are mapped alone and unmapped at once. */
#define MAPPED_FROM (32 * 1024 * 1024)

/* What the heap grows by, and what may be free at its end before it shrinks by itself. */
#define GROW_BY (1024 * 1024)
#define SHRINK_FROM (512 * 1024 * 1024)

/* What is taken at once, and what is taken at most for one piece of work. */
#define STEP_SIZE ((size_t)16 * 1024 * 1024)
#define STEPS_MAX 8

/* So many entries are worth the work of giving their memory back. */
#define MANY_ENTRIES 1000

static atomic_bool much_freed;

void memory_set_up(void)
{
    mallopt(M_ARENA_MAX, ARENAS_MAX);
    mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
    mallopt(M_TOP_PAD, GROW_BY);
    mallopt(M_TRIM_THRESHOLD, SHRINK_FROM);
}

/* Have the kernel put pages behind a block; an older kernel puts them page by page, when used. */
static void put_pages(char *block, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    uintptr_t begin = ((uintptr_t)block + page - 1) & ~(page - 1);
    uintptr_t end = ((uintptr_t)block + size) & ~(page - 1);
    if (end > begin)
        (void)madvise((void *)begin, end - begin, MADV_POPULATE_WRITE);
}

void memory_expect(size_t size)
{
    void *steps[STEPS_MAX];
    size_t count = 0;
    while (size >= GROW_BY && count < STEPS_MAX) {
        size_t step = size < STEP_SIZE ? size : STEP_SIZE;
        steps[count] = malloc(step);
        if (!steps[count])
            break;
        put_pages(steps[count++], step);
        size -= step;
    }
    if (count)
        atomic_store(&much_freed, true); /* or will be, if it was too much */
    while (count)
        free(steps[--count]);
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
