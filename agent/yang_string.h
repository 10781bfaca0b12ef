/*
 * Texts that go into XML: they come from errors, which quote what clients sent, from servers and
 * peers. Pure.
 */
#ifndef NORIA_YANG_STRING_H
#define NORIA_YANG_STRING_H

#include <stddef.h>
#include <stdint.h>

/**
 * How much of a text is a YANG string (RFC 7950, 9.4): characters of UTF-8 that XML has.
 * @param limit The most bytes that are wanted.
 */
size_t yang_string_length(const char *text, size_t limit);

/** Make a YANG string of a text, in its place: each byte that is in no character becomes "?". */
void yang_string_mend(char *text);

#endif
