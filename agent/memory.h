/*
 * What malloc(3) keeps for itself.
 *
 * libyang's trees are many small pieces. What large work leaves behind when they are freed stays
 * with the process, unless malloc is told to give it back.
 */
#ifndef NORIA_MEMORY_H
#define NORIA_MEMORY_H

#include <stddef.h>

/** Set malloc's parameters (mallopt(3)). Once, before the first thread is started. */
void memory_set_up(void);

/** Say that copies of so many entries are, or soon will be, freed at once. Any thread. */
void memory_freed(size_t entries);

/**
 * Give freed memory back to the system if much was freed since the last time. For threads that
 * have answered a request: it takes some milliseconds. malloc_trim(3).
 */
void memory_give_back(void);

#endif
