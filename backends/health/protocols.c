/*
 * FTP, SMTP, IMAP, POP3 and LDAP by libcurl: greeting, TLS where it is wanted, login where there is
 * a user, and one harmless command.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/pattern.h"
#include "backends/health/resend.h"
#include "backends/health/starttls.h"
#include "backends/health/transfers.h"

/* How libcurl is told. */
struct protocol {
    const char *checker; /* its name */
    const char *scheme, *tls_scheme;
    const char *stranger, *user; /* the command without and with a login; NULL: libcurl's own */
    bool no_body;
    bool searches; /* an entry must be found */
};

static const struct protocol protocols[] = {
    {"ftp", "ftp", "ftps", NULL, NULL, true, false},
    {"smtp", "smtp", "smtps", "NOOP", "NOOP", true, false},
    {"imap", "imap", "imaps", "NOOP", "NOOP", false, false},
    {"pop3", "pop3", "pop3s", "QUIT", "NOOP", true, false},
    {"ldap", "ldap", "ldaps", NULL, NULL, false, true},
};

/* So much of what a search finds is looked at. */
#define FOUND_MAX 65536

/* When a session is nudged for the first time. */
#define NUDGE_MS 10

struct session {
    struct transfer transfer;
    struct curl_slist *connect_to;
    struct check_job *job;     /* while it runs */
    bool nudged;               /* see transfer_nudge() */
    struct resend *nudge;      /* or NULL */
    struct starttls *starttls; /* of LDAP; NULL: TLS is not begun so */
    bool searches;
    struct pattern *expect;
    /* of one run that searches: */
    char *found;
    size_t size;
    bool cut; /* there is more than is looked at */
};

static void forget(struct session *session)
{
    resend_stop(session->nudge);
    free(session->found);
    session->found = NULL;
    session->size = 0;
    session->cut = false;
}

/* What is wrong with what a search has found, or NULL. */
static const char *find_fault(const struct session *session)
{
    if (!session->searches)
        return NULL;
    if (!session->size)
        return "no entry is found";
    if (!session->expect)
        return NULL;
    enum pattern_match match = pattern_match(session->expect, session->found, session->size);
    return match == PATTERN_YES        ? NULL
           : match == PATTERN_TOO_MUCH ? "the regular expression takes too long"
                                       : "what is found does not match";
}

static void ended(struct transfer *transfer, CURLcode result)
{
    struct session *session = transfer->arg;
    bool whole = result == CURLE_OK || session->cut;
    const char *fault = whole ? find_fault(session) : NULL;
    forget(session);
    if (!whole)
        transfer_end_check(session->job, transfer, result);
    else if (fault)
        check_end(session->job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
    else
        check_pass(session->job);
}

static void nudge(void *arg)
{
    struct session *session = arg;
    transfer_nudge(&session->transfer);
}

/* @param fd Connected already, or -1. */
static void begin_transfer(struct check_job *job, int fd)
{
    struct session *session = job->parameters;
    session->transfer.socket = fd;
    if (session->nudged && !session->nudge)
        session->nudge = resend_new(job->loop, nudge, session);
    if (session->nudge)
        resend_start(session->nudge, NUDGE_MS);
    if (transfer_start(job->shared, &session->transfer))
        return;
    forget(session);
    check_end(job, CHECK_UNABLE, CHECK_WEIGHT_NONE, "no memory for a transfer");
}

static void session_start(struct check_job *job)
{
    struct session *session = job->parameters;
    session->job = job;
    if (session->starttls)
        starttls_start(session->starttls, job, begin_transfer);
    else
        begin_transfer(job, -1);
}

static void session_cancel(struct check_job *job)
{
    struct session *session = job->parameters;
    if (session->starttls && starttls_cancel(session->starttls))
        return;
    job->phase = transfer_phase(&session->transfer);
    transfer_cancel(job->shared, &session->transfer);
    forget(session);
}

static void session_free(void *parameters)
{
    struct session *session = parameters;
    curl_easy_cleanup(session->transfer.easy);
    curl_slist_free_all(session->connect_to);
    resend_free(session->nudge);
    pattern_free(session->expect);
    free(session->starttls);
    free(session->found);
    free(session);
}

/* What comes is kept where it is looked at. */
static size_t take(char *data, size_t size, size_t count, void *arg)
{
    struct session *session = arg;
    size_t length = size * count;
    if (!session->searches)
        return length;
    if (!session->found && !(session->found = malloc(FOUND_MAX)))
        return 0;
    size_t taken = length < FOUND_MAX - session->size ? length : FOUND_MAX - session->size;
    memcpy(session->found + session->size, data, taken);
    session->size += taken;
    session->cut = taken < length;
    return taken == length ? length : 0; /* less ends the transfer */
}

static bool is(const struct lyd_node *config, const char *leaf, const char *wanted)
{
    const char *value = leaf_value(config, leaf);
    return value && !strcmp(value, wanted);
}

/* A text as it may stand in a URL; "" for none. @return To be freed with curl_free(), or NULL. */
static char *escape(CURL *easy, const struct lyd_node *config, const char *leaf)
{
    const char *value = leaf_value(config, leaf);
    return curl_easy_escape(easy, value ? value : "", 0);
}

/* What the URL says behind the server: of LDAP the search (RFC 4516), of SMTP who we are. */
static bool make_path(const struct session *session, const struct lyd_node *config, char **path)
{
    CURL *easy = session->transfer.easy;
    const char *scope = leaf_value(config, "scope");
    char *base = escape(easy, config, "base"), *filter = escape(easy, config, "filter");
    char *helo = escape(easy, config, "helo-name");
    bool made = base && filter && helo &&
                (scope ? asprintf(path, "%s??%s?%s", base, scope, filter)
                       : asprintf(path, "%s", helo)) >= 0;
    curl_free(base);
    curl_free(filter);
    curl_free(helo);
    return made;
}

/*
 * The name in the URL is what TLS asks for; the connection goes to the target, whatever the name.
 * Where StartTLS is done by us, the rest is as if TLS had been spoken from the first octet on.
 */
static bool set_url(struct session *session, const struct protocol *protocol,
                    const struct lyd_node *config)
{
    const union check_address *address = &session->transfer.target->address;
    const char *name = leaf_value(config, "server-name");
    bool secured = is(config, "tls", "implicit") || session->starttls;
    const char *scheme = secured ? protocol->tls_scheme : protocol->scheme;
    char *path = NULL;
    char text[INET6_ADDRSTRLEN], host[INET6_ADDRSTRLEN + 2], *url = NULL, *to = NULL;
    unsigned port = check_address_port(address);
    snprintf(host, sizeof(host), address->any.sa_family == AF_INET6 ? "[%s]" : "%s",
             check_address_text(address, text));
    bool made = make_path(session, config, &path) &&
                asprintf(&url, "%s://%s:%u/%s", scheme, name ? name : host, port, path) >= 0 &&
                asprintf(&to, "::%s:", host) >= 0;
    if (made) {
        session->connect_to = curl_slist_append(NULL, to);
        curl_easy_setopt(session->transfer.easy, CURLOPT_URL, url);
        curl_easy_setopt(session->transfer.easy, CURLOPT_CONNECT_TO, session->connect_to);
    }
    free(path);
    free(url);
    free(to);
    return made && session->connect_to;
}

static void set_options(struct session *session, const struct protocol *protocol,
                        const struct lyd_node *config)
{
    CURL *easy = session->transfer.easy;
    const char *command = leaf_value(config, "username") ? protocol->user : protocol->stranger;
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, session);
    curl_easy_setopt(easy, CURLOPT_NOBODY, (long)protocol->no_body);
    if (command)
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, command);
    if (is(config, "tls", "starttls") && !session->starttls)
        curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_ALL);
    credentials_set_tls(easy, config);
}

static enum outcome session_parse(const struct protocol *protocol, const struct lyd_node *config,
                                  struct check_target *target, void **parameters, struct error *err)
{
    struct session *session = *parameters = calloc(1, sizeof(*session));
    if (!session)
        return fail_memory(err);
    if (protocol->searches && is(config, "tls", "starttls") &&
        !(session->starttls = calloc(1, sizeof(*session->starttls))))
        return fail_memory(err);
    session->transfer = (struct transfer){.target = target, .done = ended, .arg = session};
    if (!transfer_prepare(&session->transfer) || !set_url(session, protocol, config))
        return fail_memory(err);
    set_options(session, protocol, config);
    session->searches = protocol->searches;
    session->nudged = !is(config, "tls", "none");
    enum outcome outcome = credentials_set_login(session->transfer.easy, config, err);
    return outcome == DONE ? pattern_parse(config, "expect", &session->expect, err) : outcome;
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
CHECKER(ldap);
