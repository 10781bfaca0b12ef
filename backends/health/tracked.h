/*
 * What is tracked on this node: numbers in files, processes. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_TRACKED_H
#define NORIA_HEALTH_TRACKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Weights go up to this. */
#define TRACKED_MAX 65535

/** Read a whole number in a text; blanks around it are passed over, and nothing stands for 0. */
bool tracked_number(const char *text, size_t size, int64_t *number);

/** A number times a weight, kept between -TRACKED_MAX and TRACKED_MAX. */
int32_t tracked_product(int64_t number, int32_t weight, bool reverse);

/** How parameters are compared. */
enum tracked_match {
    TRACKED_PARTIAL, /**< More may follow. */
    TRACKED_INITIAL, /**< The last one may go on. */
    TRACKED_EXACT,
};

/** What a process is to be like. */
struct tracked_process {
    char *command; /**< With a '/': the path that it was started by; else its name. */
    size_t count;
    char **parameters;
    enum tracked_match match;
};

/**
 * Whether a process is like that.
 * @param name Its name, as /proc/PID/comm has it: 15 octets at most.
 * @param line Its words, each ended by a zero, as /proc/PID/cmdline has them.
 */
bool tracked_process_is(const struct tracked_process *wanted, const char *name, const char *line,
                        size_t size);

#endif
