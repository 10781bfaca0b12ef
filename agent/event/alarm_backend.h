/*
 * The alarms' place among the backends: their configuration, their state and their operations.
 */
#ifndef NORIA_EVENT_ALARM_BACKEND_H
#define NORIA_EVENT_ALARM_BACKEND_H

#include "backends/backend.h"

/** Claims /ietf-alarms:alarms (RFC 8632). */
extern const struct backend_ops alarm_backend;

#endif
