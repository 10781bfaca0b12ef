/*
 * Octets in texts: escapes and hexadecimal digits. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_OCTETS_H
#define NORIA_HEALTH_OCTETS_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Read a text with the escapes \r, \n, \t, \\ and \xHH.
 * @param[out] octets To be freed.
 * @return false if an escape is none of these, or for want of memory.
 */
bool octets_unescape(const char *text, unsigned char **octets, size_t *size);

/**
 * Read hexadecimal digits, of which an x stands for any.
 * @param[out] octets To be freed; digits that may be any are 0.
 * @param[out] mask To be freed; bits that count are 1. NULL: an x is no digit.
 * @return false if it is something else, or for want of memory.
 */
bool octets_from_hex(const char *text, unsigned char **octets, unsigned char **mask, size_t *size);

#endif
