/*
 * Drains at work: while any real server drains, its connections are counted once a second, and the
 * drain is ended when there are none, or its time is over.
 *
 * One reading of the kernel for all of them, on a helper thread; none while nothing drains. The
 * rest belongs to the core thread.
 */
#ifndef NORIA_IPVS_DRAINS_H
#define NORIA_IPVS_DRAINS_H

#include "backends/ipvs/directors.h"

struct ipvs_drains;

/**
 * Begin: with the drains that were under way when the agent ended, and those that are ordered from
 * now on.
 * @return To be ended with ipvs_drains_end(); NULL for want of memory.
 */
struct ipvs_drains *ipvs_drains_begin(struct ipvs_directors *directors);

/** End; drains go on when the agent starts again. NULL is legal. */
void ipvs_drains_end(struct ipvs_drains *drains);

#endif
