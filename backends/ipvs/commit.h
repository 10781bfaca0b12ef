/*
 * Transactions: the steps of struct backend_ops (backends/backend.h) for directors and their
 * virtual servers. Core thread.
 */
#ifndef NORIA_IPVS_COMMIT_H
#define NORIA_IPVS_COMMIT_H

#include "backends/backend.h"

/**
 * Plan a change; refuses what the kernel could not do, and directors that there are not. The
 * virtual servers of a director whose namespace is not there are taken as they are: they are made
 * when it comes.
 */
void ipvs_prepare(struct backend *backend, struct backend_step *step);

/** Carry a plan out. */
void ipvs_apply(struct backend *backend, struct backend_step *step);

/** Take back what was carried out. */
void ipvs_revert(struct backend *backend, struct backend_step *step);

/** Free a plan, and end the directors that are out of use now. */
void ipvs_release(struct backend *backend, void *plan);

#endif
