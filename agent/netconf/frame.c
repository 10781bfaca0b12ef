/*
 * Framing.
 */
#include "agent/netconf/frame.h"

#include <stdint.h>
#include <string.h>

void frame_add(struct frame_reader *reader, const void *bytes, size_t length)
{
    size_t over = reader->start;
    /* To move what is left only when it is the smaller part is to move each byte once or so. */
    if (over > reader->received.length / 2) {
        text_drop(&reader->received, over);
        reader->start = 0;
        reader->position -= over;
        reader->message -= over;
    }
    text_add(&reader->received, bytes, length);
}

size_t frame_waiting(const struct frame_reader *reader)
{
    return reader->received.length - reader->start;
}

/* Hand a message over, and begin the next one behind it; of the two the shorter one is copied. */
static enum frame_result cut(struct frame_reader *reader, size_t length, size_t taken,
                             struct text *message)
{
    struct text *in = &reader->received, copy = {0};
    size_t rest = in->length - taken;
    bool short_one = length && length <= rest;
    text_add(&copy, in->data + (short_one ? reader->start : taken), short_one ? length : rest);
    if (copy.failed)
        return FRAME_BROKEN;
    if (short_one) {
        *message = copy;
        reader->start = taken;
    } else {
        text_drop(in, reader->start);
        *message = *in;
        message->length = length;
        message->data[length] = '\0';
        *in = copy;
        reader->start = 0;
    }
    reader->position = reader->message = reader->start;
    return FRAME_MESSAGE;
}

static enum frame_result next_by_end_mark(struct frame_reader *reader, struct text *message)
{
    static const char mark[] = "]]>]]>";
    const size_t size = sizeof(mark) - 1;
    const struct text *in = &reader->received;
    size_t from = reader->position > reader->start + size ? reader->position - size : reader->start;
    const char *end = memmem(in->data + from, in->length - from, mark, size);
    size_t to = end ? (size_t)(end - in->data) : in->length;
    /* Its last bytes may be the beginning of the mark. */
    if (to - reader->start > reader->limit + (end ? 0 : size - 1))
        return FRAME_TOO_LONG;
    if (end)
        return cut(reader, to - reader->start, to + size, message);
    reader->position = in->length;
    return FRAME_MORE;
}

/*
 * The line before a chunk, "\n#<size>\n", or behind the last one, "\n##\n" (RFC 6242, 4.2).
 * Returns its length, 0 if more is needed, -1 if it is none; *size is 0 for the last.
 */
static int chunk_line(const char *line, size_t length, uint64_t *size)
{
    if ((length > 0 && line[0] != '\n') || (length > 1 && line[1] != '#'))
        return -1;
    if (length < 3)
        return 0;
    *size = 0;
    if (line[2] == '#')
        return length < 4 ? 0 : line[3] == '\n' ? 4 : -1;
    if (line[2] < '1' || line[2] > '9')
        return -1;
    for (size_t i = 2; i < length && i < 13; i++) {
        if (line[i] == '\n')
            return *size <= UINT32_MAX ? (int)i + 1 : -1;
        if (line[i] < '0' || line[i] > '9')
            return -1;
        *size = *size * 10 + (uint64_t)(line[i] - '0');
    }
    return length < 13 ? 0 : -1;
}

/* Chunks are put together in place: the message grows where it begins in what was received. */
static enum frame_result next_by_chunks(struct frame_reader *reader, struct text *message)
{
    struct text *in = &reader->received;
    for (;;) {
        size_t there = in->length - reader->position;
        size_t part = there < reader->remaining ? there : reader->remaining;
        if (part) {
            memmove(in->data + reader->message, in->data + reader->position, part);
            reader->message += part;
            reader->position += part;
            reader->remaining -= part;
        }
        if (reader->remaining) {
            in->length = reader->position = reader->message;
            return FRAME_MORE;
        }
        uint64_t size;
        size_t length = reader->message - reader->start;
        int line = chunk_line(in->data + reader->position, in->length - reader->position, &size);
        if (line <= 0)
            return line ? FRAME_BROKEN : FRAME_MORE;
        reader->position += (size_t)line;
        if (!size)
            return length ? cut(reader, length, reader->position, message) : FRAME_BROKEN;
        if (size > reader->limit - length)
            return FRAME_TOO_LONG;
        reader->remaining = size;
    }
}

enum frame_result frame_next(struct frame_reader *reader, bool chunked, struct text *message)
{
    if (reader->received.failed)
        return FRAME_BROKEN;
    if (!frame_waiting(reader))
        return FRAME_MORE;
    return chunked ? next_by_chunks(reader, message) : next_by_end_mark(reader, message);
}

/* Behind what begins at 'at' and ends with a string; the end of the message if it does not. */
static const char *behind(const char *at, const char *end, const char *closing)
{
    const char *found = memmem(at, (size_t)(end - at), closing, strlen(closing));
    return found ? found + strlen(closing) : end;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* What a start tag has. */
struct tag {
    bool has_id, has_operation; /* Attributes without a prefix. */
    bool empty;                 /* It is an element without content. */
};

static bool is_attribute(const char *at, const char *end, const char *name)
{
    size_t length = strlen(name);
    return (size_t)(end - at) > length && !memcmp(at, name, length) &&
           (is_space(at[length]) || at[length] == '=');
}

/* Behind a start tag. */
static const char *behind_tag(const char *at, const char *end, struct tag *tag)
{
    char quote = 0, before = 0;
    for (; at < end; at++) {
        if (quote) {
            quote = *at == quote ? 0 : quote;
        } else if (*at == '>') {
            tag->empty = before == '/';
            return at + 1;
        } else if (*at == '"' || *at == '\'') {
            quote = *at;
        } else if (is_space(before)) {
            tag->has_id |= is_attribute(at, end, "message-id");
            tag->has_operation |= is_attribute(at, end, "operation");
        }
        before = *at;
    }
    return end;
}

/* Behind an end tag, a comment and the like; NULL: it is a start tag. */
static const char *behind_other(const char *at, const char *end)
{
    if (at[1] == '/')
        return behind(at, end, ">");
    if (at[1] == '?')
        return behind(at + 2, end, "?>");
    if (at[1] != '!')
        return NULL;
    bool data = (size_t)(end - at) >= 9 && !memcmp(at, "<![CDATA[", 9);
    bool comment = (size_t)(end - at) >= 4 && !memcmp(at, "<!--", 4);
    return comment ? behind(at + 4, end, "-->") : behind(at, end, data ? "]]>" : ">");
}

static bool is_named(const char *tag, const char *behind_it, const char *name)
{
    const char *start = tag + 1, *at = start;
    for (; at < behind_it && !is_space(*at) && *at != '>' && *at != '/'; at++)
        start = *at == ':' ? at + 1 : start;
    return (size_t)(at - start) == strlen(name) && !memcmp(start, name, (size_t)(at - start));
}

bool frame_is_safe(const char *message, size_t length, bool (*well_formed)(void *arg), void *arg)
{
    const char *end = message + length, *at = message, *tag, *other;
    struct tag found = {0};
    for (size_t tags = 0; tags < 2;) {
        tag = memchr(at, '<', (size_t)(end - at));
        if (!tag || end - tag < 2)
            return true;
        other = behind_other(tag, end);
        at = other ? other : behind_tag(tag, end, &found);
        tags += !other;
    }
    if (!is_named(tag, at, "action"))
        return true;
    while (at < end && is_space(*at))
        at++;
    bool text =
        !found.empty && (at == end || *at != '<' || (end - at > 8 && !memcmp(at, "<![", 3)));
    return !text && well_formed(arg);
}

static bool is_remark(const char *at)
{
    return at[1] == '?' || !strncmp(at, "<!--", 4);
}

struct frame_look frame_look(const char *message, size_t length)
{
    struct frame_look look = {.wild = memchr(message, '\0', length) != NULL};
    const char *end = message + length, *at = message;
    size_t depth = 0;
    bool first = true;
    while (!look.wild && (at = memchr(at, '<', (size_t)(end - at))) && end - at > 1) {
        struct tag found = {0};
        const char *other = behind_other(at, end);
        if (other) {
            depth -= at[1] == '/' && depth > 0;
            look.has_remarks |= depth && is_remark(at);
            at = other;
            continue;
        }
        const char *tag = at;
        at = behind_tag(at, end, &found);
        look.has_message_id |= first && found.has_id;
        look.has_operation |= !first && found.has_operation;
        first = false;
        look.outermost += !depth;
        depth += !found.empty;
        look.wild = depth + found.empty > FRAME_DEPTH_MAX || at - tag > FRAME_TAG_MAX;
    }
    return look;
}

/* One that has no end is left for the parser to find. */
void frame_strip(struct text *message)
{
    const char *end = message->data + message->length, *at = message->data, *tag, *next;
    char *to = message->data;
    while ((tag = memchr(at, '<', (size_t)(end - at))) && end - tag > 1) {
        next = behind_other(tag, end);
        bool remark = next && next < end && is_remark(tag);
        next = next ? next : behind_tag(tag, end, &(struct tag){0});
        size_t kept = (size_t)((remark ? tag : next) - at);
        memmove(to, at, kept);
        to += kept;
        at = next;
    }
    memmove(to, at, (size_t)(end - at));
    to += end - at;
    *to = '\0';
    message->length = (size_t)(to - message->data);
}
