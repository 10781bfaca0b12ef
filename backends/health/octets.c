#include "backends/health/octets.h"

#include <stdlib.h>
#include <string.h>

/* @return The digit, or -1. */
static int digit(char character)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = character ? strchr(digits, character | 0x20) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* @return What comes after the escape, or NULL. */
static const char *unescape(const char *at, unsigned char *octet)
{
    static const char from[] = "rnt\\", to[] = "\r\n\t\\";
    const char *found = *at ? strchr(from, *at) : NULL;
    if (found) {
        *octet = (unsigned char)to[found - from];
        return at + 1;
    }
    if (*at != 'x' || digit(at[1]) < 0 || digit(at[2]) < 0)
        return NULL;
    *octet = (unsigned char)(digit(at[1]) * 16 + digit(at[2]));
    return at + 3;
}

bool octets_unescape(const char *text, unsigned char **octets, size_t *size)
{
    unsigned char *to = *octets = malloc(strlen(text) + 1);
    while (to && text && *text) {
        if (*text == '\\') {
            text = unescape(text + 1, to++);
        } else {
            *to++ = (unsigned char)*text++;
        }
    }
    if (to && text) {
        *size = (size_t)(to - *octets);
        return true;
    }
    free(*octets);
    *octets = NULL;
    return false;
}

bool octets_from_hex(const char *text, unsigned char **octets, unsigned char **mask, size_t *size)
{
    size_t length = strlen(text);
    *octets = calloc(1, length / 2 + 1);
    if (mask)
        *mask = calloc(1, length / 2 + 1);
    bool right = length % 2 == 0 && *octets && (!mask || *mask);
    for (size_t i = 0; i < length && right; i++) {
        bool any = mask && (text[i] | 0x20) == 'x';
        int value = any ? 0 : digit(text[i]);
        right = value >= 0;
        (*octets)[i / 2] |= (unsigned char)((value & 15) << (i % 2 ? 0 : 4));
        if (mask && !any)
            (*mask)[i / 2] |= (unsigned char)(15 << (i % 2 ? 0 : 4));
    }
    *size = length / 2;
    if (right)
        return true;
    free(*octets);
    *octets = NULL;
    if (mask) {
        free(*mask);
        *mask = NULL;
    }
    return false;
}
