/*
 * FTP, SMTP, IMAP and POP3 by libcurl: greeting, TLS where it is wanted, login where there is
 * a user, and one harmless command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/resend.h"
#include "backends/health/transfers.h"

/* How libcurl is told. */
struct protocol {
    const char *checker; /* its name */
    const char *scheme, *tls_scheme;
    const char *stranger, *user; /* the command without and with a login; NULL: libcurl's own */
    bool no_body;
};

static const struct protocol protocols[] = {
    {"ftp", "ftp", "ftps", NULL, NULL, true},
    {"smtp", "smtp", "smtps", "NOOP", "NOOP", true},
    {"imap", "imap", "imaps", "NOOP", "NOOP", false},
    {"pop3", "pop3", "pop3s", "QUIT", "NOOP", true},
};

/* When a session is nudged for the first time. */
#define NUDGE_MS 10

struct session {
    struct transfer transfer;
    struct curl_slist *connect_to;
    struct check_job *job; /* while it runs */
    bool nudged;           /* see transfer_nudge() */
    struct resend *nudge;  /* or NULL */
};

static void ended(struct transfer *transfer, CURLcode result)
{
    struct session *session = transfer->arg;
    resend_stop(session->nudge);
    if (result == CURLE_OK)
        check_pass(session->job);
    else
        transfer_end_check(session->job, transfer, result);
}

static void nudge(void *arg)
{
    struct session *session = arg;
    transfer_nudge(&session->transfer);
}

static void session_start(struct check_job *job)
{
    struct session *session = job->parameters;
    session->job = job;
    if (session->nudged && !session->nudge)
        session->nudge = resend_new(job->loop, nudge, session);
    if (session->nudge)
        resend_start(session->nudge, NUDGE_MS);
    if (transfer_start(job->shared, &session->transfer))
        return;
    resend_stop(session->nudge);
    check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for a transfer");
}

static void session_cancel(struct check_job *job)
{
    struct session *session = job->parameters;
    job->phase = transfer_phase(&session->transfer);
    transfer_cancel(job->shared, &session->transfer);
    resend_stop(session->nudge);
}

static void session_free(void *parameters)
{
    struct session *session = parameters;
    curl_easy_cleanup(session->transfer.easy);
    curl_slist_free_all(session->connect_to);
    resend_free(session->nudge);
    free(session);
}

/* What comes is not looked at. */
static size_t pass_over(char *data, size_t size, size_t count, void *arg)
{
    return size * count;
}

static bool is(const struct lyd_node *config, const char *leaf, const char *wanted)
{
    const char *value = leaf_value(config, leaf);
    return value && !strcmp(value, wanted);
}

/* The name in the URL is what TLS asks for; the connection goes to the target, whatever the name.
 */
static bool set_url(struct session *session, const struct protocol *protocol,
                    const struct lyd_node *config)
{
    const union check_address *address = &session->transfer.target->address;
    const char *name = leaf_value(config, "server-name");
    const char *scheme = is(config, "tls", "implicit") ? protocol->tls_scheme : protocol->scheme;
    const char *helo = leaf_value(config, "helo-name");
    char *path = curl_easy_escape(session->transfer.easy, helo ? helo : "", 0);
    char text[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN + 2], *url = NULL, *to = NULL;
    unsigned port = check_address_port(address);
    snprintf(host, sizeof(host), address->any.sa_family == AF_INET6 ? "[%s]" : "%s",
             check_address_text(address, text));
    bool made = path &&
                asprintf(&url, "%s://%s:%u/%s", scheme, name ? name : host, port, path) >= 0 &&
                asprintf(&to, "::%s:", host) >= 0;
    if (made) {
        session->connect_to = curl_slist_append(NULL, to);
        curl_easy_setopt(session->transfer.easy, CURLOPT_URL, url);
        curl_easy_setopt(session->transfer.easy, CURLOPT_CONNECT_TO, session->connect_to);
    }
    curl_free(path);
    free(url);
    free(to);
    return made && session->connect_to;
}

static void set_options(struct session *session, const struct protocol *protocol,
                        const struct lyd_node *config)
{
    CURL *easy = session->transfer.easy;
    const char *command = leaf_value(config, "username") ? protocol->user : protocol->stranger;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, pass_over);
    curl_easy_setopt(easy, CURLOPT_NOBODY, (long)protocol->no_body);
    if (command)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, command);
    if (is(config, "tls", "starttls"))
        curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    credentials_set_tls(easy, config);
}

static enum outcome session_parse(const struct protocol *protocol, const struct lyd_node *config,
                                  struct check_target *target, void **parameters, struct error *err)
{
    struct session *session = *parameters = calloc(1, sizeof(*session));
    if (!session)
        return fail_memory(err);
    session->transfer = (struct transfer){.target = target, .done = ended, .arg = session};
    if (!transfer_prepare(&session->transfer) || !set_url(session, protocol, config))
        return fail_memory(err);
    set_options(session, protocol, config);
    session->nudged = !is(config, "tls", "none");
    return credentials_set_login(session->transfer.easy, config, err);
}

static enum outcome parse(const struct lyd_node *config, struct check_target *target,
                          void **parameters, struct error *err)
{
    for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
        if (!strcmp(config->schema->name, protocols[i].checker))
            return session_parse(&protocols[i], config, target, parameters, err);
    return fail(err, TAG_OPERATION_FAILED, NULL, "There is no protocol %s.", config->schema->name);
}

#define CHECKER(protocol)                                                                          \
    const struct checker protocol##_checker = {                                                    \
        .name = #protocol,                                                                         \
        .begin = transfers_begin,                                                                  \
        .end = transfers_end,                                                                      \
        .parse = parse,                                                                            \
        .free_parameters = session_free,                                                           \
        .start = session_start,                                                                    \
        .cancel = session_cancel,                                                                  \
    }

CHECKER(ftp);
CHECKER(smtp);
CHECKER(imap);
CHECKER(pop3);
