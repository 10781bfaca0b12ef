/*
 * Answers of DNS servers. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_DNS_ANSWER_H
#define NORIA_HEALTH_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include "backends/health/pattern.h"

/** The number of a type of records by its name ("SOA"), or 0. */
int dns_type(const char *name);

/** Records of an answer that are held against a regular expression, so that there is an end. */
#define DNS_MATCHED_MAX 32

/** What an answer is to be like; without a record and a pattern any will do, also without records.
 */
struct dns_expected {
    int type;                      /**< Of the records that were asked for. */
    const char *record;            /**< What one of them must be, or NULL. */
    const struct pattern *pattern; /**< What one of them must match, or NULL. */
};

/** Whether an answer is not whole, and is to be asked for again by TCP. */
bool dns_answer_is_truncated(const unsigned char *answer, size_t size);

/** What is wrong with an answer (RFC 1035). @return A static string, or NULL if nothing is. */
const char *dns_answer_fault(const unsigned char *answer, size_t size,
                             const struct dns_expected *expected);

#endif
