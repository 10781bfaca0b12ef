#include "backends/health/ldap_answer.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Tags of BER (RFC 4511, 5.1); those with a number above 30 do not occur. */
enum {
    INTEGER = 0x02,
    OCTETS = 0x04,
    ENUMERATED = 0x0a,
    SEQUENCE = 0x30,
    EXTENDED_RESPONSE = 0x78, /* [APPLICATION 24] */
    RESPONSE_NAME = 0x8a,     /* [10] */
    LONG_TAG = 0x1f,
};

/* Octets of a length behind its first one. */
#define LENGTH_MAX 4

/* What is left to be read. */
struct piece {
    const unsigned char *at;
    size_t size;
};

/* The first octets of an element. @return How many, with its length; 0: more are needed, or it is
 * wrong. */
static size_t head_of(const struct piece *in, size_t *length, bool *wrong)
{
    *wrong = in->size && (in->at[0] & LONG_TAG) == LONG_TAG;
    if (*wrong || in->size < 2)
        return 0;
    *length = in->at[1];
    if (*length < 0x80)
        return 2;
    size_t count = *length & 0x7f;
    *wrong = !count || count > LENGTH_MAX;
    if (*wrong || in->size < 2 + count)
        return 0;
    *length = 0;
    for (size_t i = 0; i < count; i++)
        *length = *length << 8 | in->at[2 + i];
    return 2 + count;
}

/* Take an element out. @return Its tag, or 0 if there is no whole one. */
static unsigned take_any(struct piece *in, struct piece *content)
{
    size_t length;
    bool wrong;
    size_t head = head_of(in, &length, &wrong);
    if (!head || length > in->size - head)
        return 0;
    unsigned tag = in->at[0];
    *content = (struct piece){in->at + head, length};
    in->at += head + length;
    in->size -= head + length;
    return tag;
}

static bool take(struct piece *in, unsigned tag, struct piece *content)
{
    return in->size && in->at[0] == tag && take_any(in, content) == tag;
}

/* A number that is not negative, and has no octet too many. */
static bool take_number(struct piece *in, unsigned tag, unsigned *number)
{
    struct piece content;
    if (!take(in, tag, &content) || !content.size || content.size > 4 || content.at[0] & 0x80 ||
        (content.size > 1 && !content.at[0] && !(content.at[1] & 0x80)))
        return false;
    *number = 0;
    for (size_t i = 0; i < content.size; i++)
        *number = *number << 8 | content.at[i];
    return true;
}

/*
 * What follows the texts of a result: a referral, a name that must be the operation's, a value;
 * more may come with later versions of the protocol.
 */
static bool read_rest(struct piece *in)
{
    struct piece content;
    while (in->size) {
        unsigned tag = take_any(in, &content);
        if (!tag ||
            (tag == RESPONSE_NAME && (content.size != strlen(LDAP_STARTTLS_NAME) ||
                                      memcmp(content.at, LDAP_STARTTLS_NAME, content.size) != 0)))
            return false;
    }
    return true;
}

/* A server that goes away says so in a message of the number 0, of another name. */
static bool read_response(struct piece *in, unsigned message, struct ldap_result *result)
{
    struct piece name, text;
    if (!take_number(in, ENUMERATED, &result->code) || !take(in, OCTETS, &name) ||
        !take(in, OCTETS, &text))
        return false;
    snprintf(result->text, sizeof(result->text), "%.*s", (int)text.size, (const char *)text.at);
    return message == 1 ? read_rest(in) : !message && result->code;
}

enum ldap_answer ldap_answer_read(const unsigned char *answer, size_t size,
                                  struct ldap_result *result)
{
    struct piece in = {answer, size}, message, response;
    size_t length;
    bool wrong;
    unsigned number;
    if (size && answer[0] != SEQUENCE)
        return LDAP_WRONG;
    size_t head = head_of(&in, &length, &wrong);
    if (wrong || (head && length > LDAP_ANSWER_MAX - head))
        return LDAP_WRONG;
    if (!head || length > size - head)
        return LDAP_MORE;
    /* What follows was not secured: it must not be taken for a part of what is. */
    if (!take(&in, SEQUENCE, &message) || in.size || !take_number(&message, INTEGER, &number) ||
        !take(&message, EXTENDED_RESPONSE, &response) || !read_response(&response, number, result))
        return LDAP_WRONG;
    while (message.size)
        if (!take_any(&message, &response))
            return LDAP_WRONG;
    return LDAP_WHOLE;
}

const char *ldap_result_name(unsigned code)
{
    /* RFC 4511, 4.14.2, and what a server may say to any operation. */
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {{1, "operations error"},
                 {2, "protocol error"},
                 {8, "stronger login required"},
                 {10, "referral"},
                 {13, "confidentiality required"},
                 {50, "insufficient access rights"},
                 {51, "busy"},
                 {52, "unavailable"},
                 {53, "unwilling to perform"},
                 {80, "other"}};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}
