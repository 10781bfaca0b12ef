/*
 * HTTP and HTTPS: paths are asked for one after the other, and each answer's status and body are
 * held against what is expected.
 *
 *     http.c          runs, and what is made of answers
 *     http_request.c  what is configured
 *     http_body.c     bodies of answers, and what is expected of them
 *     http_plain.c    asks without TLS, redirections and the like: HTTP/1 spoken by ourselves
 *     transfers.c     asks for all else: libcurl
 *     http_answer.c   reads answers for http_plain.c
 *
 * What is plain is what most checks are, and costs a quarter of a transfer. Core thread.
 */
#ifndef NORIA_HEALTH_HTTP_H
#define NORIA_HEALTH_HTTP_H

#include <openssl/evp.h>

#include "backends/health/connection.h"
#include "backends/health/http_answer.h"
#include "backends/health/pattern.h"
#include "backends/health/status_ranges.h"
#include "backends/health/transfers.h"

/** One path, and what is expected of the answer. */
struct request {
    struct http *http;
    char *url;                               /**< For messages. */
    char *text;                              /**< What is sent, if it is plain; else NULL. */
    size_t text_size;                        /**< Without its ending zero. */
    struct transfer *transfer;               /**< If it is not plain; else NULL. */
    struct curl_slist *connect_to, *headers; /**< Of the transfer. */
    struct status_ranges statuses;
    struct pattern *regex;
    size_t regex_from, regex_to; /**< Where its match must begin. */
    bool no_match;
    const EVP_MD *digest;
    unsigned char expected[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *hash;
    /* of one run: */
    char *body;
    size_t size, room;
    bool cut;       /**< The body is longer than what is looked at. */
    bool no_memory; /**< There was none for it. */
};

/** One check. */
struct http {
    struct check_job *job; /**< While it runs. */
    bool secure, to_head;
    uint32_t max_body;
    size_t count, at;
    struct request *requests;
};

/** What runs of HTTP share. */
struct http_shared {
    struct transfers *transfers;
    struct connections *connections;
};

/**
 * An answer is there, as far as it is looked at.
 * @param fault What is wrong with it, or NULL.
 */
typedef void http_answered(struct request *request, unsigned status, const char *fault);

/** A plain run, in job->state. */
struct http_run {
    struct connection *connection; /* first */
    size_t sent;
    struct http_answer answer;
    http_answered *answered;
};

/** checker.parse() of both. */
enum outcome http_parse(const struct lyd_node *config, struct check_target *target, bool secure,
                        void **parameters, struct error *err);

/** checker.free_parameters(). */
void http_free(void *parameters);

/** Take a part of the body of an answer. @return Less than its size: no more is wanted. */
size_t http_take_body(void *request, const char *data, size_t size);

/** Free what was kept of a body. */
void http_forget_body(struct request *request);

/** What is wrong with a body, or NULL. A static string. */
const char *http_body_fault(const struct request *request);

/** Ask for a path by oneself. */
void http_plain_ask(struct request *request, http_answered *answered);

/** Stop asking. */
void http_plain_cancel(struct request *request);

#endif
