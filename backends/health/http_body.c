/*
 * Bodies of answers: what is kept of them, and whether they are as expected.
 */
#include <stdlib.h>
#include <string.h>

#include "backends/health/http.h"

void http_forget_body(struct request *request)
{
    free(request->body);
    request->body = NULL;
    request->size = request->room = 0;
    request->cut = request->no_memory = false;
}

static bool keep_body(struct request *request, const char *data, size_t size)
{
    if (request->size + size > request->room) {
        size_t room = (request->size + size) * 2;
        char *body = realloc(request->body, room);
        if (!body)
            return false;
        request->body = body;
        request->room = room;
    }
    memcpy(request->body + request->size, data, size);
    return true;
}

size_t http_take_body(void *arg, const char *data, size_t size)
{
    struct request *request = arg;
    size_t left = request->http->max_body - request->size, taken = size < left ? size : left;
    if (request->digest)
        EVP_DigestUpdate(request->hash, data, taken);
    request->no_memory = request->regex && !keep_body(request, data, taken);
    if (request->no_memory)
        return 0;
    request->size += taken;
    request->cut = taken < size;
    return taken == size ? size : 0;
}

static bool digest_is_right(const struct request *request)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    return EVP_DigestFinal_ex(request->hash, digest, &size) &&
           !memcmp(digest, request->expected, size);
}

const char *http_body_fault(const struct request *request)
{
    if (request->digest && request->cut)
        return "the body is longer than max-body";
    if (request->digest && !digest_is_right(request))
        return "the body has another digest";
    if (!request->regex)
        return NULL;
    enum pattern_match match = pattern_match_within(request->regex, request->body, request->size,
                                                    request->regex_from, request->regex_to);
    if (match == PATTERN_TOO_MUCH)
        return "the regular expression takes too long on this body";
    if ((match == PATTERN_YES) == request->no_match)
        return request->no_match ? "the body matches" : "the body does not match";
    return NULL;
}
