/*
 * PostgreSQL: a login by libpq, which never blocks, and a query.
 */
#include <errno.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"
#include "backends/health/sql_login.h"

/* A file that libpq would look for in the home folder is looked for here, and not found. */
#define NO_FILE "/nonexistent"
#define SYSTEM_AUTHORITIES "/etc/ssl/certs/ca-certificates.crt"
#define SETTINGS 20

struct postgresql {
    struct sql_login login;
    char address[INET6_ADDRSTRLEN], port[8];
    const char *names[SETTINGS], *values[SETTINGS]; /* ended by NULL */
};

struct postgresql_run {
    struct health_watch watch;
    PGconn *connection;
    bool connected;
};

static void close_run(struct check_job *job)
{
    struct postgresql_run *run = job->state;
    health_watch_stop(job->poller, &run->watch);
    PQfinish(run->connection); /* closes the descriptor */
    run->connection = NULL;
}

/* Its messages begin with the address, which is known, and end with a new line. */
static void end_with_its_error(struct check_job *job)
{
    const struct postgresql_run *run = job->state;
    char error[CHECK_ERROR_SIZE];
    const char *message = PQerrorMessage(run->connection), *begin = strstr(message, " failed: ");
    bool ours = strstr(message, "could not create socket") || strstr(message, "out of memory");
    snprintf(error, sizeof(error), "%s", begin ? begin + strlen(" failed: ") : message);
    error[strcspn(error, "\n")] = '\0';
    close_run(job);
    check_end(job, ours ? CHECK_UNABLE : CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", error);
}

static void go_on(struct check_job *job);

static void ready(struct health_watch *watch, uint32_t events)
{
    go_on(watch->arg);
}

/* libpq may have closed the descriptor and opened another one, so it is watched anew each time. */
static void wait_for(struct check_job *job, uint32_t events)
{
    struct postgresql_run *run = job->state;
    run->watch = (struct health_watch){.fd = PQsocket(run->connection), .ready = ready, .arg = job};
    int error = health_watch_start(job->poller, &run->watch, events);
    if (!error)
        return;
    run->watch.fd = -1;
    close_run(job);
    check_end_errno(job, "poll", error);
}

/* Look at the first result: one row is enough, and what follows is not read. */
static void judge(struct check_job *job)
{
    struct postgresql_run *run = job->state;
    PGresult *result = PQgetResult(run->connection);
    ExecStatusType status = PQresultStatus(result);
    PQclear(result);
    if (status == PGRES_SINGLE_TUPLE) {
        close_run(job);
        check_pass(job);
    } else if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        close_run(job);
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "the query gives no row");
    } else {
        end_with_its_error(job);
    }
}

static void query(struct check_job *job)
{
    struct postgresql_run *run = job->state;
    int left = PQflush(run->connection);
    if (left < 0 || (!left && !PQconsumeInput(run->connection)))
        end_with_its_error(job);
    else if (left)
        wait_for(job, EPOLLIN | EPOLLOUT);
    else if (PQisBusy(run->connection))
        wait_for(job, EPOLLIN);
    else
        judge(job);
}

static void begin_query(struct check_job *job)
{
    const struct postgresql *postgresql = job->parameters;
    struct postgresql_run *run = job->state;
    run->connected = true;
    job->phase = "waiting for the query's answer";
    if (!postgresql->login.query) {
        close_run(job);
        check_pass(job);
    } else if (PQsetnonblocking(run->connection, 1) ||
               !PQsendQuery(run->connection, postgresql->login.query) ||
               !PQsetSingleRowMode(run->connection)) {
        end_with_its_error(job);
    } else {
        query(job);
    }
}

static void go_on(struct check_job *job)
{
    struct postgresql_run *run = job->state;
    health_watch_stop(job->poller, &run->watch);
    run->watch.fd = -1;
    if (run->connected) {
        query(job);
        return;
    }
    PostgresPollingStatusType status = PQconnectPoll(run->connection);
    if (PQstatus(run->connection) != CONNECTION_STARTED)
        job->phase = "logging in";
    if (status == PGRES_POLLING_OK)
        begin_query(job);
    else if (status == PGRES_POLLING_READING)
        wait_for(job, EPOLLIN);
    else if (status == PGRES_POLLING_WRITING)
        wait_for(job, EPOLLOUT);
    else
        end_with_its_error(job);
}

static void ignore(void *arg, const PGresult *result)
{
}

static void postgresql_start(struct check_job *job)
{
    const struct postgresql *postgresql = job->parameters;
    struct postgresql_run *run = job->state;
    run->watch.fd = -1;
    run->connection = PQconnectStartParams(postgresql->names, postgresql->values, 0);
    if (!run->connection) {
        check_end_errno(job, "connect", ENOMEM);
    } else if (PQstatus(run->connection) == CONNECTION_BAD) {
        end_with_its_error(job);
    } else {
        PQsetNoticeReceiver(run->connection, ignore, NULL);
        wait_for(job, EPOLLOUT);
    }
}

static void postgresql_free(void *parameters)
{
    struct postgresql *postgresql = parameters;
    sql_login_clear(&postgresql->login);
    free(postgresql);
}

/* All that libpq could otherwise take from the environment or the home folder is said. */
static void fill_settings(struct postgresql *postgresql)
{
    const struct sql_login *login = &postgresql->login;
    const char *mode = !login->tls ? "disable" : login->verify ? "verify-full" : "require";
    const char *authorities = login->ca_file ? login->ca_file : SYSTEM_AUTHORITIES;
    const struct {
        const char *name, *value;
    } settings[] = {
        {"hostaddr", postgresql->address},
        {"host", login->server_name ? login->server_name : postgresql->address},
        {"port", postgresql->port},
        {"user", login->username},
        {"password", login->password ? login->password : ""},
        {"passfile", NO_FILE},
        {"dbname", login->database ? login->database : login->username},
        {"application_name", "noria"},
        {"client_encoding", "UTF8"},
        {"options", ""},
        {"gssencmode", "disable"},
        {"target_session_attrs", "any"},
        {"sslmode", mode},
        {"sslrootcert", login->verify ? authorities : NO_FILE},
        {"sslcert", login->certificate_file ? login->certificate_file : NO_FILE},
        {"sslkey", login->key_file ? login->key_file : NO_FILE},
        {"sslcrl", NO_FILE},
    };
    _Static_assert(sizeof(settings) / sizeof(*settings) < SETTINGS, "there is room");
    for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++) {
        postgresql->names[i] = settings[i].name;
        postgresql->values[i] = settings[i].value;
    }
}

static enum outcome postgresql_parse(const struct lyd_node *config, struct check_target *target,
                                     void **parameters, struct error *err)
{
    struct postgresql *postgresql = *parameters = calloc(1, sizeof(*postgresql));
    if (!postgresql)
        return fail_memory(err);
    check_address_text(&target->address, postgresql->address);
    snprintf(postgresql->port, sizeof(postgresql->port), "%u",
             check_address_port(&target->address));
    enum outcome outcome = check_refuse_source(config, target, false, err);
    if (outcome == DONE)
        outcome = sql_login_read(&postgresql->login, config, err);
    if (outcome == DONE)
        fill_settings(postgresql);
    return outcome;
}

const struct checker postgresql_checker = {
    .name = "postgresql",
    .state = sizeof(struct postgresql_run),
    .parse = postgresql_parse,
    .free_parameters = postgresql_free,
    .start = postgresql_start,
    .cancel = close_run,
};
