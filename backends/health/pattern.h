/*
 * Patterns: what an answer is to look like. Perl-compatible regular expressions (pcre2pattern(3)),
 * whose work is limited, so that an expression that explodes fails instead of blocking the agent.
 */
#ifndef NORIA_HEALTH_PATTERN_H
#define NORIA_HEALTH_PATTERN_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/outcome.h"

struct pattern;

/** What a pattern makes of a text. */
enum pattern_match {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_TOO_MUCH, /**< It would take too much work to tell. */
};

/** Compile. @return NULL with a message for the asker in error. */
struct pattern *pattern_new(const char *text, char *error, size_t size);

/**
 * Compile a leaf of a check's configuration.
 * @param[out] pattern NULL if the leaf is not there.
 */
enum outcome pattern_parse(const struct lyd_node *config, const char *leaf,
                           struct pattern **pattern, struct error *err);

/** Free; NULL is legal. */
void pattern_free(struct pattern *pattern);

/** Hold it against octets, which may be binary. */
enum pattern_match pattern_match(const struct pattern *pattern, const char *data, size_t size);

/** The same, but the match must begin from an offset on, and up to another one. */
enum pattern_match pattern_match_within(const struct pattern *pattern, const char *data,
                                        size_t size, size_t from, size_t to);

#endif
