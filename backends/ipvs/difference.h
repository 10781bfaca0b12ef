/*
 * Differences between what the kernel holds and what it should hold, in words. Pure functions; any
 * thread.
 */
#ifndef NORIA_IPVS_DIFFERENCE_H
#define NORIA_IPVS_DIFFERENCE_H

#include "backends/ipvs/reconcile.h"

/** Room for the text of a difference, with its terminating zero. */
#define IPVS_DIFFERENCE_SIZE 512

/**
 * Say what an operation would mend: what it is about, what is held and what is wanted, as "real
 * server 10.0.0.1:80 of tcp 192.0.2.1:80: weight 3 is held, 1 is wanted".
 * @return text.
 */
const char *ipvs_difference_text(const struct ipvs_operation *operation,
                                 char text[IPVS_DIFFERENCE_SIZE]);

#endif
