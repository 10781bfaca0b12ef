/*
 * MySQL and MariaDB: a login by libmariadb's calls that never block, and a query.
 *
 * Such a call works on a stack of its own. It may not be left alone half done: what it has
 * allocated would be lost. So a run that is cancelled goes on once more, and is told that its time
 * is over.
 */
#include <errmsg.h>
#include <errno.h>
#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/poller.h"
#include "backends/health/sql_login.h"

/* Of a call's own stack: a TLS handshake fits. */
#define STACK_SIZE (256 * 1024)

/* How often a call that is told that its time is over may still want to wait. */
#define PATIENCE 32

struct mysql_check {
    struct sql_login login;
    char address[INET6_ADDRSTRLEN], source[INET6_ADDRSTRLEN];
    unsigned port;
};

/* What is being done. */
enum stage { CONNECT, QUERY, FETCH };

struct mysql_run {
    struct health_watch watch;
    MYSQL *mysql;
    enum stage stage;
    bool within; /* a call has begun and has not ended */
    MYSQL *connected;
    MYSQL_RES *rows;
    MYSQL_ROW row;
    int error;
};

/* Begin a call, or go on with it. @return What is to be waited for; 0: it has ended. */
static int advance(const struct mysql_check *check, struct mysql_run *run, int events)
{
    const struct sql_login *login = &check->login;
    bool begins = !run->within;
    int wanted = 0;
    switch (run->stage) {
    case CONNECT:
        wanted = begins ? mysql_real_connect_start(&run->connected, run->mysql, check->address,
                                                   login->username,
                                                   login->password ? login->password : "",
                                                   login->database, check->port, NULL, 0)
                        : mysql_real_connect_cont(&run->connected, run->mysql, events);
        break;
    case QUERY:
        wanted = begins ? mysql_real_query_start(&run->error, run->mysql, login->query,
                                                 strlen(login->query))
                        : mysql_real_query_cont(&run->error, run->mysql, events);
        break;
    case FETCH:
        wanted = begins ? mysql_fetch_row_start(&run->row, run->rows)
                        : mysql_fetch_row_cont(&run->row, run->rows, events);
        break;
    }
    run->within = wanted;
    return wanted;
}

/* The library wants to read all rows first; so that there is an end to them, nothing more comes. */
static void free_rows(const struct mysql_check *check, struct mysql_run *run)
{
    if (!run->rows)
        return;
    shutdown(mysql_get_socket(run->mysql), SHUT_RDWR);
    while (run->row)
        advance(check, run, MYSQL_WAIT_TIMEOUT);
    mysql_free_result(run->rows);
    run->rows = NULL;
}

static void close_run(struct check_job *job)
{
    struct mysql_run *run = job->state;
    health_watch_stop(job->poller, &run->watch);
    run->watch.fd = -1;
    for (int i = 0; run->within && i < PATIENCE; i++)
        advance(job->parameters, run, MYSQL_WAIT_TIMEOUT);
    free_rows(job->parameters, run);
    int wanted = mysql_close_start(run->mysql);
    for (int i = 0; wanted && i < PATIENCE; i++)
        wanted = mysql_close_cont(run->mysql, MYSQL_WAIT_TIMEOUT);
    run->mysql = NULL;
}

static void end_with_its_error(struct check_job *job)
{
    const struct mysql_run *run = job->state;
    unsigned number = mysql_errno(run->mysql);
    bool ours =
        number == CR_SOCKET_CREATE_ERROR || number == CR_IPSOCK_ERROR || number == CR_OUT_OF_MEMORY;
    char error[CHECK_ERROR_SIZE];
    snprintf(error, sizeof(error), "%s", mysql_error(run->mysql));
    close_run(job);
    check_end(job, ours ? CHECK_UNABLE : CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", error);
}

static void end_query(struct check_job *job)
{
    const struct mysql_run *run = job->state;
    bool found = run->row;
    if (mysql_errno(run->mysql)) {
        end_with_its_error(job);
        return;
    }
    close_run(job);
    if (found)
        check_pass(job);
    else
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "the query gives no row");
}

/* A call has ended. @return Whether there is another one to begin; if not, the run has ended. */
static bool next_stage(struct check_job *job)
{
    const struct mysql_check *check = job->parameters;
    struct mysql_run *run = job->state;
    if (run->stage == CONNECT && run->connected && check->login.query) {
        job->phase = "waiting for the query's answer";
        run->stage = QUERY;
        return true;
    }
    if (run->stage == CONNECT && run->connected) {
        close_run(job);
        check_pass(job);
        return false;
    }
    if (run->stage == QUERY && !run->error && (run->rows = mysql_use_result(run->mysql))) {
        run->stage = FETCH;
        return true;
    }
    end_query(job);
    return false;
}

static void go_on(struct check_job *job, int events);

static void ready(struct health_watch *watch, uint32_t events)
{
    int flags = 0;
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        flags |= MYSQL_WAIT_READ;
    if (events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
        flags |= MYSQL_WAIT_WRITE;
    if (events & EPOLLPRI)
        flags |= MYSQL_WAIT_EXCEPT;
    go_on(watch->arg, flags);
}

/* The library closes its descriptors itself, so it is watched anew each time. */
static void wait_for(struct check_job *job, int wanted)
{
    struct mysql_run *run = job->state;
    uint32_t events = 0;
    if (wanted & MYSQL_WAIT_READ)
        events |= EPOLLIN;
    if (wanted & MYSQL_WAIT_WRITE)
        events |= EPOLLOUT;
    if (wanted & MYSQL_WAIT_EXCEPT)
        events |= EPOLLPRI;
    run->watch =
        (struct health_watch){.fd = mysql_get_socket(run->mysql), .ready = ready, .arg = job};
    int error = health_watch_start(job->poller, &run->watch, events);
    if (!error)
        return;
    run->watch.fd = -1;
    close_run(job);
    check_end_errno(job, "poll", error);
}

static void go_on(struct check_job *job, int events)
{
    struct mysql_run *run = job->state;
    health_watch_stop(job->poller, &run->watch);
    run->watch.fd = -1;
    if (events && run->stage == CONNECT)
        job->phase = "logging in";
    int wanted;
    while (!(wanted = advance(job->parameters, run, events)))
        if (!next_stage(job))
            return;
    wait_for(job, wanted);
}

/*
 * A server may ask for a file of ours (LOCAL INFILE) or for the password in clear text: neither is
 * given.
 */
static void set_options(MYSQL *mysql, const struct mysql_check *check)
{
    const struct sql_login *login = &check->login;
    const unsigned none = 0;
    const my_bool yes = 1, verify = login->verify;
    const size_t stack = STACK_SIZE;
    mysql_options(mysql, MYSQL_OPT_NONBLOCK, &stack);
    mysql_options(mysql, MYSQL_OPT_LOCAL_INFILE, &none);
    mysql_options(mysql, MARIADB_OPT_RESTRICTED_AUTH,
                  "mysql_native_password,client_ed25519,caching_sha2_password,"
                  "sha256_password");
    if (*check->source)
        mysql_options(mysql, MYSQL_OPT_BIND, check->source);
    if (!login->tls)
        return;
    mysql_options(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    mysql_options(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
    if (login->ca_file)
        mysql_options(mysql, MYSQL_OPT_SSL_CA, login->ca_file);
    if (login->certificate_file)
        mysql_options(mysql, MYSQL_OPT_SSL_CERT, login->certificate_file);
    if (login->key_file)
        mysql_options(mysql, MYSQL_OPT_SSL_KEY, login->key_file);
}

static void mysql_start(struct check_job *job)
{
    struct mysql_run *run = job->state;
    run->watch.fd = -1;
    run->mysql = mysql_init(NULL);
    if (!run->mysql) {
        check_end_errno(job, "connect", ENOMEM);
        return;
    }
    set_options(run->mysql, job->parameters);
    go_on(job, 0);
}

static void *library_begin(struct health_poller *poller, uv_loop_t *loop)
{
    return mysql_library_init(0, NULL, NULL) ? NULL : poller;
}

static void library_end(void *shared)
{
    mysql_library_end();
}

static void mysql_free(void *parameters)
{
    struct mysql_check *check = parameters;
    sql_login_clear(&check->login);
    free(check);
}

static enum outcome mysql_parse(const struct lyd_node *config, struct check_target *target,
                                void **parameters, struct error *err)
{
    struct mysql_check *check = *parameters = calloc(1, sizeof(*check));
    if (!check)
        return fail_memory(err);
    check_address_text(&target->address, check->address);
    check->port = check_address_port(&target->address);
    if (target->source.any.sa_family != AF_UNSPEC)
        check_address_text(&target->source, check->source);
    enum outcome outcome = check_refuse_source(config, target, true, err);
    return outcome == DONE ? sql_login_read(&check->login, config, err) : outcome;
}

const struct checker mysql_checker = {
    .name = "mysql",
    .state = sizeof(struct mysql_run),
    .begin = library_begin,
    .end = library_end,
    .parse = mysql_parse,
    .free_parameters = mysql_free,
    .start = mysql_start,
    .cancel = close_run,
};
