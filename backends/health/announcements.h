/*
 * Announcements: changed verdicts and quorums wait here to be told (log, alarm, event, command)
 * until the kernel has been told.
 *
 * Where thousands of real servers fail at once, telling of one takes longer than deciding on it. So
 * the turn of the loop in which they are noted is left to those who steer, and then they are told
 * in slices with pauses, in their order: clients are answered meanwhile, and whoever listens to
 * events can keep up. Core thread.
 */
#ifndef NORIA_HEALTH_ANNOUNCEMENTS_H
#define NORIA_HEALTH_ANNOUNCEMENTS_H

#include "backends/health/service.h"

struct announcements;

/** Begin. @return NULL for want of memory. */
struct announcements *announcements_new(uv_loop_t *loop);

/** End; what still waits is told. What is freed is freed while the loop runs out. NULL is legal. */
void announcements_free(struct announcements *announcements);

/** Tell of the verdict on a real server as it is now, soon. */
void announce_server(const struct health_server *server, const struct health_occasion *occasion);

/** Tell of the quorum as it is now, soon. */
void announce_quorum(struct health_service *service);

/** Tell now what waits of a service, which may be freed afterwards. */
void announce_now(struct health_service *service);

#endif
