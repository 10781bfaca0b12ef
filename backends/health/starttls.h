/*
 * StartTLS of LDAP on a connection of ours (RFC 4511, 4.14), for libcurl, which cannot begin TLS
 * within a session of LDAP. Core thread.
 */
#ifndef NORIA_HEALTH_STARTTLS_H
#define NORIA_HEALTH_STARTTLS_H

#include "backends/health/check.h"
#include "backends/health/ldap_answer.h"
#include "backends/health/poller.h"

/** A connection that TLS is to begin on; a part of whoever wants it, for run after run. */
struct starttls {
    struct health_watch watch;
    void (*agreed)(struct check_job *job, int fd);
    unsigned char answer[LDAP_ANSWER_MAX];
    size_t got;
};

/**
 * Connect to the job's target, and ask for TLS. If that fails, the run is ended.
 * @param agreed The server waits for the handshake. Takes the descriptor.
 */
void starttls_start(struct starttls *starttls, struct check_job *job,
                    void (*agreed)(struct check_job *job, int fd));

/** Give it up. @return Whether it was on its way: from start to agreed() or the run's end. */
bool starttls_cancel(struct starttls *starttls);

#endif
