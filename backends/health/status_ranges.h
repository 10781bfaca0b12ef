/*
 * Status codes that are as expected, as HTTP and SIP have them. Core thread.
 */
#ifndef NORIA_HEALTH_STATUS_RANGES_H
#define NORIA_HEALTH_STATUS_RANGES_H

#include <libyang/libyang.h>
#include <stdbool.h>
#include <stddef.h>

/** Ranges of codes; zeroed, it holds 200 to 299. */
struct status_ranges {
    struct status_range {
        unsigned from, to;
    } * ranges; /**< Owned. */
    size_t count;
};

/** Read the leaf-list 'status-code' of a node, which may be NULL. @return Whether there was memory.
 */
bool status_ranges_read(struct status_ranges *ranges, const struct lyd_node *config);

/** Whether a code is in one of them. */
bool status_ranges_hold(const struct status_ranges *ranges, unsigned long status);

/** Free what they own. */
void status_ranges_free(struct status_ranges *ranges);

#endif
