/*
 * Trials: what keepalived itself says of a configuration before it gets it (keepalived -t).
 */
#ifndef NORIA_VRRP_TRIAL_H
#define NORIA_VRRP_TRIAL_H

#include <stdbool.h>
#include <uv.h>

#include "agent/outcome.h"

/**
 * Try a configuration file. Core thread.
 * @param done Called later, from the loop, once: DONE; REFUSED, with what keepalived complains of;
 *        FAILED if keepalived cannot be run or does not end.
 * @param missing As the argument of done: keepalived is not installed, so nothing was tried.
 * @return false for want of memory: done() is not called.
 */
bool vrrp_trial(uv_loop_t *loop, const char *file,
                void (*done)(void *arg, enum outcome outcome, bool missing, struct error *err),
                void *arg);

#endif
