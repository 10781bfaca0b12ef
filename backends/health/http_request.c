/*
 * What is configured of HTTP: requests. Each path that is not plain has a handle of libcurl of its
 * own, whose options are set once; a run adds it to the transfers, and takes it out again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "agent/datastore/entry.h"
#include "backends/health/credentials.h"
#include "backends/health/http.h"

#define DEFAULT_PORT 80

/* Where a request goes to. */
struct place {
    char address[INET6_ADDRSTRLEN + 2]; /* in brackets, if it has colons */
    unsigned port;
    const char *host; /* that is asked for; NULL: the address */
    const char *path;
    const char *target; /* sent instead of the path, or NULL */
    char *own;          /* the host, if it comes from the path */
};

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

/* What we speak ourselves; the rest is libcurl's. */
static bool is_plain(const struct http *http, const struct lyd_node *config)
{
    const char *version = leaf_value(config, "version");
    return !http->secure && (!version || *version == '1') && !number_of(config, "max-redirects") &&
           !number_of(config, "low-speed-limit") && !leaf_value(config, "username") &&
           !leaf_value(config, "password") && !leaf_value(config, "password-file");
}

/* Length of a host without its port. */
static int host_length(const char *host)
{
    const char *bracket = strchr(host, ']');
    return (int)(bracket ? (size_t)(bracket - host) + 1 : strcspn(host, ":"));
}

/*
 * What is asked of a proxy is a whole URL: its host is the default, and it is sent as it is.
 * @param url The list's instance, or NULL where there is none: the path "/".
 */
static bool find_place(struct place *place, const struct check_target *target,
                       const struct lyd_node *config, const struct lyd_node *url)
{
    static const char scheme[] = "http://";
    char text[INET6_ADDRSTRLEN];
    snprintf(place->address, sizeof(place->address),
             target->address.any.sa_family == AF_INET6 ? "[%s]" : "%s",
             check_address_text(&target->address, text));
    place->port = check_address_port(&target->address);
    place->path = url ? leaf_value(url, "path") : "/";
    place->host = url ? leaf_value(url, "virtual-host") : NULL;
    if (!place->host)
        place->host = leaf_value(config, "virtual-host");
    if (strncmp(place->path, scheme, strlen(scheme)) != 0)
        return true;
    const char *begin = place->path + strlen(scheme);
    place->own = strndup(begin, strcspn(begin, "/"));
    place->target = place->path;
    place->path = "/";
    if (!place->host)
        place->host = place->own;
    return place->own;
}

/* The name in the URL is what goes into the TLS handshake and is looked for in the certificate. */
static bool set_url(struct request *request, const struct place *place,
                    const struct lyd_node *config)
{
    const char *name = leaf_value(config, "server-name");
    name = name ? name : place->host ? place->host : place->address;
    if (asprintf(&request->url, "%s://%.*s:%u%s", request->http->secure ? "https" : "http",
                 host_length(name), name, place->port, place->path) < 0)
        request->url = NULL;
    return request->url;
}

/* Requests that are plain. */

static bool is_header(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "header");
}

/* A header of the configuration that takes the place of ours. */
static const char *find_header(const struct lyd_node *config, const char *name)
{
    const struct lyd_node *leaf;
    size_t size = strlen(name);
    LY_LIST_FOR(lyd_child(config), leaf)
    {
        const char *line = is_header(leaf) ? lyd_get_value(leaf) : "";
        if (!strncasecmp(line, name, size) && line[size] == ':')
            return line;
    }
    return NULL;
}

/* As libcurl has it: a header without a value is left out, as ours of the same name is. */
static void print_headers(FILE *file, const struct lyd_node *config)
{
    const struct lyd_node *leaf;
    LY_LIST_FOR(lyd_child(config), leaf)
    {
        const char *line = is_header(leaf) ? lyd_get_value(leaf) : NULL;
        if (!line || !strncasecmp(line, "Host:", strlen("Host:")))
            continue;
        const char *value = strchr(line, ':') + 1;
        if (value[strspn(value, " ")])
            fprintf(file, "%s\r\n", line);
    }
}

static void print_host(FILE *file, const struct place *place, const struct lyd_node *config)
{
    const char *own = find_header(config, "Host");
    if (place->host)
        fprintf(file, "Host: %s\r\n", place->host);
    else if (own && strcmp(own, "Host:") != 0)
        fprintf(file, "Host:%s\r\n", own + strlen("Host:"));
    else if (!own && place->port != DEFAULT_PORT)
        fprintf(file, "Host: %s:%u\r\n", place->address, place->port);
    else if (!own)
        fprintf(file, "Host: %s\r\n", place->address);
}

/*
 * The path as libcurl asks for it: without its fragment, and without "." and "..".
 * @return To be freed by curl_free(); NULL if it is no path.
 */
static char *find_target(const char *url)
{
    CURLU *parts = curl_url();
    char *path = NULL, *query = NULL, *target = NULL;
    if (!parts || curl_url_set(parts, CURLUPART_URL, url, 0) ||
        curl_url_get(parts, CURLUPART_PATH, &path, 0))
        goto out;
    if (curl_url_get(parts, CURLUPART_QUERY, &query, 0))
        query = NULL;
    if (asprintf(&target, "%s%s%s", path, query ? "?" : "", query ? query : "") < 0)
        target = NULL;
out:
    curl_free(path);
    curl_free(query);
    curl_url_cleanup(parts);
    return target;
}

static bool make_text(struct request *request, const struct place *place, const char *target,
                      const struct lyd_node *config)
{
    const char *method = leaf_value(config, "method"), *version = leaf_value(config, "version");
    const char *agent = leaf_value(config, "user-agent");
    FILE *file = open_memstream(&request->text, &request->text_size);
    if (!file)
        return false;
    fprintf(file, "%s %s HTTP/%s\r\n", method ? method : "GET", target, version ? version : "1.1");
    print_host(file, place, config);
    if (agent && *agent && !find_header(config, "User-Agent"))
        fprintf(file, "User-Agent: %s\r\n", agent);
    if (!find_header(config, "Accept"))
        fputs("Accept: */*\r\n", file);
    print_headers(file, config);
    fputs("\r\n", file);
    bool failed = ferror(file);
    return !fclose(file) && !failed;
}

/* @return Whether there was memory; without a text if it is for libcurl to say what is wrong. */
static bool set_text(struct request *request, const struct place *place,
                     const struct lyd_node *config)
{
    char *own = find_target(request->url);
    const char *target = place->target ? place->target : own;
    bool made = !own || make_text(request, place, target, config);
    free(own);
    return made;
}

/* Requests that are libcurl's. */

static void set_option(CURL *easy, CURLoption option, const struct lyd_node *config,
                       const char *name)
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
    set_option(easy, CURLOPT_USERAGENT, config, "user-agent");
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

/* @return Whether there was memory. */
static bool set_headers(struct request *request, const struct place *place,
                        const struct lyd_node *config)
{
    const struct lyd_node *leaf;
    if (place->host && !add_header(request, "Host: ", place->host))
        return false;
    LY_LIST_FOR(lyd_child(config), leaf)
    {
        if (is_header(leaf) && !add_header(request, lyd_get_value(leaf), ""))
            return false;
    }
    curl_easy_setopt(request->transfer->easy, CURLOPT_HTTPHEADER, request->headers);
    return true;
}

/* The connection goes to the target, whatever the name. */
static bool set_connection(struct request *request, const struct place *place)
{
    char *to = NULL, *elsewhere = NULL;
    bool made = asprintf(&to, ":%u:%s:%u", place->port, place->address, place->port) >= 0 &&
                asprintf(&elsewhere, "::%s:", place->address) >= 0 &&
                (request->connect_to = curl_slist_append(NULL, to)) &&
                curl_slist_append(request->connect_to, elsewhere);
    curl_easy_setopt(request->transfer->easy, CURLOPT_CONNECT_TO, request->connect_to);
    free(to);
    free(elsewhere);
    return made;
}

static size_t take_body(char *data, size_t size, size_t count, void *request)
{
    return http_take_body(request, data, size * count);
}

static enum outcome set_transfer(struct request *request, const struct place *place,
                                 const struct check_target *target, const struct lyd_node *config,
                                 struct error *err)
{
    request->transfer = calloc(1, sizeof(*request->transfer));
    if (!request->transfer || !transfer_prepare(request->transfer))
        return fail_memory(err);
    CURL *easy = request->transfer->easy;
    request->transfer->target = target;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, request);
    set_options(easy, request->http, config);
    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    if (place->target)
        curl_easy_setopt(easy, CURLOPT_REQUEST_TARGET, place->target);
    if (!set_connection(request, place) || !set_headers(request, place, config))
        return fail_memory(err);
    return credentials_set_login(easy, config, err);
}

/* What is expected. */

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

static enum outcome set_expected(struct request *request, const struct lyd_node *url,
                                 struct error *err)
{
    if (!status_ranges_read(&request->statuses, url))
        return fail_memory(err);
    if (!url)
        return DONE;
    request->no_match = is_true(url, "regex-no-match");
    request->regex_from = (size_t)number_of(url, "regex-min-offset");
    request->regex_to =
        leaf_value(url, "regex-max-offset") ? (size_t)number_of(url, "regex-max-offset") : SIZE_MAX;
    enum outcome outcome = pattern_parse(url, "regex", &request->regex, err);
    return outcome == DONE ? set_digest(request, url, err) : outcome;
}

/* @param url The list's instance, or NULL where there is none. */
static enum outcome set_request(struct request *request, const struct check_target *target,
                                const struct lyd_node *config, const struct lyd_node *url,
                                struct error *err)
{
    struct place place = {0};
    enum outcome outcome = DONE;
    if (!find_place(&place, target, config, url) || !set_url(request, &place, config) ||
        (is_plain(request->http, config) && !set_text(request, &place, config)))
        outcome = fail_memory(err);
    if (outcome == DONE && !request->text)
        outcome = set_transfer(request, &place, target, config, err);
    free(place.own);
    return outcome == DONE ? set_expected(request, url, err) : outcome;
}

static bool is_url(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "url");
}

static void free_request(struct request *request)
{
    if (request->transfer)
        curl_easy_cleanup(request->transfer->easy);
    free(request->transfer);
    curl_slist_free_all(request->connect_to);
    curl_slist_free_all(request->headers);
    if (request->text)
        explicit_bzero(request->text, request->text_size); /* a header may be a secret */
    free(request->text);
    free(request->url);
    pattern_free(request->regex);
    EVP_MD_CTX_free(request->hash);
    status_ranges_free(&request->statuses);
    free(request->body);
}

void http_free(void *parameters)
{
    struct http *http = parameters;
    for (size_t i = 0; i < http->count; i++)
        free_request(&http->requests[i]);
    free(http->requests);
    free(http);
}

enum outcome http_parse(const struct lyd_node *config, struct check_target *target, bool secure,
                        void **parameters, struct error *err)
{
    const struct lyd_node *url;
    const char *method = leaf_value(config, "method");
    size_t count = 0;
    enum outcome outcome = DONE;
    struct http *http = *parameters = calloc(1, sizeof(*http));
    if (!http)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(config), url)
    count += is_url(url);
    http->count = count ? count : 1;
    http->requests = calloc(http->count, sizeof(*http->requests));
    if (!http->requests) {
        http->count = 0;
        return fail_memory(err);
    }
    http->secure = secure;
    http->to_head = method && !strcmp(method, "HEAD");
    http->max_body = (uint32_t)number_of(config, "max-body");
    for (size_t i = 0; i < http->count; i++)
        http->requests[i].http = http;
    count = 0;
    LY_LIST_FOR(lyd_child(config), url)
    {
        if (outcome == DONE && is_url(url))
            outcome = set_request(&http->requests[count++], target, config, url, err);
    }
    return outcome == DONE && !count ? set_request(http->requests, target, config, NULL, err)
                                     : outcome;
}
