#include "agent/snmp/value.h"

#include <net-snmp/net-snmp-config.h>

#include <arpa/inet.h>
#include <net-snmp/net-snmp-includes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define NANOSECONDS INT64_C(1000000000)
#define NANOSECONDS_PER_TICK INT64_C(10000000)
#define MINUTE (60 * NANOSECONDS)

/* How long sysUpTime takes to come back to 0: 497 days. */
#define ROUND ((INT64_C(1) << 32) * NANOSECONDS_PER_TICK)

bool snmp_kind_is_text(enum snmp_kind kind)
{
    return kind == KIND_STRING || kind == KIND_IDENTITY || kind == KIND_ADDRESS ||
           kind == KIND_IP_ADDRESS || kind == KIND_PHYSICAL || kind == KIND_PREFIX ||
           kind == KIND_COMMAND;
}

unsigned char snmp_kind_type(enum snmp_kind kind)
{
    switch (kind) {
    case KIND_STRING:
    case KIND_IDENTITY:
    case KIND_ADDRESS:
    case KIND_PHYSICAL:
    case KIND_PREFIX:
    case KIND_COMMAND:
    case KIND_DATE_AND_TIME:
        return ASN_OCTET_STR;
    case KIND_IP_ADDRESS:
        return ASN_IPADDRESS;
    case KIND_COUNTER64:
        return ASN_COUNTER64;
    case KIND_COUNTER32:
        return ASN_COUNTER;
    case KIND_TRUTH:
    case KIND_ENUM:
    case KIND_ENUM_OR_NONE:
    case KIND_INTEGER:
    case KIND_ADDRESS_TYPE:
    case KIND_PREFIX_TYPE:
    case KIND_ACTION:
        return ASN_INTEGER;
    case KIND_TIME_STAMP:
    case KIND_TIME_SINCE:
        return ASN_TIMETICKS;
    case KIND_INDEX_FIRST:
    case KIND_INDEX_SECOND:
    case KIND_INDEX_LAST:
    case KIND_UNSIGNED:
    case KIND_HIGH:
    case KIND_GAUGE:
    case KIND_PREFIX_LENGTH:
    case KIND_FIRST:
    case KIND_LAST:
        break;
    }
    return ASN_GAUGE;
}

static bool set_text(struct snmp_value *value, const char *text)
{
    size_t length = strlen(text);

    if (length > SNMP_TEXT_MAX) {
        length = SNMP_TEXT_MAX;
        while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80)
            length--; /* not within a character of UTF-8 */
    }
    memcpy(value->text, text, length);
    value->length = length;
    return true;
}

static bool number_of(const struct lyd_value *from, uint64_t *number)
{
    switch (from->realtype->basetype) {
    case LY_TYPE_UINT8:
        *number = from->uint8;
        return true;
    case LY_TYPE_UINT16:
        *number = from->uint16;
        return true;
    case LY_TYPE_UINT32:
        *number = from->uint32;
        return true;
    case LY_TYPE_UINT64:
        *number = from->uint64;
        return true;
    case LY_TYPE_INT8:
        *number = (uint64_t)from->int8;
        return true;
    case LY_TYPE_INT16:
        *number = (uint64_t)from->int16;
        return true;
    case LY_TYPE_INT32:
        *number = (uint64_t)from->int32;
        return true;
    default:
        return false;
    }
}

static bool physical_of(const char *text, struct snmp_value *value)
{
    for (value->length = 0; value->length < SNMP_TEXT_MAX; text++) {
        char *end;
        value->text[value->length++] = (unsigned char)strtoul(text, &end, 16);
        if (end != text + 2 || (*end && *end != ':'))
            return false;
        text = end;
        if (!*text)
            return true;
    }
    return false;
}

bool snmp_address(const char *text, struct snmp_value *value)
{
    if (inet_pton(AF_INET, text, value->text) == 1) {
        value->length = 4;
        value->number = 1;
        return true;
    }
    if (inet_pton(AF_INET6, text, value->text) == 1) {
        value->length = 16;
        value->number = 2;
        return true;
    }
    return false;
}

bool snmp_prefix(const char *text, struct snmp_value *value, uint64_t *length)
{
    char address[INET6_ADDRSTRLEN];
    size_t end = strcspn(text, "/");

    if (end >= sizeof(address))
        return false;
    memcpy(address, text, end);
    address[end] = '\0';
    *length = text[end] ? strtoul(text + end + 1, NULL, 10) : 0;
    return snmp_address(address, value);
}

/* One of the numbers of a range. */
static bool bound_of(const char *text, bool last, uint64_t *number)
{
    const char *between = last ? strchr(text, '-') : NULL;
    char *end;

    text = between ? between + 1 : text;
    *number = strtoul(text, &end, 10);
    return end != text;
}

/* What is too long is cut within its last word. */
static bool command_of(const char *text, struct snmp_value *value)
{
    size_t length = 0;

    while (*text && length + 3 < SNMP_TEXT_MAX) {
        size_t word = strcspn(text, " ");
        size_t room = SNMP_TEXT_MAX - length - 3;
        if (length)
            value->text[length++] = ' ';
        value->text[length++] = '\'';
        memcpy(value->text + length, text, word < room ? word : room);
        length += word < room ? word : room;
        value->text[length++] = '\'';
        text += word + strspn(text + word, " ");
    }
    value->length = length;
    return true;
}

static bool time_of(const char *text, uint64_t *number)
{
    time_t seconds;
    char *fraction = NULL;
    int64_t nanoseconds = 0;
    int64_t weight = NANOSECONDS / 10;

    if (strlen(text) < sizeof("1970-01-01T00:00:00Z") - 1) /* libyang reads on without looking */
        return false;
    if (ly_time_str2time(text, &seconds, &fraction) != LY_SUCCESS)
        return false;
    for (const char *digit = fraction; digit && *digit && weight; digit++, weight /= 10)
        nanoseconds += (*digit - '0') * weight;
    free(fraction);
    *number = (uint64_t)(seconds * NANOSECONDS + nanoseconds);
    return true;
}

bool snmp_value_of(enum snmp_kind kind, const struct lyd_node *leaf, struct snmp_value *value)
{
    const struct lyd_value *from = &((const struct lyd_node_term *)leaf)->value;

    uint64_t length;

    while (from->realtype->basetype == LY_TYPE_UNION)
        from = &from->subvalue->value;

    switch (kind) {
    case KIND_INDEX_FIRST:
    case KIND_INDEX_SECOND:
    case KIND_INDEX_LAST:
    case KIND_ACTION:
        return false;
    case KIND_STRING:
        return set_text(value, lyd_get_value(leaf));
    case KIND_IDENTITY:
        return from->realtype->basetype == LY_TYPE_IDENT && set_text(value, from->ident->name);
    case KIND_UNSIGNED:
    case KIND_GAUGE:
    case KIND_INTEGER:
    case KIND_HIGH:
    case KIND_COUNTER32:
    case KIND_COUNTER64:
        return number_of(from, &value->number);
    case KIND_TRUTH:
        value->number = from->boolean ? 1 : 2;
        return from->realtype->basetype == LY_TYPE_BOOL;
    case KIND_ENUM:
    case KIND_ENUM_OR_NONE:
        if (from->realtype->basetype != LY_TYPE_ENUM)
            return false;
        value->number = (uint64_t)from->enum_item->value + (kind == KIND_ENUM ? 0 : 2);
        return true;
    case KIND_ADDRESS_TYPE:
    case KIND_ADDRESS:
        return snmp_address(lyd_get_value(leaf), value);
    case KIND_IP_ADDRESS:
        return snmp_address(lyd_get_value(leaf), value) && value->length == 4;
    case KIND_PHYSICAL:
        return physical_of(lyd_get_value(leaf), value);
    case KIND_PREFIX_TYPE:
    case KIND_PREFIX:
        return snmp_prefix(lyd_get_value(leaf), value, &length);
    case KIND_PREFIX_LENGTH:
        if (!snmp_prefix(lyd_get_value(leaf), value, &length))
            return false;
        value->number = length;
        return strchr(lyd_get_value(leaf), '/');
    case KIND_FIRST:
    case KIND_LAST:
        return bound_of(lyd_get_value(leaf), kind == KIND_LAST, &value->number);
    case KIND_COMMAND:
        return command_of(lyd_get_value(leaf), value);
    case KIND_DATE_AND_TIME:
    case KIND_TIME_STAMP:
    case KIND_TIME_SINCE:
        return time_of(lyd_get_value(leaf), &value->number);
    }
    return false;
}

void snmp_date_and_time(int64_t nanoseconds, unsigned char text[11])
{
    int64_t rest = nanoseconds % NANOSECONDS;
    time_t seconds = (time_t)(nanoseconds / NANOSECONDS);
    struct tm tm;

    if (rest < 0) {
        rest += NANOSECONDS;
        seconds--;
    }
    gmtime_r(&seconds, &tm);
    text[0] = (unsigned char)((tm.tm_year + 1900) >> 8);
    text[1] = (unsigned char)((tm.tm_year + 1900) & 0xff);
    text[2] = (unsigned char)(tm.tm_mon + 1);
    text[3] = (unsigned char)tm.tm_mday;
    text[4] = (unsigned char)tm.tm_hour;
    text[5] = (unsigned char)tm.tm_min;
    text[6] = (unsigned char)tm.tm_sec;
    text[7] = (unsigned char)(rest / (NANOSECONDS / 10));
    text[8] = '+';
    text[9] = 0;
    text[10] = 0;
}

uint32_t snmp_time_since(int64_t when, int64_t now)
{
    return now > when ? (uint32_t)((now - when) / NANOSECONDS_PER_TICK) : 0;
}

int64_t snmp_epoch(int64_t before, int64_t now, uint32_t uptime)
{
    int64_t epoch = now - uptime * NANOSECONDS_PER_TICK;
    int64_t rounds = before && epoch > before ? (epoch - before + ROUND / 2) / ROUND : 0;

    if (rounds && llabs(epoch - rounds * ROUND - before) < MINUTE)
        epoch -= rounds * ROUND; /* sysUpTime began anew, which moves no TimeStamp */
    return before && llabs(epoch - before) < NANOSECONDS ? before : epoch;
}
