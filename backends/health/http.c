/*
 * HTTP and HTTPS: paths are asked for one after the other, and each answer's status and body are
 * held against what is expected.
 *
 * Each path has a handle of libcurl of its own, whose options are set once, when the check is
 * configured; a run adds it to the transfers, and takes it out again.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/pattern.h"
#include "backends/health/status_ranges.h"
#include "backends/health/transfers.h"

/* One path, and what is expected of the answer. */
struct request {
    struct transfer transfer;
    struct http *http;
    struct curl_slist *connect_to, *headers;
    struct status_ranges statuses;
    struct pattern *regex;
    size_t regex_from, regex_to; /* where its match must begin */
    bool no_match;
    const EVP_MD *digest;
    unsigned char expected[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash;
    /* of one run: */
    char *body;
    size_t size, room;
    bool cut; /* the body is longer than what is looked at */
};

/* One check. */
struct http {
    struct check_job *job; /* while it runs */
    bool secure;
    uint32_t max_body;
    size_t count, at;
    struct request *requests;
};

static void forget_body(struct request *request)
{
    free(request->body);
    request->body = NULL;
    request->size = request->room = 0;
    request->cut = false;
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

static size_t take_body(char *data, size_t size, size_t count, void *arg)
{
    struct request *request = arg;
    size_t length = size * count, left = request->http->max_body - request->size;
    size_t taken = length < left ? length : left;
    if (request->digest)
        EVP_DigestUpdate(request->hash, data, taken);
    if (request->regex && !keep_body(request, data, taken))
        return 0;
    request->size += taken;
    request->cut = taken < length;
    return taken == length ? length : 0; /* less ends the transfer */
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

static void ask(struct http *http);

static void answered(struct transfer *transfer, CURLcode result)
{
    struct request *request = transfer->arg;
    struct http *http = request->http;
    struct check_job *job = http->job;
    const char *fault = NULL, *url = NULL;
    long status = 0;
    bool whole = result == CURLE_OK || (result == CURLE_WRITE_ERROR && request->cut);
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url);
    bool expected = status >= 0 && status_ranges_hold(&request->statuses, (unsigned long)status);
    if (whole && expected)
        fault = find_fault(request);
    forget_body(request);
    if (!whole) {
        transfer_end_check(job, transfer, result);
    } else if (!expected) {
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "status %ld of %s", status, url);
    } else if (fault) {
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: %s", url, fault);
    } else if (++http->at < http->count) {
        ask(http);
    } else {
        check_pass(job);
    }
}

static void ask(struct http *http)
{
    struct request *request = &http->requests[http->at];
    if (request->digest)
        EVP_DigestInit_ex(request->hash, request->digest, NULL);
    if (!transfer_start(http->job->shared, &request->transfer))
        check_end(http->job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for a transfer");
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
    struct request *request = &http->requests[http->at];
    job->phase = transfer_phase(&request->transfer);
    transfer_cancel(job->shared, &request->transfer);
    forget_body(request);
}

/* Configuration. */

static bool is_true(const struct lyd_node *config, const char *name)
{
    const char *value = leaf_value(config, name);
    return value && !strcmp(value, "true");
}

static long number_of(const struct lyd_node *config, const char *name)
{
    const char *value = leaf_value(config, name);
    return value ? strtol(value, NULL, 10) : 0;
}

static void set_text(CURL *easy, CURLoption option, const struct lyd_node *config, const char *name)
{
    const char *value = leaf_value(config, name);
    if (value)
        curl_easy_setopt(easy, option, value);
}

static void set_version(CURL *easy, const char *version)
{
    static const struct {
        const char *name;
        long value;
    } versions[] = {{"1.0", CURL_HTTP_VERSION_1_0},
                    {"1.1", CURL_HTTP_VERSION_1_1},
                    {"2", CURL_HTTP_VERSION_2TLS},
                    {"2-prior-knowledge", CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE}};
    for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
        if (!strcmp(version, versions[i].name))
            curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, versions[i].value);
}

static void set_method(CURL *easy, const char *method)
{
    if (!strcmp(method, "HEAD"))
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(method, "GET") != 0)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
}

static void set_options(CURL *easy, const struct http *http, const struct lyd_node *config)
{
    const char *method = leaf_value(config, "method"), *version = leaf_value(config, "version");
    set_version(easy, version ? version : "1.1");
    set_method(easy, method ? method : "GET");
    set_text(easy, CURLOPT_USERAGENT, config, "user-agent");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, (long)(number_of(config, "max-redirects") > 0));
    curl_easy_setopt(easy, CURLOPT_MAXREDIRS, number_of(config, "max-redirects"));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, number_of(config, "low-speed-limit"));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, number_of(config, "low-speed-time"));
    if (http->secure)
        credentials_set_tls(easy, config);
    else
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
}

static bool add_header(struct request *request, const char *name, const char *value)
{
    char *line = NULL;
    if (asprintf(&line, "%s%s", name, value) < 0)
        return false;
    struct curl_slist *headers = curl_slist_append(request->headers, line);
    free(line);
    if (headers)
        request->headers = headers;
    return headers;
}

/* What is asked of a proxy is a whole URL: its host is the default, and it is sent as it is. */
static bool set_target(struct request *request, const char **host, const char **path, char **own)
{
    static const char scheme[] = "http://";
    *own = NULL;
    if (strncmp(*path, scheme, strlen(scheme)) != 0)
        return true;
    curl_easy_setopt(request->transfer.easy, CURLOPT_REQUEST_TARGET, *path);
    const char *begin = *path + strlen(scheme);
    *own = strndup(begin, strcspn(begin, "/"));
    *host = *host ? *host : *own;
    *path = "/";
    return *own;
}

/* Length of a host without its port. */
static int host_length(const char *host)
{
    const char *bracket = strchr(host, ']');
    return (int)(bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":"));
}

/*
 * The name in the URL is what goes into the TLS handshake and is looked for in the certificate; the
 * connection goes to the target, whatever the name.
 */
static bool set_url(struct request *request, const struct lyd_node *config, const char *host,
                    const char *path)
{
    const struct check_target *target = request->transfer.target;
    char text[INET6_ADDRSTRLEN], address[INET6_ADDRSTRLEN + 2];
    char *own, *url = NULL, *to = NULL, *elsewhere = NULL;
    const char *name = leaf_value(config, "server-name");
    unsigned port = check_address_port(&target->address);
    snprintf(address, sizeof(address), target->address.any.sa_family == AF_INET6 ? "[%s]" : "%s",
             check_address_text(&target->address, text));
    bool made = set_target(request, &host, &path, &own);
    name = name ? name : host ? host : address;
    made = made &&
           asprintf(&url, "%s://%.*s:%u%s", request->http->secure ? "https" : "http",
                    host_length(name), name, port, path) >= 0 &&
           asprintf(&to, ":%u:%s:%u", port, address, port) >= 0 &&
           asprintf(&elsewhere, "::%s:", address) >= 0;
    if (made) {
        curl_easy_setopt(request->transfer.easy, CURLOPT_URL, url);
        request->connect_to = curl_slist_append(NULL, to);
        made = request->connect_to && curl_slist_append(request->connect_to, elsewhere) &&
               (!host || add_header(request, "Host: ", host));
        curl_easy_setopt(request->transfer.easy, CURLOPT_CONNECT_TO, request->connect_to);
    }
    free(own);
    free(url);
    free(to);
    free(elsewhere);
    return made;
}

static enum outcome set_digest(struct request *request, const struct lyd_node *config,
                               struct error *err)
{
    const char *text = leaf_value(config, "digest");
    if (!text)
        return DONE;
    request->digest = strlen(text) == 64 ? EVP_sha256() : EVP_md5();
    request->hash = EVP_MD_CTX_new();
    if (!request->hash)
        return fail_memory(err);
    for (size_t i = 0; text[2 * i]; i++) {
        unsigned octet = 0;
        sscanf(text + 2 * i, "%2x", &octet);
        request->expected[i] = (unsigned char)octet;
    }
    return DONE;
}

/* @return Whether there was memory. */
static bool add_headers(struct request *request, const struct lyd_node *config)
{
    const struct lyd_node *leaf;
    LY_LIST_FOR(lyd_child(config), leaf)
    {
        if (leaf->schema && !strcmp(leaf->schema->name, "header") &&
            !add_header(request, lyd_get_value(leaf), ""))
            return false;
    }
    return true;
}

/* @param url The list's instance, or NULL where there is none: the path "/". */
static enum outcome set_request(struct request *request, const struct lyd_node *config,
                                const struct lyd_node *url, struct error *err)
{
    const char *path = url ? leaf_value(url, "path") : "/";
    const char *host = url ? leaf_value(url, "virtual-host") : NULL;
    host = host ? host : leaf_value(config, "virtual-host");
    if (!transfer_prepare(&request->transfer) || !set_url(request, config, host, path) ||
        !add_headers(request, config) || !status_ranges_read(&request->statuses, url))
        return fail_memory(err);
    set_options(request->transfer.easy, request->http, config);
    curl_easy_setopt(request->transfer.easy, CURLOPT_HTTPHEADER, request->headers);
    curl_easy_setopt(request->transfer.easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(request->transfer.easy, CURLOPT_WRITEDATA, request);
    if (credentials_set_login(request->transfer.easy, config, err) != DONE)
        return REFUSED;
    if (!url)
        return DONE;
    request->no_match = is_true(url, "regex-no-match");
    request->regex_from = (size_t)number_of(url, "regex-min-offset");
    request->regex_to =
        leaf_value(url, "regex-max-offset") ? (size_t)number_of(url, "regex-max-offset") : SIZE_MAX;
    enum outcome outcome = pattern_parse(url, "regex", &request->regex, err);
    return outcome == DONE ? set_digest(request, url, err) : outcome;
}

static bool is_url(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "url");
}

static void http_free(void *parameters)
{
    struct http *http = parameters;
    for (size_t i = 0; i < http->count; i++) {
        struct request *request = &http->requests[i];
        curl_easy_cleanup(request->transfer.easy);
        curl_slist_free_all(request->connect_to);
        curl_slist_free_all(request->headers);
        pattern_free(request->regex);
        EVP_MD_CTX_free(request->hash);
        status_ranges_free(&request->statuses);
        free(request->body);
    }
    free(http->requests);
    free(http);
}

static enum outcome parse(const struct lyd_node *config, struct check_target *target, bool secure,
                          void **parameters, struct error *err)
{
    const struct lyd_node *url;
    size_t count = 0;
    enum outcome outcome = DONE;
    struct http *http = calloc(1, sizeof(*http));
    *parameters = http;
    if (!http)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(config), url)
    count += is_url(url);
    http->requests = calloc(count + 1, sizeof(*http->requests));
    if (!http->requests)
        return fail_memory(err);
    http->secure = secure;
    http->max_body = (uint32_t)number_of(config, "max-body");
    http->count = count ? count : 1;
    for (size_t i = 0; i < http->count; i++) {
        http->requests[i].http = http;
        http->requests[i].transfer =
            (struct transfer){.target = target, .done = answered, .arg = &http->requests[i]};
    }
    count = 0;
    LY_LIST_FOR(lyd_child(config), url)
    {
        if (outcome == DONE && is_url(url))
            outcome = set_request(&http->requests[count++], config, url, err);
    }
    return outcome == DONE && !count ? set_request(http->requests, config, NULL, err) : outcome;
}

static enum outcome http_parse(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    return parse(config, target, false, parameters, err);
}

static enum outcome https_parse(const struct lyd_node *config, struct check_target *target,
                                void **parameters, struct error *err)
{
    return parse(config, target, true, parameters, err);
}

const struct checker http_checker = {
    .name = "http",
    .begin = transfers_begin,
    .end = transfers_end,
    .parse = http_parse,
    .free_parameters = http_free,
    .start = http_start,
    .cancel = http_cancel,
};

const struct checker https_checker = {
    .name = "https",
    .begin = transfers_begin,
    .end = transfers_end,
    .parse = https_parse,
    .free_parameters = http_free,
    .start = http_start,
    .cancel = http_cancel,
};
