/*
 * The checkers, each in a file of its own (check.h says what they do).
 */
#ifndef NORIA_HEALTH_CHECKERS_H
#define NORIA_HEALTH_CHECKERS_H

#include "backends/health/check.h"

extern const struct checker tcp_checker; /**< tcp.c */

#endif
