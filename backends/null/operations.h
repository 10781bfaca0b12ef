/*
 * The operations of the null backend: they refuse, fail or dawdle as their input says.
 */
#ifndef NORIA_NULL_OPERATIONS_H
#define NORIA_NULL_OPERATIONS_H

#include "backends/null/internal.h"

/** The operations of noria-null, for struct backend_ops. */
extern const struct backend_operation null_operations[];

/* steering.c: verdicts in place of health checks, and what they come to. */

void null_judge(struct backend *backend, struct backend_call *call);
void null_sum(struct backend *backend, struct backend_call *call);

/** End those that dawdle. Core thread. */
void null_operations_stop(struct null_backend *null);

#endif
