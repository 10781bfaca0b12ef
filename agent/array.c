/*
 * Arrays that grow.
 */
#include "agent/array.h"

#include <stdlib.h>
#include <string.h>

/* Elements that the first room is for. */
#define FIRST_ROOM 16

bool array_grow(void *array, size_t count, size_t *room, size_t size)
{
    void *elements;
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : FIRST_ROOM;
    /* By memcpy(), since a pointer to a T * is no pointer to a void *. */
    memcpy(&elements, array, sizeof(elements));
    elements = realloc(elements, more * size);
    if (!elements)
        return false;
    memcpy(array, &elements, sizeof(elements));
    *room = more;
    return true;
}
