/*
 * TLS of checkers that speak a protocol themselves, by OpenSSL; where libcurl speaks it, TLS is
 * libcurl's, too (credentials.h). Core thread.
 *
 * Files of certificates are read for the first session, and again when they have changed.
 */
#ifndef NORIA_HEALTH_TLS_SESSION_H
#define NORIA_HEALTH_TLS_SESSION_H

#include <libyang/libyang.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/health/check.h"

/** What is configured of TLS for one check. */
struct tls_settings;

/** TLS over a connection. */
struct tls_session;

/**
 * Read the grouping tls of noria-health.yang.
 * @param target Whose address the certificate must be for if there is no name.
 * @return NULL for want of memory.
 */
struct tls_settings *tls_settings_new(const struct lyd_node *config,
                                      const struct check_target *target);

/** Free them; no session may be left. NULL is legal. */
void tls_settings_free(struct tls_settings *settings);

/**
 * Begin a session over a socket that is connected, non-blocking, and stays its owner's.
 * @param[out] error What is wrong, if NULL is returned. CHECK_ERROR_SIZE octets.
 */
struct tls_session *tls_session_new(struct tls_settings *settings, int fd,
                                    char error[CHECK_ERROR_SIZE]);

/** Free it, without a farewell. NULL is legal. */
void tls_session_free(struct tls_session *session);

/**
 * Go on with the handshake.
 * @return 0 if it is done; else -1 with errno: EAGAIN: tls_session_events() are to be waited for;
 *         EPROTO: tls_session_error() says what is wrong; others are the socket's.
 */
int tls_session_handshake(struct tls_session *session);

/** As send(2), with errno as tls_session_handshake(). */
ssize_t tls_session_send(struct tls_session *session, const void *data, size_t size);

/** As recv(2), with errno as tls_session_handshake(). What is left is to be read until EAGAIN. */
ssize_t tls_session_receive(struct tls_session *session, void *data, size_t size);

/** EPOLLIN or EPOLLOUT: what the last call waits for. */
uint32_t tls_session_events(const struct tls_session *session);

/** What was wrong, in words. Lives as long as the session. */
const char *tls_session_error(const struct tls_session *session);

#endif
