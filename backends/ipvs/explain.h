/*
 * The kernel's errors in words: what it did not do, why, and what can be done about it.
 * Any thread.
 */
#ifndef NORIA_IPVS_EXPLAIN_H
#define NORIA_IPVS_EXPLAIN_H

#include "agent/outcome.h"
#include "backends/ipvs/reconcile.h"

/**
 * Turn the error of an operation into the outcome of a step.
 * @param operation What failed; its nodes give the path.
 * @param error The errno that the kernel gave.
 * @param more What to add to the message, beginning with a space, or "".
 * @return FAILED.
 */
enum outcome ipvs_explain(const struct ipvs_operation *operation, int error, const char *more,
                          struct error *err);

/** Why the kernel does not let us use IPVS at all, and what to do. A static string. */
const char *ipvs_explain_down(int error);

/** Write an operation, "add 10.0.0.1:80 to tcp 10.1.0.1:80". @return text. */
const char *ipvs_operation_text(const struct ipvs_operation *operation,
                                char text[3 * IPVS_TEXT_SIZE]);

#endif
