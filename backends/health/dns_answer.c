#include "backends/health/dns_answer.h"

#include <ares.h>
#include <arpa/inet.h>
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

/* @param[out] length Of the name in the message. @return To be freed by ares_free_string(), or
 * NULL.
 */
static char *name_at(const struct reader *reader, size_t at, long *length)
{
    char *name;
    if (at >= reader->size || ares_expand_name(reader->message + at, reader->message,
                                               (int)reader->size, &name, length) != ARES_SUCCESS)
        return NULL;
    return name;
}

static bool is_name(const struct reader *reader, size_t at, const char *expect)
{
    long length;
    char *name = name_at(reader, at, &length);
    bool same = name && !strcasecmp(name, expect);
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

static enum pattern_match match_name(const struct reader *reader, size_t at,
                                     const struct pattern *pattern)
{
    long length;
    char *name = name_at(reader, at, &length);
    enum pattern_match match = name ? pattern_match(pattern, name, strlen(name)) : PATTERN_NO;
    ares_free_string(name);
    return match;
}

static enum pattern_match match_address(const unsigned char *data, size_t size, int family,
                                        const struct pattern *pattern)
{
    char text[INET6_ADDRSTRLEN];
    if (size != (family == AF_INET ? 4 : 16) || !inet_ntop(family, data, text, sizeof(text)))
        return PATTERN_NO;
    return pattern_match(pattern, text, strlen(text));
}

static enum pattern_match match_text(const unsigned char *data, size_t size,
                                     const struct pattern *pattern)
{
    char *text = malloc(size + 1);
    size_t have = 0, at = 0;
    while (text && at < size && data[at] < size - at) {
        memcpy(text + have, data + at + 1, data[at]);
        have += data[at];
        at += data[at] + 1U;
    }
    enum pattern_match match = at == size && text ? pattern_match(pattern, text, have) : PATTERN_NO;
    free(text);
    return match;
}

/* Hold a record of the type that was asked for against what is expected. */
static enum pattern_match match_record(const struct reader *reader, size_t at, size_t size,
                                       const struct dns_expected *expected)
{
    const unsigned char *data = reader->message + at;
    const struct pattern *pattern = expected->pattern;
    if (!pattern)
        return is_expected(reader, at, size, expected->type, expected->record) ? PATTERN_YES
                                                                               : PATTERN_NO;
    switch (expected->type) {
    case 1:
        return match_address(data, size, AF_INET, pattern);
    case 28:
        return match_address(data, size, AF_INET6, pattern);
    case 16:
        return match_text(data, size, pattern);
    case 15:
        return size > 2 ? match_name(reader, at + 2, pattern) : PATTERN_NO;
    default:
        return match_name(reader, at, pattern);
    }
}

static bool skip_name(struct reader *reader)
{
    long length = 0;
    char *name = name_at(reader, reader->at, &length);
    ares_free_string(name);
    reader->at += length > 0 ? (size_t)length : 0;
    return name && length > 0;
}

static const char damaged[] = "the answer is damaged";

/* @return What is wrong with the records, from the questions on. */
static const char *records_fault(struct reader *reader, const struct dns_expected *expected)
{
    const unsigned char *answer = reader->message;
    unsigned matched = 0;
    for (unsigned i = word(answer + 4); i; i--, reader->at += 4)
        if (!skip_name(reader))
            return damaged;
    for (unsigned i = word(answer + 6); i; i--) {
        if (!skip_name(reader) || reader->at + RECORD > reader->size)
            return damaged;
        int kind = (int)word(answer + reader->at);
        size_t length = word(answer + reader->at + 8);
        reader->at += RECORD;
        if (length > reader->size - reader->at)
            return damaged;
        if (kind == expected->type && (!expected->pattern || matched++ < DNS_MATCHED_MAX)) {
            enum pattern_match match = match_record(reader, reader->at, length, expected);
            if (match != PATTERN_NO)
                return match == PATTERN_YES ? NULL : "the regular expression takes too long";
        }
        reader->at += length;
    }
    return expected->pattern ? "no record matches" : "no record is the expected one";
}

bool dns_answer_is_truncated(const unsigned char *answer, size_t size)
{
    return size >= HEADER && answer[2] & 0x80 && answer[2] & 0x02;
}

const char *dns_answer_fault(const unsigned char *answer, size_t size,
                             const struct dns_expected *expected)
{
    static const char *const codes[16] = {
        NULL,
        "the server says: format error",
        "the server says: server failure",
        "the server says: no such name",
        "the server says: not implemented",
        "the server says: refused",
    };
    struct reader reader = {answer, size, HEADER};
    if (size < HEADER || !(answer[2] & 0x80))
        return damaged;
    if (answer[3] & 15)
        return codes[answer[3] & 15] ? codes[answer[3] & 15] : "the server says: an error";
    if (!expected->record && !expected->pattern)
        return NULL;
    return records_fault(&reader, expected);
}
