#include "backends/health/ldap_request.h"

#include <string.h>

#include "backends/health/ldap_message.h"

/* Tags of BER. */
enum { BOOLEAN = 0x01, INTEGER = 0x02, OCTETS = 0x04, ENUMERATED = 0x0a, SEQUENCE = 0x30 };

/* The protocol's. */
enum {
    BIND = 0x60,
    SIMPLE = 0x80,
    SEARCH = 0x63,
    EXTENDED = 0x77,
    REQUEST_NAME = 0x80,
    VERSION = 3,
};

/* Those of filters (4.5.1.7). */
enum {
    AND = 0xa0,
    OR = 0xa1,
    NOT = 0xa2,
    EQUAL = 0xa3,
    SUBSTRINGS = 0xa4,
    GREATER = 0xa5,
    LESS = 0xa6,
    PRESENT = 0x87,
    APPROXIMATE = 0xa8,
    EXTENSIBLE = 0xa9,
    INITIAL = 0x80,
    ANY = 0x81,
    FINAL = 0x82,
    RULE = 0x81,
    TYPE = 0x82,
    VALUE = 0x83,
    DN_ATTRIBUTES = 0x84,
};

/* Filters within filters. */
#define DEPTH_MAX 32

/* What may be in the name of an attribute or of a rule. */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.;-_"

static void put(struct ldap_request *request, const void *data, size_t size)
{
    if (size > sizeof(request->data) - request->size) {
        request->full = true;
        return;
    }
    memcpy(request->data + request->size, data, size);
    request->size += size;
}

static void put_octet(struct ldap_request *request, unsigned octet)
{
    put(request, &(unsigned char){(unsigned char)octet}, 1);
}

/* Make an element of what was put since a size: its tag and its length come before it. */
static void wrap(struct ldap_request *request, size_t from, unsigned tag)
{
    size_t length = request->size - from;
    unsigned char head[4] = {(unsigned char)tag, (unsigned char)length};
    size_t size = 2;
    if (length >= 0x80) {
        head[1] = 0x82;
        head[2] = (unsigned char)(length >> 8);
        head[3] = (unsigned char)length;
        size = 4;
    }
    put(request, head, size); /* for the room */
    if (request->full)
        return;
    memmove(request->data + from + size, request->data + from, length);
    memcpy(request->data + from, head, size);
}

static void put_element(struct ldap_request *request, unsigned tag, const void *data, size_t size)
{
    size_t from = request->size;
    put(request, data, size);
    wrap(request, from, tag);
}

static void put_text(struct ldap_request *request, unsigned tag, const char *text)
{
    put_element(request, tag, text, strlen(text));
}

static void put_number(struct ldap_request *request, unsigned tag, unsigned number)
{
    put_element(request, tag, &(unsigned char){(unsigned char)number}, 1); /* below 128 */
}

static void begin(struct ldap_request *request, unsigned number)
{
    request->size = 0;
    request->full = false;
    put_number(request, INTEGER, number);
}

/* @param from Where the operation begins. */
static bool finish(struct ldap_request *request, size_t from, unsigned operation)
{
    wrap(request, from, operation);
    wrap(request, 0, SEQUENCE);
    return !request->full;
}

bool ldap_request_starttls(struct ldap_request *request, unsigned number)
{
    begin(request, number);
    size_t from = request->size;
    put_text(request, REQUEST_NAME, LDAP_STARTTLS);
    return finish(request, from, EXTENDED);
}

bool ldap_request_bind(struct ldap_request *request, unsigned number, const char *name,
                       const char *password)
{
    begin(request, number);
    size_t from = request->size;
    put_number(request, INTEGER, VERSION);
    put_text(request, OCTETS, name);
    put_text(request, SIMPLE, password);
    return finish(request, from, BIND);
}

/* Filters (RFC 4515): each function reads on, and says whether it could. */

static bool put_filter(struct ldap_request *request, const char **at, unsigned depth);

static unsigned hex_of(char c)
{
    const char digits[] = "0123456789abcdefABCDEF";
    const char *found = c ? strchr(digits, c) : NULL;
    size_t index = found ? (size_t)(found - digits) : 16 + 6;
    return (unsigned)(index < 16 ? index : index - 6);
}

/* A value up to what ends it; "\2a" stands for an octet. */
static bool put_value(struct ldap_request *request, unsigned tag, const char **at)
{
    size_t from = request->size;
    for (; **at && !strchr("()*", **at); (*at)++) {
        if (**at != '\\') {
            put_octet(request, (unsigned char)**at);
            continue;
        }
        unsigned high = hex_of((*at)[1]), low = high < 16 ? hex_of((*at)[2]) : 16;
        if (low >= 16)
            return false;
        put_octet(request, high << 4 | low);
        *at += 2;
    }
    wrap(request, from, tag);
    return true;
}

/* "a*b*c", from the first star on, which comes behind what begins it. */
static bool put_substrings(struct ldap_request *request, const char **at)
{
    while (**at == '*') {
        const char *part = ++*at;
        bool last = part[strcspn(part, "*)")] != '*';
        if (*part == ')')
            return true;
        if (*part == '*' || !put_value(request, last ? FINAL : ANY, at))
            return false;
    }
    return true;
}

/* "=value", "=*", "=a*b" */
static bool put_equality(struct ldap_request *request, const char *name, size_t size,
                         const char **at)
{
    size_t from = request->size;
    if (!strncmp(*at, "*)", 2)) {
        (*at)++;
        put_element(request, PRESENT, name, size);
        return true;
    }
    put_element(request, OCTETS, name, size);
    size_t parts = request->size;
    bool has_initial = (*at)[strcspn(*at, "*)")] == '*' && **at != '*';
    if ((*at)[strcspn(*at, "*)")] != '*') {
        bool put = put_value(request, OCTETS, at);
        wrap(request, from, EQUAL);
        return put;
    }
    if ((has_initial && !put_value(request, INITIAL, at)) || !put_substrings(request, at))
        return false;
    wrap(request, parts, SEQUENCE);
    wrap(request, from, SUBSTRINGS);
    return true;
}

/* "name:dn:rule:=value", from the first colon on; name or rule may be missing. */
static bool put_extensible(struct ldap_request *request, const char *name, size_t size,
                           const char **at)
{
    size_t from = request->size;
    bool dn = !strncmp(*at, ":dn:", 4) || !strncmp(*at, ":DN:", 4);
    *at += dn ? 3 : 0;
    const char *rule = *at + 1;
    size_t length = rule[0] == '=' ? 0 : strspn(rule, NAME_CHARACTERS);
    if ((!length && !size) || (length && rule[length] != ':'))
        return false;
    *at = rule + (length ? length + 1 : 0);
    if (**at != '=')
        return false;
    (*at)++;
    if (length)
        put_element(request, RULE, rule, length);
    if (size)
        put_element(request, TYPE, name, size);
    if (!put_value(request, VALUE, at))
        return false;
    if (dn)
        put_element(request, DN_ATTRIBUTES, "\xff", 1);
    wrap(request, from, EXTENSIBLE);
    return true;
}

static bool put_item(struct ldap_request *request, const char **at)
{
    static const struct {
        const char *sign;
        unsigned tag;
    } comparisons[] = {{">=", GREATER}, {"<=", LESS}, {"~=", APPROXIMATE}};
    const char *name = *at;
    size_t size = strspn(name, NAME_CHARACTERS), from = request->size;
    *at += size;
    if (**at == ':')
        return put_extensible(request, name, size, at);
    if (!size)
        return false;
    if (**at == '=') {
        (*at)++;
        return put_equality(request, name, size, at);
    }
    for (size_t i = 0; i < sizeof(comparisons) / sizeof(*comparisons); i++) {
        if (strncmp(*at, comparisons[i].sign, 2) != 0)
            continue;
        *at += 2;
        put_element(request, OCTETS, name, size);
        bool put = put_value(request, OCTETS, at);
        wrap(request, from, comparisons[i].tag);
        return put;
    }
    return false;
}

static void skip_spaces(const char **at)
{
    *at += strspn(*at, " ");
}

/* "&(...)(...)": as many as there are; of "!" one. */
static bool put_list(struct ldap_request *request, const char **at, unsigned tag, unsigned depth)
{
    size_t from = request->size;
    unsigned count = 0;
    skip_spaces(at);
    for (; **at == '('; count++) {
        if (!put_filter(request, at, depth + 1))
            return false;
        skip_spaces(at);
    }
    wrap(request, from, tag);
    return tag != NOT || count == 1;
}

static bool put_filter(struct ldap_request *request, const char **at, unsigned depth)
{
    static const char signs[] = "&|!";
    static const unsigned tags[] = {AND, OR, NOT};
    if (**at != '(' || depth > DEPTH_MAX || request->full)
        return false;
    (*at)++;
    skip_spaces(at);
    const char *sign = **at ? strchr(signs, **at) : NULL;
    if (sign)
        (*at)++;
    if (!(sign ? put_list(request, at, tags[sign - signs], depth) : put_item(request, at)) ||
        **at != ')')
        return false;
    (*at)++;
    return true;
}

bool ldap_request_search(struct ldap_request *request, unsigned number, const char *base,
                         enum ldap_scope scope, const char *filter)
{
    begin(request, number);
    size_t from = request->size;
    put_text(request, OCTETS, base);
    put_number(request, ENUMERATED, scope);
    put_number(request, ENUMERATED, 0); /* aliases are not followed */
    put_number(request, INTEGER, 0);    /* no limit of entries */
    put_number(request, INTEGER, 0);    /* nor of seconds */
    put_number(request, BOOLEAN, 0);    /* values, too */
    if (!put_filter(request, &filter, 0) || *filter)
        return false;
    put_element(request, SEQUENCE, "", 0); /* all attributes */
    return finish(request, from, SEARCH);
}
