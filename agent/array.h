/*
 * Arrays that grow. Pure functions; any thread.
 */
#ifndef NORIA_ARRAY_H
#define NORIA_ARRAY_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Make room for one more element; the room doubles, so that many cost little each.
 * @param array Address of the pointer to the first element, which may be NULL without room; owned
 *        by the caller, to be freed with free().
 * @param count How many elements there are.
 * @param[in,out] room How many there is room for.
 * @param size Of an element, in bytes.
 * @return false for want of memory; the array is as it was.
 */
bool array_grow(void *array, size_t count, size_t *room, size_t size);

#endif
