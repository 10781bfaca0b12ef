/*
 * Answers of DNS servers. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_DNS_ANSWER_H
#define NORIA_HEALTH_DNS_ANSWER_H

#include <stddef.h>

/** The number of a type of records by its name ("SOA"), or 0. */
int dns_type(const char *name);

/**
 * What is wrong with an answer (RFC 1035).
 * @param type Of the records that were asked for.
 * @param expect What one of them must be, or NULL: anything, also none.
 * @return A static string, or NULL if nothing is.
 */
const char *dns_answer_fault(const unsigned char *answer, size_t size, int type,
                             const char *expect);

#endif
