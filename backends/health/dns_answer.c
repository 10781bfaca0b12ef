#include "backends/health/dns_answer.h"

#include <ares.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEADER 12
#define RECORD 10 /* type, class, time to live, length */

static const struct {
    const char *name;
    int number;
} types[] = {{"A", 1},    {"NS", 2},  {"CNAME", 5}, {"SOA", 6},
             {"PTR", 12}, {"MX", 15}, {"TXT", 16},  {"AAAA", 28}};

int dns_type(const char *name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(name, types[i].name))
            return types[i].number;
    return 0;
}

static unsigned word(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* A message that is read from the front. */
struct reader {
    const unsigned char *message;
    size_t size, at;
};

/* @return The length of a name in the message, or -1. */
static long name_length(const struct reader *reader, size_t at)
{
    char *name;
    long length;
    if (at >= reader->size || ares_expand_name(reader->message + at, reader->message,
                                               (int)reader->size, &name, &length) != ARES_SUCCESS)
        return -1;
    ares_free_string(name);
    return length;
}

static bool is_name(const struct reader *reader, size_t at, const char *expect)
{
    char *name;
    long length;
    if (at >= reader->size || ares_expand_name(reader->message + at, reader->message,
                                               (int)reader->size, &name, &length) != ARES_SUCCESS)
        return false;
    bool same = !strcasecmp(name, expect);
    ares_free_string(name);
    return same;
}

static bool is_address(const unsigned char *data, size_t size, int family, const char *expect)
{
    unsigned char wanted[16];
    return size == (family == AF_INET ? 4 : 16) && inet_pton(family, expect, wanted) == 1 &&
           !memcmp(data, wanted, size);
}

/* The strings of a TXT record, one after the other. */
static bool is_text(const unsigned char *data, size_t size, const char *expect)
{
    for (size_t at = 0; at < size;) {
        size_t length = data[at++];
        if (length > size - at || strncmp(expect, (const char *)data + at, length) != 0)
            return false;
        expect += strnlen(expect, length);
        at += length;
    }
    return !*expect;
}

static bool is_expected(const struct reader *reader, size_t at, size_t size, int type,
                        const char *expect)
{
    const unsigned char *data = reader->message + at;
    switch (type) {
    case 1:
        return is_address(data, size, AF_INET, expect);
    case 28:
        return is_address(data, size, AF_INET6, expect);
    case 16:
        return is_text(data, size, expect);
    case 15:
        return size > 2 && is_name(reader, at + 2, expect);
    default:
        return is_name(reader, at, expect);
    }
}

static bool skip_name(struct reader *reader)
{
    long length = name_length(reader, reader->at);
    reader->at += length > 0 ? (size_t)length : 0;
    return length > 0;
}

const char *dns_answer_fault(const unsigned char *answer, size_t size, int type, const char *expect)
{
    static const char *const codes[16] = {
        NULL,
        "the server says: format error",
        "the server says: server failure",
        "the server says: no such name",
        "the server says: not implemented",
        "the server says: refused",
    };
    static const char damaged[] = "the answer is damaged";
    struct reader reader = {answer, size, HEADER};
    if (size < HEADER || !(answer[2] & 0x80))
        return damaged;
    if (answer[3] & 15)
        return codes[answer[3] & 15] ? codes[answer[3] & 15] : "the server says: an error";
    if (!expect)
        return NULL;
    for (unsigned i = word(answer + 4); i; i--, reader.at += 4)
        if (!skip_name(&reader))
            return damaged;
    for (unsigned i = word(answer + 6); i; i--) {
        if (!skip_name(&reader) || reader.at + RECORD > size)
            return damaged;
        int kind = (int)word(answer + reader.at);
        size_t length = word(answer + reader.at + 8);
        reader.at += RECORD;
        if (length > size - reader.at)
            return damaged;
        if (kind == type && is_expected(&reader, reader.at, length, type, expect))
            return NULL;
        reader.at += length;
    }
    return "no record is the expected one";
}
