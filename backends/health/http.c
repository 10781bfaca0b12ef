#include "backends/health/http.h"

#include <stdlib.h>

#include "backends/health/checkers.h"

/* What follows an answer may be to ask for the next path. */
static void answered(struct request *request, unsigned status, const char *fault);
static void transferred(struct transfer *transfer, CURLcode result);

static void ask(struct http *http)
{
    struct request *request = &http->requests[http->at];
    const struct http_shared *shared = http->job->shared;
    if (request->digest)
        EVP_DigestInit_ex(request->hash, request->digest, NULL);
    if (!request->transfer) {
        http_plain_ask(request, answered);
        return;
    }
    request->transfer->done = transferred;
    request->transfer->arg = request;
    if (!transfer_start(shared->transfers, request->transfer))
        check_end(http->job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for a transfer");
}

/* @param url That of the answer, after redirections. */
static void judge(struct request *request, unsigned status, const char *url)
{
    struct http *http = request->http;
    bool expected = status_ranges_hold(&request->statuses, status);
    const char *fault = expected ? http_body_fault(request) : NULL;
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

static void answered(struct request *request, unsigned status, const char *fault)
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
