/*
 * Answers of HTTP/1.0 and HTTP/1.1 (RFC 9112), read as they come, in portions of any size: the
 * status, and the body without what frames it. Nothing else is kept. Pure functions of values; any
 * thread.
 */
#ifndef NORIA_HEALTH_HTTP_ANSWER_H
#define NORIA_HEALTH_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** So much of a line is looked at. */
#define HTTP_LINE_SIZE 128

/** Octets of all lines before a body, and of one behind a portion of it. */
#define HTTP_HEAD_MAX 307200

/** What comes next. */
enum http_part {
    HTTP_STATUS_LINE,
    HTTP_HEADER,
    HTTP_BODY,             /**< So many octets as are left. */
    HTTP_BODY_UNTIL_CLOSE, /**< All that comes. */
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK,
    HTTP_CHUNK_END,
    HTTP_TRAILER,
    HTTP_END,
};

/** An answer, as far as it is there. {0}: nothing is. */
struct http_answer {
    bool to_head;      /**< It answers a HEAD: set by whoever asks. */
    unsigned status;   /**< 0: not known yet. */
    const char *fault; /**< Why it is HTTP_WRONG: static. */
    enum http_part part;
    bool sized, chunked, strange; /**< What its headers say of its body. */
    uint64_t left;                /**< Octets of the body or the chunk. */
    uint32_t head;                /**< Octets of lines. */
    uint8_t line_size;
    char line[HTTP_LINE_SIZE];
};

/** How an answer is after a portion. */
enum http_progress {
    HTTP_MORE,
    HTTP_WHOLE,
    HTTP_WRONG,
    HTTP_STOPPED, /**< Whoever takes its body wants no more. */
};

/** Takes a part of a body. @return Octets that were taken; fewer than size: no more is wanted. */
typedef size_t http_take(void *arg, const char *data, size_t size);

/** Read a portion; what is behind the answer is left out. */
enum http_progress http_answer_read(struct http_answer *answer, const char *data, size_t size,
                                    http_take *take, void *arg);

/** The connection was closed: whether the answer was whole. Never HTTP_MORE. */
enum http_progress http_answer_close(struct http_answer *answer);

#endif
