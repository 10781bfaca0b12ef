/*
 * What operators do with alarms (RFC 8632, 4.4 and 4.6). All run on the core thread.
 */
#ifndef NORIA_EVENT_ALARM_OPERATIONS_H
#define NORIA_EVENT_ALARM_OPERATIONS_H

#include "backends/backend.h"

/** set-operator-state: acknowledge or close an alarm. */
void alarm_set_operator_state(struct backend *backend, struct backend_call *call);

/** purge-alarms: remove alarms from the list by a filter. */
void alarm_purge(struct backend *backend, struct backend_call *call);

/** compress-alarms: forget the history of alarms. */
void alarm_compress(struct backend *backend, struct backend_call *call);

#endif
