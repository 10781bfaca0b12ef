/*
 * Dialogues over TCP: something is sent, something is waited for, one step after the other. The
 * checker tcp has those of its configuration, others have their protocol's. What is said may be
 * secured by TLS from the beginning, or from a step on. Core thread.
 */
#ifndef NORIA_HEALTH_DIALOGUE_H
#define NORIA_HEALTH_DIALOGUE_H

#include "backends/health/check.h"
#include "backends/health/pattern.h"
#include "backends/health/stream.h"

/** Something to send, then something to wait for; either may be missing. */
struct dialogue_step {
    char name[32]; /**< For messages: "step 1", "the greeting". */
    unsigned char *send;
    size_t size;
    struct pattern *expect; /**< Or NULL. */
    /** The answer is one line: another one than expected fails at once, and is shown. */
    bool line;
    bool secures; /**< TLS begins after its answer. */
};

/** All steps, in their order. */
struct dialogue {
    size_t max_answer;        /**< Octets of an answer that are looked at. */
    struct tls_settings *tls; /**< Or NULL: TLS is never spoken. Owned. */
    bool tls_first;           /**< TLS begins before the first step. */
    size_t count;
    struct dialogue_step steps[];
};

/** A run of one, in job->state. */
struct dialogue_run {
    struct stream stream;
    bool connected;
    bool securing; /**< The handshake is to be done before anything else is. */
    size_t step, sent;
    char *answer; /**< What has come since the step began. */
    size_t size;
};

/** Make one with room for so many steps, none there yet. @return NULL for want of memory. */
struct dialogue *dialogue_new(size_t room, size_t max_answer);

/** Free it; NULL is legal. What it would send may be a password, and is overwritten. */
void dialogue_free(struct dialogue *dialogue);

/** checker.start(): job->parameters is a dialogue, job->state has room for a dialogue_run. */
void dialogue_start(struct check_job *job);

/** checker.cancel(). */
void dialogue_cancel(struct check_job *job);

#endif
