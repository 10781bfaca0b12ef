/*
 * Precedence: who reads by SNMP lets requests by NETCONF go first, as a commit among them is waited
 * for, while a walk is many thousand answers of which none is urgent.
 *
 * Nobody is held up for long: who yields waits some milliseconds at most, and then goes on for as
 * long before it waits again.
 */
#ifndef NORIA_PRECEDENCE_H
#define NORIA_PRECEDENCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

/** Who is at work, and who waits for them. */
struct precedence {
    atomic_uint first;   /**< Requests at work that go first. */
    atomic_bool waiting; /**< Somebody yields. */
    uv_mutex_t lock;
    uv_cond_t done;    /**< None is at work any more. */
    uint64_t go_until; /**< By uv_hrtime(): no waiting before. Of the one thread that yields. */
};

/** Before and after everything else. */
void precedence_init(struct precedence *precedence);
void precedence_destroy(struct precedence *precedence);

/** A request that goes first is at work until precedence_end(). Any thread. */
void precedence_begin(struct precedence *precedence);
void precedence_end(struct precedence *precedence);

/** Let requests that go first have the machine for a moment. One thread alone. */
void precedence_yield(struct precedence *precedence);

#endif
