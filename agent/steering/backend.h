/*
 * Steering as operators see it: orders by the actions of noria-operations, and orders as state. It
 * knows no engine; the one at work does what the orders say.
 */
#ifndef NORIA_STEERING_BACKEND_H
#define NORIA_STEERING_BACKEND_H

#include "backends/backend.h"

/** Follows virtual servers. */
extern const struct backend_ops steering_backend;

#endif
