#include "backends/health/http.h"

#include <stdlib.h>
#include <string.h>

#include "backends/health/checkers.h"

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

/* What is wrong with an answer, or NULL. */
static const char *find_fault(const struct request *request)
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

static void ask(struct http *http)
{
    struct request *request = &http->requests[http->at];
    const struct http_shared *shared = http->job->shared;
    if (request->digest)
        EVP_DigestInit_ex(request->hash, request->digest, NULL);
    if (!request->transfer)
        http_plain_ask(request);
    else if (!transfer_start(shared->transfers, request->transfer))
        check_end(http->job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for a transfer");
}

/* @param url That of the answer, after redirections. */
static void judge(struct request *request, unsigned status, const char *url)
{
    struct http *http = request->http;
    bool expected = status_ranges_hold(&request->statuses, status);
    const char *fault = expected ? find_fault(request) : NULL;
    http_forget_body(request);
    if (!expected)
        check_end(http->job, CHECK_FAILED, CHECK_WEIGHT_NONE, "status %u of %s", status, url);
    else if (fault)
        check_end(http->job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", url, fault);
    else if (++http->at < http->count)
        ask(http);
    else
        check_pass(http->job);
}

static void end_failed(struct request *request, const char *fault)
{
    bool no_memory = request->no_memory;
    struct check_job *job = request->http->job;
    http_forget_body(request);
    if (no_memory)
        check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for the body");
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", request->url, fault);
}

void http_answered(struct request *request, unsigned status, const char *fault)
{
    if (fault || request->no_memory)
        end_failed(request, fault);
    else
        judge(request, status, request->url);
}

static void transferred(struct transfer *transfer, CURLcode result)
{
    struct request *request = transfer->arg;
    const char *url = NULL;
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && request->cut)) {
        judge(request, (unsigned)status, url);
    } else if (request->no_memory) {
        end_failed(request, NULL);
    } else {
        http_forget_body(request);
        transfer_end_check(request->http->job, transfer, result);
    }
}

static size_t take_body(char *data, size_t size, size_t count, void *request)
{
    return http_take_body(request, data, size * count);
}

void http_set_transfer(struct request *request)
{
    CURL *easy = request->transfer->easy;
    request->transfer->done = transferred;
    request->transfer->arg = request;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
}

static void http_start(struct check_job *job)
{
    struct http *http = job->parameters;
    http->job = job;
    http->at = 0;
    ask(http);
}

static void http_cancel(struct check_job *job)
{
    struct http *http = job->parameters;
    const struct http_shared *shared = job->shared;
    struct request *request = &http->requests[http->at];
    if (request->transfer) {
        job->phase = transfer_phase(request->transfer);
        transfer_cancel(shared->transfers, request->transfer);
    } else {
        http_plain_cancel(request);
    }
    http_forget_body(request);
}

static void *http_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct http_shared *shared = calloc(1, sizeof(*shared));
    if (!shared)
        return NULL;
    shared->connections = connections_new(poller);
    shared->transfers = shared->connections ? transfers_begin(poller, loop) : NULL;
    if (shared->transfers)
        return shared;
    connections_free(shared->connections);
    free(shared);
    return NULL;
}

static void http_end(void *arg)
{
    struct http_shared *shared = arg;
    transfers_end(shared->transfers);
    connections_free(shared->connections);
    free(shared);
}

static enum outcome parse_http(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    return http_parse(config, target, false, parameters, err);
}

static enum outcome parse_https(const struct lyd_node *config, struct check_target *target,
                                void **parameters, struct error *err)
{
    return http_parse(config, target, true, parameters, err);
}

const struct checker http_checker = {
    .name = "http",
    .state = sizeof(struct http_run),
    .begin = http_begin,
    .end = http_end,
    .parse = parse_http,
    .free_parameters = http_free,
    .start = http_start,
    .cancel = http_cancel,
};

const struct checker https_checker = {
    .name = "https",
    .begin = http_begin,
    .end = http_end,
    .parse = parse_https,
    .free_parameters = http_free,
    .start = http_start,
    .cancel = http_cancel,
};
