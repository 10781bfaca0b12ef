#include "backends/health/tls_session.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>

#include "agent/datastore/entry.h"

enum { AUTHORITIES, CERTIFICATE, KEY, FILES };

struct tls_settings {
    bool verify;
    bool named; /* by a name, not by its address */
    char *name;
    char *files[FILES]; /* or NULL */
    SSL_CTX *context;   /* NULL: the files are to be read */
    struct stat read[FILES];
};

struct tls_session {
    SSL *ssl;
    const struct tls_settings *settings;
    uint32_t events;
    char error[CHECK_ERROR_SIZE];
};

/* Settings. */

struct tls_settings *tls_settings_new(const struct lyd_node *config,
                                      const struct check_target *target)
{
    static const char *const leaves[FILES] = {"ca-file", "certificate-file", "key-file"};
    char address[INET6_ADDRSTRLEN];
    const char *verify = leaf_value(config, "verify"), *name = leaf_value(config, "server-name");
    struct tls_settings *settings = calloc(1, sizeof(*settings));
    if (!settings)
        return NULL;
    settings->verify = verify && !strcmp(verify, "true");
    settings->named = name;
    settings->name = strdup(name ? name : check_address_text(&target->address, address));
    bool copied = settings->name;
    for (size_t i = 0; i < FILES; i++) {
        const char *path = leaf_value(config, leaves[i]);
        /* As libcurl has it, the key may be in the certificate's file. */
        if (!path && i == KEY)
            path = settings->files[CERTIFICATE];
        copied = copied && (!path || (settings->files[i] = strdup(path)));
    }
    if (copied)
        return settings;
    tls_settings_free(settings);
    return NULL;
}

void tls_settings_free(struct tls_settings *settings)
{
    if (!settings)
        return;
    SSL_CTX_free(settings->context);
    for (size_t i = 0; i < FILES; i++)
        free(settings->files[i]);
    free(settings->name);
    free(settings);
}

/* A key that needs a password is not asked for one. */
static int no_password(char *buffer, int size, int writing, void *arg)
{
    return -1;
}

static const char *first_reason(void)
{
    unsigned long code = ERR_get_error();
    if (ERR_SYSTEM_ERROR(code))
        return strerror(ERR_GET_REASON(code));
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    return reason ? reason : "it is not known why";
}

static bool load(const struct tls_settings *settings, SSL_CTX *context, char *error)
{
    const char *file = NULL, *const *files = (const char *const *)settings->files;
    if (settings->verify && files[AUTHORITIES] &&
        !SSL_CTX_load_verify_locations(context, files[AUTHORITIES], NULL))
        file = files[AUTHORITIES];
    else if (settings->verify && !files[AUTHORITIES] && !SSL_CTX_set_default_verify_paths(context))
        file = "the system's authorities";
    else if (files[CERTIFICATE] &&
             SSL_CTX_use_certificate_chain_file(context, files[CERTIFICATE]) != 1)
        file = files[CERTIFICATE];
    else if (files[CERTIFICATE] &&
             SSL_CTX_use_PrivateKey_file(context, files[KEY], SSL_FILETYPE_PEM) != 1)
        file = files[KEY];
    if (file)
        snprintf(error, CHECK_ERROR_SIZE, "%s: %s", file, first_reason());
    return !file;
}

static SSL_CTX *make_context(const struct tls_settings *settings, char *error)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context) {
        snprintf(error, CHECK_ERROR_SIZE, "%s", first_reason());
        return NULL;
    }
    SSL_CTX_set_default_passwd_cb(context, no_password);
    SSL_CTX_set_verify(context, settings->verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    if (load(settings, context, error))
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* The context, made anew if a file has changed. One that could not be made is tried again. */
static SSL_CTX *context_of(struct tls_settings *settings, char *error)
{
    bool fresh = settings->context;
    for (size_t i = 0; i < FILES; i++) {
        struct stat now = {0};
        if (settings->files[i] && stat(settings->files[i], &now))
            now = (struct stat){0};
        fresh = fresh && is_same(&now, &settings->read[i]);
        settings->read[i] = now;
    }
    if (fresh)
        return settings->context;
    SSL_CTX_free(settings->context);
    settings->context = make_context(settings, error);
    return settings->context;
}

/* Sessions. */

/* Whom the certificate must be for, and who is asked for (SNI). */
static bool set_name(SSL *ssl, const struct tls_settings *settings)
{
    X509_VERIFY_PARAM *parameters = SSL_get0_param(ssl);
    if (!settings->named)
        return X509_VERIFY_PARAM_set1_ip_asc(parameters, settings->name);
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, settings->name) && SSL_set_tlsext_host_name(ssl, settings->name);
}

struct tls_session *tls_session_new(struct tls_settings *settings, int fd,
                                    char error[CHECK_ERROR_SIZE])
{
    ERR_clear_error();
    SSL_CTX *context = context_of(settings, error);
    if (!context)
        return NULL;
    struct tls_session *session = calloc(1, sizeof(*session));
    if (session)
        session->ssl = SSL_new(context);
    if (session && session->ssl && set_name(session->ssl, settings) &&
        SSL_set_fd(session->ssl, fd)) {
        session->settings = settings;
        SSL_set_connect_state(session->ssl);
        return session;
    }
    snprintf(error, CHECK_ERROR_SIZE, "%s",
             session ? first_reason() : "there is not enough memory");
    tls_session_free(session);
    return NULL;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

static void describe(struct tls_session *session)
{
    long verdict = SSL_get_verify_result(session->ssl);
    if (session->settings->verify &&
        (verdict == X509_V_ERR_HOSTNAME_MISMATCH || verdict == X509_V_ERR_IP_ADDRESS_MISMATCH))
        snprintf(session->error, sizeof(session->error), "the certificate is not for %s",
                 session->settings->name);
    else if (session->settings->verify && verdict != X509_V_OK)
        snprintf(session->error, sizeof(session->error), "the certificate is refused: %s",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(session->error, sizeof(session->error), "%s", first_reason());
}

/* What a call has come to. @param result What it gave. @return It, 0 if the peer has closed, or -1
 * with errno. */
static int settle(struct tls_session *session, int result)
{
    int error = errno;
    if (result > 0)
        return result;
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
        session->events = EPOLLIN;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_WANT_WRITE:
        session->events = EPOLLOUT;
        errno = EAGAIN;
        return -1;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        errno = error ? error : ECONNRESET;
        return -1;
    default:
        describe(session);
        errno = EPROTO;
        return -1;
    }
}

int tls_session_handshake(struct tls_session *session)
{
    ERR_clear_error();
    errno = 0;
    int result = settle(session, SSL_do_handshake(session->ssl));
    if (result)
        return result > 0 ? 0 : -1;
    snprintf(session->error, sizeof(session->error), "the connection was closed in the handshake");
    errno = EPROTO;
    return -1;
}

ssize_t tls_session_send(struct tls_session *session, const void *data, size_t size)
{
    ERR_clear_error();
    errno = 0;
    int result = settle(session, SSL_write(session->ssl, data, (int)size));
    if (!result) {
        errno = EPIPE;
        return -1;
    }
    return result;
}

ssize_t tls_session_receive(struct tls_session *session, void *data, size_t size)
{
    ERR_clear_error();
    errno = 0;
    return settle(session, SSL_read(session->ssl, data, (int)size));
}

uint32_t tls_session_events(const struct tls_session *session)
{
    return session->events;
}

const char *tls_session_error(const struct tls_session *session)
{
    return session->error;
}
