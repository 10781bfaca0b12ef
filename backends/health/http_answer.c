#include "backends/health/http_answer.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static enum http_progress wrong(struct http_answer *answer, const char *fault)
{
    answer->fault = fault;
    return HTTP_WRONG;
}

static bool begins(const char *line, const char *with)
{
    return !strncasecmp(line, with, strlen(with));
}

static const char *skip_space(const char *text)
{
    return text + strspn(text, " \t");
}

/* A number, and behind it nothing or what may follow. */
static bool read_number(const char *text, int base, const char *follow, uint64_t *number)
{
    const char *digits = base == 16 ? "0123456789abcdefABCDEF" : "0123456789";
    size_t count = strspn(text, digits);
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        unsigned digit = isdigit((unsigned char)text[i]) ? (unsigned)(text[i] - '0')
                                                         : (unsigned)((text[i] | 32) - 'a' + 10);
        if (*number > ((uint64_t)INT64_MAX - digit) / (unsigned)base)
            return false;
        *number = *number * (unsigned)base + digit;
    }
    return count && (!text[count] || strchr(follow, text[count]));
}

/* "HTTP/1.1 200 OK"; a newer version with the same major number is read the same way. */
static enum http_progress read_status(struct http_answer *answer)
{
    const char *at = answer->line + strlen("HTTP/");
    if (at[0] != '1' || at[1] != '.' || !isdigit((unsigned char)at[2]) || at[3] != ' ')
        return wrong(answer, "the answer is of an unknown version of HTTP");
    at = skip_space(at + 3);
    if (at[0] < '1' || at[0] > '9' || !isdigit((unsigned char)at[1]) ||
        !isdigit((unsigned char)at[2]) || (at[3] && at[3] != ' '))
        return wrong(answer, "the answer has no status");
    answer->status =
        (unsigned)(at[0] - '0') * 100 + (unsigned)(at[1] - '0') * 10 + (unsigned)(at[2] - '0');
    answer->sized = answer->chunked = answer->strange = false;
    answer->part = HTTP_HEADER;
    return HTTP_MORE;
}

/* Two lengths must be the same, or one would be somebody else's (RFC 9112, 6.3). */
static enum http_progress read_length(struct http_answer *answer, const char *value)
{
    uint64_t length;
    if (!read_number(skip_space(value), 10, " \t,", &length) ||
        (answer->sized && answer->left != length))
        return wrong(answer, "the Content-Length is wrong");
    answer->sized = true;
    answer->left = length;
    return HTTP_MORE;
}

static void read_encodings(struct http_answer *answer, const char *value)
{
    answer->strange = answer->strange || answer->line_size == HTTP_LINE_SIZE - 1;
    while (*(value += strspn(value, " \t,"))) {
        size_t size = strcspn(value, " \t,;");
        bool chunked = size == strlen("chunked") && begins(value, "chunked");
        bool none = size == strlen("identity") && begins(value, "identity");
        answer->strange = answer->strange || answer->chunked || (!chunked && !none);
        answer->chunked = answer->chunked || chunked;
        value += strcspn(value, ",");
    }
}

static enum http_progress read_header(struct http_answer *answer)
{
    static const char length[] = "Content-Length:", encoding[] = "Transfer-Encoding:";
    const char *line = answer->line;
    if (*line == ' ' || *line == '\t')
        return HTTP_MORE; /* it goes on with the line before */
    if (begins(line, length))
        return read_length(answer, line + strlen(length));
    if (begins(line, encoding))
        read_encodings(answer, line + strlen(encoding));
    else if (!strchr(line, ':') && answer->line_size < HTTP_LINE_SIZE - 1)
        return wrong(answer, "a header has no colon");
    return HTTP_MORE;
}

/* RFC 9112, 6.3. 101 ends HTTP, so it is the answer. */
static enum http_progress end_head(struct http_answer *answer)
{
    unsigned status = answer->status;
    if (status < 200 && status != 101) {
        answer->part = HTTP_STATUS_LINE;
        return HTTP_MORE;
    }
    if (answer->to_head || status == 101 || status == 204 || status == 304)
        return HTTP_WHOLE;
    if (answer->strange)
        return wrong(answer, "the Transfer-Encoding is unknown");
    answer->head = 0;
    answer->part = answer->chunked ? HTTP_CHUNK_SIZE
                   : answer->sized ? HTTP_BODY
                                   : HTTP_BODY_UNTIL_CLOSE;
    return answer->part == HTTP_BODY && !answer->left ? HTTP_WHOLE : HTTP_MORE;
}

static enum http_progress read_chunk_size(struct http_answer *answer)
{
    if (!read_number(answer->line, 16, " \t;", &answer->left))
        return wrong(answer, "the size of a chunk is wrong");
    answer->part = answer->left ? HTTP_CHUNK : HTTP_TRAILER;
    return HTTP_MORE;
}

static enum http_progress read_line(struct http_answer *answer)
{
    bool empty = !*answer->line;
    switch (answer->part) {
    case HTTP_STATUS_LINE:
        return read_status(answer);
    case HTTP_HEADER:
        return empty ? end_head(answer) : read_header(answer);
    case HTTP_CHUNK_SIZE:
        return read_chunk_size(answer);
    case HTTP_CHUNK_END:
        answer->part = HTTP_CHUNK_SIZE;
        return empty ? HTTP_MORE : wrong(answer, "a chunk is longer than it says");
    default: /* HTTP_TRAILER */
        return empty ? HTTP_WHOLE : HTTP_MORE;
    }
}

/* What has come of a line, without its end. @return Octets of it. */
static size_t keep_line(struct http_answer *answer, const char *data, size_t size)
{
    size_t room = HTTP_LINE_SIZE - 1U - answer->line_size;
    const char *end = memchr(data, '\n', size);
    size_t taken = end ? (size_t)(end - data) : size, kept = taken < room ? taken : room;
    memcpy(answer->line + answer->line_size, data, kept);
    answer->line_size = (uint8_t)(answer->line_size + kept);
    answer->line[answer->line_size] = '\0';
    return end ? taken + 1 : taken;
}

static enum http_progress take_line(struct http_answer *answer, const char *data, size_t size,
                                    size_t *taken)
{
    static const char name[] = "HTTP/";
    *taken = keep_line(answer, data, size);
    answer->head += (uint32_t)*taken;
    bool whole = data[*taken - 1] == '\n';
    size_t known = answer->line_size < strlen(name) ? answer->line_size : strlen(name);
    if (answer->part == HTTP_STATUS_LINE &&
        (strncasecmp(answer->line, name, known) != 0 || (whole && known < strlen(name))))
        return wrong(answer, "the answer is not HTTP");
    if (memchr(data, '\0', *taken))
        return wrong(answer, "a header has an octet of zero");
    if (answer->head > HTTP_HEAD_MAX)
        return wrong(answer, "the headers are too long");
    if (!whole)
        return HTTP_MORE;
    if (answer->line_size && answer->line[answer->line_size - 1] == '\r')
        answer->line[--answer->line_size] = '\0';
    enum http_progress progress = read_line(answer);
    answer->line_size = 0;
    return progress;
}

static enum http_progress take_body(struct http_answer *answer, const char *data, size_t size,
                                    http_take *take, void *arg, size_t *taken)
{
    bool endless = answer->part == HTTP_BODY_UNTIL_CLOSE;
    *taken = endless || size < answer->left ? size : (size_t)answer->left;
    if (take(arg, data, *taken) < *taken)
        return HTTP_STOPPED;
    if (endless || (answer->left -= *taken))
        return HTTP_MORE;
    if (answer->part == HTTP_BODY)
        return HTTP_WHOLE;
    answer->head = 0;
    answer->part = HTTP_CHUNK_END;
    return HTTP_MORE;
}

static bool in_body(const struct http_answer *answer)
{
    return answer->part == HTTP_BODY || answer->part == HTTP_BODY_UNTIL_CLOSE ||
           answer->part == HTTP_CHUNK;
}

enum http_progress http_answer_read(struct http_answer *answer, const char *data, size_t size,
                                    http_take *take, void *arg)
{
    enum http_progress progress = answer->part == HTTP_END ? HTTP_WHOLE : HTTP_MORE;
    for (size_t taken; size && progress == HTTP_MORE; data += taken, size -= taken)
        progress = in_body(answer) ? take_body(answer, data, size, take, arg, &taken)
                                   : take_line(answer, data, size, &taken);
    if (progress == HTTP_WHOLE)
        answer->part = HTTP_END;
    return progress;
}

enum http_progress http_answer_close(struct http_answer *answer)
{
    if (answer->part == HTTP_END || answer->part == HTTP_BODY_UNTIL_CLOSE)
        return HTTP_WHOLE;
    bool nothing = !answer->status && !answer->head;
    return wrong(answer, nothing ? "the connection was closed without an answer"
                                 : "the connection was closed before the answer was whole");
}
