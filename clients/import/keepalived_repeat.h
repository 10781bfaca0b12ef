/*
 * Lines that keepalived.conf(5) repeats: "~SEQ(NAME, FIRST, STEP, LAST) line", and
 * "~LST({A, B}, {1, 2}, {3, 4}) line".
 */
#ifndef NORIA_IMPORT_KEEPALIVED_REPEAT_H
#define NORIA_IMPORT_KEEPALIVED_REPEAT_H

#include <stdbool.h>
#include <stddef.h>

/** Names that one repetition can define at most, and repetitions of one line. */
enum { REPEAT_NAMES_MAX = 16, REPEAT_MAX = 100000 };

/** What a line is repeated with. */
struct repeat {
    char *names[REPEAT_NAMES_MAX]; /**< Owned. */
    size_t name_count;
    char **values; /**< Of the first round, then of the second one. Owned. */
    size_t count;  /**< Rounds. */
    size_t room;
    const char *rest; /**< What is repeated; in the line. */
};

/**
 * Read what a line that begins with '~' is repeated with.
 * @param[out] repeat To be freed with repeat_clear(), whatever is returned.
 * @return Whether it is understood.
 */
bool repeat_read(const char *line, struct repeat *repeat);

/** Free what it owns. */
void repeat_clear(struct repeat *repeat);

#endif
