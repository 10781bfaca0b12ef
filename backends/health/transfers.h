/*
 * Transfers by libcurl on the event loop: its multi interface over the poller. Core thread.
 */
#ifndef NORIA_HEALTH_TRANSFERS_H
#define NORIA_HEALTH_TRANSFERS_H

#include <curl/curl.h>
#include <stdbool.h>

#include "backends/health/check.h"

struct transfers;

/** One transfer, which may be run again and again; a part of whoever waits for it. */
struct transfer {
    const struct check_target *target;                        /**< Borrowed: that of the check. */
    void (*done)(struct transfer *transfer, CURLcode result); /**< It has ended. */
    void *arg;                                                /**< The waiter's own. */
    CURL *easy; /**< Made by transfer_prepare(); its waiter sets more options, and cleans it up. */
    bool running;
    int socket_error;            /**< Why no socket could be had, an errno, or 0. */
    char error[CURL_ERROR_SIZE]; /**< What went wrong, in words. */
};

/** checker.begin() of those that transfer: a struct transfers. */
void *transfers_begin(struct health_poller *poller, uv_loop_t *loop);

/** checker.end(). */
void transfers_end(void *transfers);

/**
 * Make the easy handle of a transfer, with the options that every check has: a socket as the target
 * says, nothing from the environment, no signals, no connection kept. The transfer must stay where
 * it is.
 * @return Whether there was memory.
 */
bool transfer_prepare(struct transfer *transfer);

/** Begin. @return Whether it could; transfer->done() may only come later from the event loop. */
bool transfer_start(struct transfers *transfers, struct transfer *transfer);

/**
 * Let it look whether it can go on, though no socket has told so: what libcurl 7.88 speaks over
 * TLS, but for HTTP, may wait for its socket though OpenSSL has read the answer already.
 */
void transfer_nudge(struct transfer *transfer);

/** Stop; nothing happens if it does not run. The easy handle stays. */
void transfer_cancel(struct transfers *transfers, struct transfer *transfer);

/** End a run with what libcurl says went wrong. */
void transfer_end_check(struct check_job *job, const struct transfer *transfer, CURLcode result);

/** What a transfer waits for, for job->phase. A static string. */
const char *transfer_phase(const struct transfer *transfer);

#endif
