#include "backends/health/ldap_message.h"

#include <stdio.h>
#include <string.h>

/* Tags of BER (RFC 4511, 5.1); those with a number above 30 do not occur. */
enum {
    INTEGER = 0x02,
    OCTETS = 0x04,
    ENUMERATED = 0x0a,
    SEQUENCE = 0x30,
    SET = 0x31,
    RESPONSE_NAME = 0x8a, /* [10] */
    LONG_TAG = 0x1f,
};

/* Octets of a length behind its first one. */
#define LENGTH_MAX 4

/* The first octets of an element. @return How many, with its length; 0: more are needed, or it is
 * wrong. */
static size_t head_of(const struct ldap_piece *in, size_t *length, bool *wrong)
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
static unsigned take_any(struct ldap_piece *in, struct ldap_piece *content)
{
    size_t length;
    bool wrong;
    size_t head = head_of(in, &length, &wrong);
    if (!head || length > in->size - head)
        return 0;
    unsigned tag = in->at[0];
    *content = (struct ldap_piece){in->at + head, length};
    in->at += head + length;
    in->size -= head + length;
    return tag;
}

static bool take(struct ldap_piece *in, unsigned tag, struct ldap_piece *content)
{
    return in->size && in->at[0] == tag && take_any(in, content) == tag;
}

/* A number that is not negative, and has no octet too many. */
static bool take_number(struct ldap_piece *in, unsigned tag, unsigned *number)
{
    struct ldap_piece content;
    if (!take(in, tag, &content) || !content.size || content.size > 4 || content.at[0] & 0x80 ||
        (content.size > 1 && !content.at[0] && !(content.at[1] & 0x80)))
        return false;
    *number = 0;
    for (size_t i = 0; i < content.size; i++)
        *number = *number << 8 | content.at[i];
    return true;
}

/* What follows in a sequence may be of later versions of the protocol, but not broken. */
static bool is_sound(struct ldap_piece in)
{
    struct ldap_piece content;
    while (in.size)
        if (!take_any(&in, &content))
            return false;
    return true;
}

enum ldap_progress ldap_message_read(const unsigned char *data, size_t size,
                                     struct ldap_message *message)
{
    struct ldap_piece in = {data, size}, inner;
    size_t length;
    bool wrong;
    if (size && data[0] != SEQUENCE)
        return LDAP_WRONG;
    size_t head = head_of(&in, &length, &wrong);
    if (wrong || (head && length > LDAP_MESSAGE_MAX - head))
        return LDAP_WRONG;
    if (!head || length > size - head)
        return LDAP_MORE;
    message->size = head + length;
    if (!take(&in, SEQUENCE, &inner) || !take_number(&inner, INTEGER, &message->number) ||
        !(message->operation = take_any(&inner, &message->content)) || !is_sound(inner))
        return LDAP_WRONG;
    return LDAP_WHOLE;
}

/* @param[out] rest What follows. */
static bool read_result(const struct ldap_message *message, struct ldap_result *result,
                        struct ldap_piece *rest)
{
    struct ldap_piece name, text;
    *rest = message->content;
    if (!take_number(rest, ENUMERATED, &result->code) || !take(rest, OCTETS, &name) ||
        !take(rest, OCTETS, &text) || !is_sound(*rest))
        return false;
    snprintf(result->text, sizeof(result->text), "%.*s", (int)text.size, (const char *)text.at);
    return true;
}

bool ldap_result_read(const struct ldap_message *message, struct ldap_result *result)
{
    struct ldap_piece rest;
    return read_result(message, result, &rest);
}

bool ldap_starttls_read(const struct ldap_message *message, struct ldap_result *result)
{
    struct ldap_piece rest, content;
    unsigned tag;
    if (message->operation != LDAP_EXTENDED_RESPONSE || !read_result(message, result, &rest))
        return false;
    while ((tag = take_any(&rest, &content)))
        if (tag == RESPONSE_NAME && (content.size != strlen(LDAP_STARTTLS) ||
                                     memcmp(content.at, LDAP_STARTTLS, content.size) != 0))
            return false;
    return true;
}

/* Entries. */

struct text {
    char *at;
    size_t room, size; /* the size of all, whether there is room or not */
};

static void add(struct text *text, const void *data, size_t size)
{
    if (text->size < text->room) {
        size_t left = text->room - text->size;
        memcpy(text->at + text->size, data, size < left ? size : left);
    }
    text->size += size;
}

static void add_line(struct text *text, const char *before, const struct ldap_piece *name,
                     const struct ldap_piece *value)
{
    add(text, before, strlen(before));
    if (name) {
        add(text, name->at, name->size);
        add(text, ": ", 2);
    }
    add(text, value->at, value->size);
    add(text, "\n", 1);
}

static bool add_attribute(struct text *text, struct ldap_piece attribute)
{
    struct ldap_piece name, values, value;
    if (!take(&attribute, OCTETS, &name) || !take(&attribute, SET, &values))
        return false;
    while (values.size) {
        if (!take(&values, OCTETS, &value))
            return false;
        add_line(text, "\t", &name, &value);
    }
    return true;
}

bool ldap_entry_print(const struct ldap_message *message, char *to, size_t room, size_t *printed)
{
    struct ldap_piece in = message->content, name, attributes, attribute;
    struct text text = {to, room, 0};
    if (!take(&in, OCTETS, &name) || !take(&in, SEQUENCE, &attributes))
        return false;
    add_line(&text, "DN: ", NULL, &name);
    while (attributes.size)
        if (!take(&attributes, SEQUENCE, &attribute) || !add_attribute(&text, attribute))
            return false;
    add(&text, "\n", 1);
    *printed = text.size;
    return true;
}

const char *ldap_result_name(unsigned code)
{
    /* Those of RFC 4511, appendix A, that a check may meet. */
    static const struct {
        unsigned code;
        const char *name;
    } names[] = {
        {1, "operations error"},
        {2, "protocol error"},
        {3, "time limit exceeded"},
        {4, "size limit exceeded"},
        {7, "authentication method not supported"},
        {8, "stronger authentication required"},
        {10, "referral"},
        {11, "administrative limit exceeded"},
        {13, "confidentiality required"},
        {18, "inappropriate matching"},
        {32, "no such object"},
        {34, "invalid DN syntax"},
        {48, "inappropriate authentication"},
        {49, "invalid credentials"},
        {50, "insufficient access rights"},
        {51, "busy"},
        {52, "unavailable"},
        {53, "unwilling to perform"},
        {80, "other"},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (names[i].code == code)
            return names[i].name;
    return NULL;
}
