/*
 * A TCP connection of a run, which may be secured by TLS. Core thread.
 *
 * What fails on it ends the run: it is cancelled by its checker's cancel(), which closes all, and
 * then ended with what went wrong. After a function has said so, the job is not to be touched.
 *
 * It is closed by a reset, so that none of ours stays behind in TIME_WAIT: at thousands of checks a
 * second they would use the ports up.
 */
#ifndef NORIA_HEALTH_STREAM_H
#define NORIA_HEALTH_STREAM_H

#include "backends/health/check.h"
#include "backends/health/poller.h"
#include "backends/health/tls_session.h"

/** A connection; a part of a run's state. */
struct stream {
    struct health_watch watch; /**< First. */
    struct tls_session *tls;   /**< NULL while nothing is secured. */
    void (*ready)(struct check_job *job);
};

/**
 * Connect to the job's target.
 * @param ready Called when it is connected, and whenever it can go on. Not if the run has ended.
 */
void stream_open(struct stream *stream, struct check_job *job,
                 void (*ready)(struct check_job *job));

/** Close it; nothing happens if it is not open. */
void stream_close(struct stream *stream, struct check_job *job);

/** Begin TLS, or go on with its handshake. @return Whether it is done; if not, the run waits or has
 * ended. */
bool stream_secure(struct stream *stream, struct check_job *job, struct tls_settings *settings);

/**
 * Send what is left of some octets.
 * @param sent How many are sent already.
 * @return Whether all are; if not, the run waits or has ended.
 */
bool stream_send(struct stream *stream, struct check_job *job, const void *data, size_t size,
                 size_t *sent);

/** As recv(2); 0 if the peer has closed it. @return -1: the run waits or has ended. */
ssize_t stream_receive(struct stream *stream, struct check_job *job, void *data, size_t size);

#endif
