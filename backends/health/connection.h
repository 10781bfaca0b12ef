/*
 * Connections that are only opened: the plain TCP check, of which there are thousands a second.
 *
 * A socket is used again and again: connect(2) to no address (AF_UNSPEC) resets its connection and
 * makes it as good as new, and it stays in the poller. So a check costs two system calls and a
 * share of the others; making, watching and closing a socket for each would cost five.
 */
#ifndef NORIA_HEALTH_CONNECTION_H
#define NORIA_HEALTH_CONNECTION_H

#include "backends/health/check.h"

/** checker.begin(): the sockets that wait to be used again. */
void *connections_begin(struct health_poller *poller, uv_loop_t *loop);

/** checker.end(). */
void connections_end(void *connections);

/** checker.start(); the job's state has room for a pointer. */
void connection_start(struct check_job *job);

/** checker.cancel(). */
void connection_cancel(struct check_job *job);

#endif
