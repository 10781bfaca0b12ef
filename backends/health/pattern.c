#include "backends/health/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "agent/datastore/entry.h"
#include "backends/health/check.h"

/* About 10 ms at most. The heap is counted in KiB. */
#define MATCH_LIMIT 200000
#define HEAP_LIMIT 1024

struct pattern {
    pcre2_code *code;
    pcre2_match_data *match;
    pcre2_match_context *limits;
};

struct pattern *pattern_new(const char *text, char *error, size_t size)
{
    int number;
    PCRE2_SIZE offset;
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    snprintf(error, size, "There is not enough memory.");
    if (!pattern)
        return NULL;
    pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                  PCRE2_DOTALL | PCRE2_USE_OFFSET_LIMIT, &number, &offset, NULL);
    if (!pattern->code) {
        unsigned char reason[120];
        pcre2_get_error_message(number, reason, sizeof(reason));
        snprintf(error, size, "The regular expression is wrong at offset %zu: %s.", offset, reason);
        pattern_free(pattern);
        return NULL;
    }
    pattern->match = pcre2_match_data_create(1, NULL);
    pattern->limits = pcre2_match_context_create(NULL);
    if (!pattern->match || !pattern->limits) {
        pattern_free(pattern);
        return NULL;
    }
    pcre2_set_match_limit(pattern->limits, MATCH_LIMIT);
    pcre2_set_heap_limit(pattern->limits, HEAP_LIMIT);
    pcre2_jit_compile(pattern->code, PCRE2_JIT_COMPLETE); /* without it, it is slower */
    return pattern;
}

enum outcome pattern_parse(const struct lyd_node *config, const char *leaf,
                           struct pattern **pattern, struct error *err)
{
    char error[200];
    const char *text = leaf_value(config, leaf);
    *pattern = text ? pattern_new(text, error, sizeof(error)) : NULL;
    return !text || *pattern ? DONE : check_refuse(config, leaf, err, "%s", error);
}

void pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_match_context_free(pattern->limits);
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
    free(pattern);
}

enum pattern_match pattern_match_within(const struct pattern *pattern, const char *data,
                                        size_t size, size_t from, size_t to)
{
    if (from > size || from > to)
        return PATTERN_NO;
    pcre2_set_offset_limit(pattern->limits, to < size ? to : PCRE2_UNSET);
    int result = pcre2_match(pattern->code, (PCRE2_SPTR)(size ? data : ""), size, from, 0,
                             pattern->match, pattern->limits);
    return result >= 0                     ? PATTERN_YES
           : result == PCRE2_ERROR_NOMATCH ? PATTERN_NO
                                           : PATTERN_TOO_MUCH;
}

enum pattern_match pattern_match(const struct pattern *pattern, const char *data, size_t size)
{
    return pattern_match_within(pattern, data, size, 0, SIZE_MAX);
}
