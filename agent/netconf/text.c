/*
 * Text that grows.
 */
#include "agent/netconf/text.h"

#include <stdlib.h>
#include <string.h>

static bool reserve(struct text *text, size_t more)
{
    size_t needed = text->length + more + 1;
    if (needed <= text->capacity)
        return true;
    size_t capacity = text->capacity ? text->capacity : 512;
    while (capacity < needed)
        capacity *= 2;
    char *data = realloc(text->data, capacity);
    if (!data) {
        text->failed = true;
        return false;
    }
    text->data = data;
    text->capacity = capacity;
    return true;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
    if (!length || text->failed || !reserve(text, length))
        return;
    memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void text_add_string(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void text_drop(struct text *text, size_t length)
{
    if (!length)
        return;
    text->length -= length;
    memmove(text->data, text->data + length, text->length + 1);
}

char *text_take(struct text *text)
{
    char *data = text->failed ? NULL : text->data ? text->data : strdup("");
    if (text->failed)
        free(text->data);
    *text = (struct text){0};
    return data;
}

void text_free(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
