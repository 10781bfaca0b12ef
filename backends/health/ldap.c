/*
 * LDAP: StartTLS where it is wanted, a login, which may be nobody's, and a search. It is not
 * libcurl's: that closes a socket which libldap has closed already, and which may be another
 * thread's by then.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/ldap_message.h"
#include "backends/health/ldap_request.h"
#include "backends/health/pattern.h"
#include "backends/health/stream.h"

/* So much of what a search finds is looked at. */
#define FOUND_MAX 65536

/* So much is read in a run, that a server that never ends does not keep the thread. */
#define TOTAL_MAX (2 * LDAP_MESSAGE_MAX)

/* Room for answers at first. */
#define ANSWER_ROOM 4096

/* What is being done; those that ask are the numbers of their messages. */
enum stage { CONNECT, STARTTLS, LOGIN, SEARCH, SECURE };

struct ldap {
    struct tls_settings *tls; /* NULL: none is spoken */
    bool starttls;            /* it is begun by StartTLS, not with the first octet */
    unsigned char *requests[SECURE];
    size_t sizes[SECURE];
    struct pattern *expect;
};

struct ldap_run {
    struct stream stream;
    enum stage stage;
    size_t sent;
    unsigned char *answer; /* what has come, from the octet "taken" on not looked at yet */
    size_t room, got, taken;
    size_t total;
    size_t entries;
    char *found;
    size_t found_size;
};

static void close_run(struct check_job *job)
{
    struct ldap_run *run = job->state;
    stream_close(&run->stream, job);
    free(run->answer);
    free(run->found);
    run->answer = NULL;
    run->found = NULL;
}

static void end_failed(struct check_job *job, const char *what)
{
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", what);
}

/* @param what Was asked for. */
static void end_refused(struct check_job *job, const char *what, const struct ldap_result *result)
{
    const char *name = ldap_result_name(result->code);
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s: result %u%s%s%s%s%s", what, result->code,
              name ? " (" : "", name ? name : "", name ? ")" : "", *result->text ? ": " : "",
              result->text);
}

/* The search has come to its end, or to as much as is looked at. */
static void end_found(struct check_job *job)
{
    const struct ldap *ldap = job->parameters;
    const struct ldap_run *run = job->state;
    const char *fault = NULL;
    if (!run->entries) {
        fault = "no entry is found";
    } else if (ldap->expect) {
        enum pattern_match match = pattern_match(ldap->expect, run->found, run->found_size);
        if (match != PATTERN_YES)
            fault = match == PATTERN_NO ? "what is found does not match"
                                        : "the regular expression takes too long";
    }
    close_run(job);
    if (fault)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
    else
        check_pass(job);
}

/* Each takes a message. @return Whether the run goes on; if not, it has ended. */

static bool take_starttls(struct check_job *job, const struct ldap_message *message)
{
    struct ldap_run *run = job->state;
    struct ldap_result result;
    if (!ldap_starttls_read(message, &result)) {
        end_failed(job, "StartTLS: the answer is another one's");
        return false;
    }
    if (result.code) {
        end_refused(job, "StartTLS is refused", &result);
        return false;
    }
    if (run->got > run->taken) {
        /* It was not secured, and must not be taken for a part of what is. */
        end_failed(job, "StartTLS: something follows the answer");
        return false;
    }
    run->stage = SECURE;
    return true;
}

static bool take_login(struct check_job *job, const struct ldap_message *message)
{
    struct ldap_run *run = job->state;
    struct ldap_result result;
    bool read = message->operation == LDAP_BIND_RESPONSE && ldap_result_read(message, &result);
    if (!read)
        end_failed(job, "login: the answer is another one's");
    else if (result.code)
        end_refused(job, "login denied", &result);
    else
        run->stage = SEARCH;
    return read && !result.code;
}

static bool take_entry(struct check_job *job, const struct ldap_message *message)
{
    const struct ldap *ldap = job->parameters;
    struct ldap_run *run = job->state;
    size_t room = ldap->expect ? FOUND_MAX - run->found_size : 0, size = 0;
    if (room && !run->found && !(run->found = malloc(FOUND_MAX))) {
        close_run(job);
        check_end_errno(job, "search", ENOMEM);
        return false;
    }
    if (!ldap_entry_print(message, room ? run->found + run->found_size : NULL, room, &size)) {
        end_failed(job, "search: an entry is damaged");
        return false;
    }
    run->entries++;
    run->found_size += size < room ? size : room;
    if (ldap->expect && size < room)
        return true;
    end_found(job); /* the first one is enough, or there is no room for more */
    return false;
}

static bool take_found(struct check_job *job, const struct ldap_message *message)
{
    struct ldap_result result;
    switch (message->operation) {
    case LDAP_ENTRY:
        return take_entry(job, message);
    case LDAP_REFERENCE:
    case LDAP_INTERMEDIATE:
        return true;
    default:
        break;
    }
    if (message->operation != LDAP_SEARCH_DONE || !ldap_result_read(message, &result))
        end_failed(job, "search: the answer is another one's");
    else if (result.code != LDAP_SUCCESS && result.code != LDAP_SIZE_LIMIT)
        end_refused(job, "LDAP search", &result);
    else
        end_found(job);
    return false;
}

static bool take(struct check_job *job, const struct ldap_message *message)
{
    const struct ldap_run *run = job->state;
    struct ldap_result result;
    if (!message->number && message->operation == LDAP_EXTENDED_RESPONSE &&
        ldap_result_read(message, &result)) {
        end_refused(job, "the server goes away", &result);
        return false;
    }
    if (message->number != (unsigned)run->stage) {
        end_failed(job, "the answer is to another request");
        return false;
    }
    switch (run->stage) {
    case STARTTLS:
        return take_starttls(job, message);
    case LOGIN:
        return take_login(job, message);
    default:
        return take_found(job, message);
    }
}

/* Have room for more of an answer. @return Whether there is; if not, the run has ended. */
static bool make_room(struct check_job *job)
{
    struct ldap_run *run = job->state;
    run->got -= run->taken;
    if (run->taken)
        memmove(run->answer, run->answer + run->taken, run->got);
    run->taken = 0;
    if (run->got < run->room)
        return true;
    size_t room = run->room ? run->room * 2 : ANSWER_ROOM;
    unsigned char *answer = realloc(run->answer, room);
    if (!answer) {
        close_run(job);
        check_end_errno(job, "receive", ENOMEM);
        return false;
    }
    run->answer = answer;
    run->room = room;
    return true;
}

/* Read on. @return Whether something has come; if not, the run waits or has ended. */
static bool receive(struct check_job *job)
{
    struct ldap_run *run = job->state;
    if (run->total > TOTAL_MAX) {
        end_failed(job, "the answer is too long");
        return false;
    }
    if (!make_room(job))
        return false;
    ssize_t got = stream_receive(&run->stream, job, run->answer + run->got, run->room - run->got);
    if (!got)
        end_failed(job, "the connection was closed before the answer came");
    if (got <= 0)
        return false;
    run->got += (size_t)got;
    run->total += (size_t)got;
    return true;
}

/* Take messages until the stage is another one. @return Whether it is; if not, the run waits or has
 * ended. */
static bool hear(struct check_job *job)
{
    struct ldap_run *run = job->state;
    for (enum stage stage = run->stage; run->stage == stage;) {
        struct ldap_message message;
        switch (ldap_message_read(run->answer + run->taken, run->got - run->taken, &message)) {
        case LDAP_WRONG:
            end_failed(job, "the answer is not LDAP");
            return false;
        case LDAP_MORE:
            if (!receive(job))
                return false;
            break;
        case LDAP_WHOLE:
            run->taken += message.size;
            if (!take(job, &message))
                return false;
            break;
        }
    }
    return true;
}

static void talk(struct check_job *job)
{
    static const char *const phases[SECURE] = {
        [STARTTLS] = "waiting for the answer to StartTLS",
        [LOGIN] = "logging in",
        [SEARCH] = "waiting for what is found",
    };
    const struct ldap *ldap = job->parameters;
    struct ldap_run *run = job->state;
    if (run->stage == CONNECT && !make_room(job))
        return;
    if (run->stage == CONNECT)
        run->stage = ldap->starttls ? STARTTLS : ldap->tls ? SECURE : LOGIN;
    while (true) {
        if (run->stage == SECURE) {
            if (!stream_secure(&run->stream, job, ldap->tls))
                return;
            run->stage = LOGIN;
        }
        if (!stream_send(&run->stream, job, ldap->requests[run->stage], ldap->sizes[run->stage],
                         &run->sent))
            return;
        job->phase = phases[run->stage];
        if (!hear(job))
            return;
        run->sent = 0;
    }
}

static void ldap_start(struct check_job *job)
{
    struct ldap_run *run = job->state;
    stream_open(&run->stream, job, talk);
}

static void ldap_free(void *parameters)
{
    struct ldap *ldap = parameters;
    for (size_t i = 0; i < SECURE; i++) {
        if (ldap->requests[i])
            explicit_bzero(ldap->requests[i], ldap->sizes[i]); /* there is a password in one */
        free(ldap->requests[i]);
    }
    tls_settings_free(ldap->tls);
    pattern_free(ldap->expect);
    free(ldap);
}

/* What is configured. */

static bool keep(struct ldap *ldap, enum stage stage, const struct ldap_request *request)
{
    ldap->requests[stage] = malloc(request->size);
    if (!ldap->requests[stage])
        return false;
    memcpy(ldap->requests[stage], request->data, request->size);
    ldap->sizes[stage] = request->size;
    return true;
}

static enum outcome parse_login(struct ldap *ldap, const struct lyd_node *config, struct error *err)
{
    const char *name = leaf_value(config, "username");
    char password[SECRET_SIZE];
    struct ldap_request request;
    enum outcome outcome = credentials_secret(config, "password", "password-file", password, err);
    if (outcome == DONE && (!ldap_request_bind(&request, LOGIN, name ? name : "", password) ||
                            !keep(ldap, LOGIN, &request)))
        outcome = fail_memory(err);
    explicit_bzero(password, sizeof(password));
    explicit_bzero(&request, sizeof(request));
    return outcome;
}

static enum outcome parse_search(struct ldap *ldap, const struct lyd_node *config,
                                 struct error *err)
{
    const char *scope = leaf_value(config, "scope");
    struct ldap_request request;
    enum ldap_scope value = !strcmp(scope, "one")   ? LDAP_ONE
                            : !strcmp(scope, "sub") ? LDAP_SUB
                                                    : LDAP_BASE;
    if (!ldap_request_search(&request, SEARCH, leaf_value(config, "base"), value,
                             leaf_value(config, "filter")))
        return check_refuse(config, "filter", err, "This is no filter of LDAP (RFC 4515).");
    return keep(ldap, SEARCH, &request) ? DONE : fail_memory(err);
}

static enum outcome parse_tls(struct ldap *ldap, const struct lyd_node *config,
                              const struct check_target *target, struct error *err)
{
    const char *tls = leaf_value(config, "tls");
    struct ldap_request request;
    ldap->starttls = !strcmp(tls, "starttls");
    if (!strcmp(tls, "none"))
        return DONE;
    ldap->tls = tls_settings_new(config, target);
    return ldap->tls && ldap_request_starttls(&request, STARTTLS) && keep(ldap, STARTTLS, &request)
               ? DONE
               : fail_memory(err);
}

static enum outcome ldap_parse(const struct lyd_node *config, struct check_target *target,
                               void **parameters, struct error *err)
{
    struct ldap *ldap = *parameters = calloc(1, sizeof(*ldap));
    if (!ldap)
        return fail_memory(err);
    enum outcome outcome = parse_tls(ldap, config, target, err);
    if (outcome == DONE)
        outcome = parse_login(ldap, config, err);
    if (outcome == DONE)
        outcome = parse_search(ldap, config, err);
    return outcome == DONE ? pattern_parse(config, "expect", &ldap->expect, err) : outcome;
}

const struct checker ldap_checker = {
    .name = "ldap",
    .state = sizeof(struct ldap_run),
    .parse = ldap_parse,
    .free_parameters = ldap_free,
    .start = ldap_start,
    .cancel = close_run,
};
