/*
 * Text that grows.
 *
 * A plain value of its owner; zero-initialise it ({0}) and end it with text_free(). Once memory has
 * run out it stays failed, so that only the end of a long row of additions needs a look.
 */
#ifndef NORIA_NETCONF_TEXT_H
#define NORIA_NETCONF_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** A growing text. */
struct text {
    char *data; /**< Ends with a NUL where length is not 0. Owned. */
    size_t length;
    size_t capacity;
    bool failed; /**< Memory has run out; the text is of no use. */
};

/** Append bytes. */
void text_add(struct text *text, const char *bytes, size_t length);

/** Append a string. */
void text_add_string(struct text *text, const char *string);

/** Remove bytes from the beginning. */
void text_drop(struct text *text, size_t length);

/** Take the string out, "" if there is none. @return To be freed; NULL for want of memory. */
char *text_take(struct text *text);

/** Free what the text owns, and empty it. */
void text_free(struct text *text);

#endif
