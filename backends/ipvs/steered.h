/*
 * What steering (agent/steering) makes of the desired table: real servers that are down or disabled
 * are left out, weights are replaced, real servers that leave stay as long as they are held, and
 * sorry servers take over where the quorum is lost. And the pass that brings a change of steering
 * into the kernel.
 *
 * Core thread.
 */
#ifndef NORIA_IPVS_STEERED_H
#define NORIA_IPVS_STEERED_H

#include "backends/ipvs/service.h"

struct agent;
struct entry;
struct ipvs_directors;
struct ipvs_steered;

/**
 * Apply steering to what is desired.
 * @param desired As ipvs_desired() makes it; changed in place.
 * @param held What the kernel has of it; its destinations get sorted.
 * @return Whether there was memory.
 */
bool ipvs_steer(struct agent *agent, struct ipvs_table *desired, struct ipvs_table *held);

/** The entry of a virtual server in what the kernel is to hold, or NULL. Borrowed. */
const struct entry *ipvs_steered_entry(const struct ipvs_directors *directors, const char *name);

/**
 * Follow steering: from now on each change of it is reconciled, the virtual servers that it
 * concerns alone; very many are shared out among turns of the loop. A pass that changes anything on
 * a director raises its engine->generation, so that a plan that was made before is made anew.
 * @return To be ended with ipvs_steered_end(); NULL for want of memory.
 */
struct ipvs_steered *ipvs_steered_begin(struct ipvs_directors *directors);

/** Follow no more; NULL is legal. */
void ipvs_steered_end(struct ipvs_steered *steered);

/**
 * Make the kernel hold what running and steering say of some virtual servers.
 * @param names Those that are not configured, or not enabled, are passed over.
 * @return How many operations failed, each logged; or -1 if the kernel of any of their directors
 *         could not be read.
 */
int ipvs_steered_pass(struct ipvs_directors *directors, const char *const *names, size_t count);

#endif
