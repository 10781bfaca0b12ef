/*
 * The health checks of real servers, as a backend: it follows virtual servers. Core thread.
 */
#ifndef NORIA_HEALTH_BACKEND_H
#define NORIA_HEALTH_BACKEND_H

#include "backends/backend.h"

extern const struct backend_ops health_backend;

#endif
