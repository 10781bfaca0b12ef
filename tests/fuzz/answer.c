/*
 * Answers of HTTP. The first octet says how: whether to a HEAD, and in portions of which size; the
 * same must come out as if it were read in one go.
 */
#include "tests/fuzz/fuzz.h"

#include "backends/health/http_answer.h"

#define BODY_MAX 64

struct body {
    char octets[BODY_MAX];
    size_t size;
};

static size_t take(void *arg, const char *data, size_t size)
{
    struct body *body = arg;
    size_t left = BODY_MAX - body->size, taken = size < left ? size : left;
    memcpy(body->octets + body->size, data, taken);
    body->size += taken;
    return taken;
}

static enum http_progress read_all(struct http_answer *answer, struct body *body, const char *data,
                                   size_t size, size_t portion)
{
    enum http_progress progress = HTTP_MORE;
    for (size_t at = 0; at < size && progress == HTTP_MORE; at += portion)
        progress = http_answer_read(answer, data + at, size - at < portion ? size - at : portion,
                                    take, body);
    return progress == HTTP_MORE ? http_answer_close(answer) : progress;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size)
        return 0;
    const char *text = (const char *)data + 1;
    struct http_answer one = {.to_head = data[0] & 1}, other = one;
    struct body body = {.size = 0}, same = {.size = 0};
    enum http_progress progress = read_all(&one, &body, text, size - 1, size);
    if (progress != read_all(&other, &same, text, size - 1, (data[0] >> 1) + 1U) ||
        one.status != other.status || one.fault != other.fault || body.size != same.size ||
        memcmp(body.octets, same.octets, body.size) != 0 || progress == HTTP_MORE ||
        (progress == HTTP_WRONG) != (one.fault != NULL) ||
        (progress == HTTP_WHOLE && (one.status < 101 || one.status > 999)))
        abort();
    return 0;
}
