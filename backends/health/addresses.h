/*
 * Which addresses this node holds: what the kernel says by rtnetlink(7), of our own network
 * namespace. Whoever gives or takes one (VRRP, this agent, an operator) is all the same. Core
 * thread.
 */
#ifndef NORIA_HEALTH_ADDRESSES_H
#define NORIA_HEALTH_ADDRESSES_H

#include <stdbool.h>
#include <uv.h>

#include "backends/health/check.h"

struct address_watch;

/** One address, or all from the first to the last, which is of the same family. */
struct address_range {
    union check_address first, last;
};

/**
 * Begin to watch; what is held is known at once.
 * @param changed An address has come or gone.
 * @return NULL with errno set.
 */
struct address_watch *address_watch_new(uv_loop_t *loop, void (*changed)(void *arg), void *arg);

/** End; what is freed is freed while the loop runs out. NULL is legal. */
void address_watch_free(struct address_watch *watch);

/** Whether one of the addresses of a range is held. */
bool address_watch_has(const struct address_watch *watch, const struct address_range *range);

/** The range of the addresses with a prefix. @param length In bits. */
struct address_range address_range_of_prefix(const union check_address *address, unsigned length);

#endif
