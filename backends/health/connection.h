/*
 * Connections that are made thousands of times a second: those of plain TCP and HTTP checks.
 *
 * A socket is used again and again: connect(2) to no address (AF_UNSPEC) resets its connection and
 * makes it as good as new, and it stays in the poller, which tells of changes alone (EPOLLET). So a
 * connection costs two system calls and a share of the others; making, watching and closing a
 * socket for each would cost five. Core thread.
 */
#ifndef NORIA_HEALTH_CONNECTION_H
#define NORIA_HEALTH_CONNECTION_H

#include "backends/health/check.h"

struct connections;

/** Called when a connection is there, and whenever something has changed. @param events EPOLLIN...
 */
typedef void connection_ready(struct check_job *job, uint32_t events);

/** Begin: the sockets that wait to be used again. @return NULL for want of memory. */
struct connections *connections_new(struct health_poller *poller);

/** End; none may be open. NULL is legal. */
void connections_free(struct connections *connections);

/**
 * Connect to the job's target. The job's state begins with a pointer, which is the connection's. If
 * there cannot be one, the run is ended, at once or later, without a call of ready.
 */
void connection_open(struct connections *connections, struct check_job *job,
                     connection_ready *ready);

/** The socket, to be read and written until EAGAIN. */
int connection_socket(const struct check_job *job);

/** Have ready called once more, though nothing changes. @return 0 or an errno. */
int connection_again(const struct check_job *job);

/** Reset it; whether its run ends, is cancelled, or opens another one. */
void connection_end(struct check_job *job);

#endif
