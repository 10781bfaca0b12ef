/*
 * RADIUS: a login, or the question whether the server is there (Status-Server). Forged answers are
 * passed over, as RFC 2865 wants it; then the time-out says so.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/credentials.h"
#include "backends/health/poller.h"
#include "backends/health/radius_packet.h"
#include "backends/health/resend.h"

/* When a request is sent again for the first time, in milliseconds. */
#define PAUSE 1000

struct radius {
    char *secret, *username, *password, *nas_identifier; /* username: or NULL */
    struct resend *resend;                               /* NULL before the first run */
    struct check_job *job;                               /* while it runs */
};

struct radius_run {
    struct health_watch watch;
    unsigned char authenticator[RADIUS_AUTHENTICATOR];
    uint8_t identifier;
};

static struct radius_request request_of(const struct check_job *job)
{
    const struct radius *radius = job->parameters;
    const struct radius_run *run = job->state;
    return (struct radius_request){
        .secret = radius->secret,
        .username = radius->username,
        .password = radius->password,
        .nas_identifier = radius->nas_identifier,
        .identifier = run->identifier,
        .authenticator = run->authenticator,
    };
}

static void close_run(struct check_job *job)
{
    struct radius *radius = job->parameters;
    struct radius_run *run = job->state;
    resend_stop(radius->resend);
    health_watch_close(job->poller, &run->watch);
}

static void end_failed(struct check_job *job, const char *fault)
{
    close_run(job);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
}

static void judge(struct check_job *job, enum radius_answer answer)
{
    switch (answer) {
    case RADIUS_FORGED:
        job->phase = "only answers came that were not made with the secret";
        break;
    case RADIUS_ACCEPTED:
        close_run(job);
        check_pass(job);
        break;
    case RADIUS_REJECTED:
        end_failed(job, "the login was rejected");
        break;
    case RADIUS_CHALLENGED:
        end_failed(job, "the server asks for more than a password");
        break;
    case RADIUS_OTHER:
        end_failed(job, "the answer is of another kind");
        break;
    }
}

static void answered(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    const struct radius_request request = request_of(job);
    unsigned char answer[RADIUS_SIZE];
    ssize_t size = recv(watch->fd, answer, sizeof(answer), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size < 0)
        end_failed(job, errno == ECONNREFUSED ? "the port is unreachable" : strerror(errno));
    else
        judge(job, radius_read_answer(&request, answer, (size_t)size));
}

/* @return 0 or an errno. */
static int send_request(const struct check_job *job)
{
    const struct radius_run *run = job->state;
    const struct radius_request request = request_of(job);
    unsigned char packet[RADIUS_SIZE];
    size_t size = radius_make_request(&request, packet);
    if (!size)
        return ENOMEM;
    return send(run->watch.fd, packet, size, MSG_NOSIGNAL) < 0 ? errno : 0;
}

static void send_again(void *arg)
{
    send_request(((struct radius *)arg)->job); /* if that fails, so does receiving */
}

static int begin(struct check_job *job)
{
    struct radius_run *run = job->state;
    run->watch.fd = check_socket(job->target, SOCK_DGRAM, 0);
    if (run->watch.fd < 0 || getrandom(&run->identifier, 1, 0) < 0 ||
        getrandom(run->authenticator, sizeof(run->authenticator), 0) < 0 ||
        connect(run->watch.fd, &job->target->address.any,
                check_address_size(&job->target->address)))
        return errno;
    int error = send_request(job);
    return error ? error : health_watch_start(job->poller, &run->watch, EPOLLIN);
}

static void radius_start(struct check_job *job)
{
    struct radius *radius = job->parameters;
    struct radius_run *run = job->state;
    run->watch = (struct health_watch){.fd = -1, .ready = answered, .arg = job};
    radius->job = job;
    job->phase = "waiting for the answer";
    if (!radius->resend)
        radius->resend = resend_new(job->loop, send_again, radius);
    int error = radius->resend ? begin(job) : ENOMEM;
    if (!error) {
        resend_start(radius->resend, PAUSE);
        return;
    }
    close_run(job);
    check_end_errno(job, "send", error);
}

static void radius_free(void *parameters)
{
    struct radius *radius = parameters;
    resend_free(radius->resend);
    credentials_free(radius->secret);
    credentials_free(radius->password);
    free(radius->username);
    free(radius->nas_identifier);
    free(radius);
}

/* @return A copy of a secret that can be read, or NULL with an outcome. */
static char *read_secret(const struct lyd_node *config, const char *leaf, const char *file_leaf,
                         enum outcome *outcome, struct error *err)
{
    char secret[SECRET_SIZE];
    *outcome = credentials_secret(config, leaf, file_leaf, secret, err);
    char *copy = *outcome == DONE ? strdup(secret) : NULL;
    explicit_bzero(secret, sizeof(secret));
    if (*outcome == DONE && !copy)
        *outcome = fail_memory(err);
    return copy;
}

static enum outcome radius_parse(const struct lyd_node *config, struct check_target *target,
                                 void **parameters, struct error *err)
{
    const char *username = leaf_value(config, "username");
    enum outcome outcome;
    struct radius *radius = *parameters = calloc(1, sizeof(*radius));
    if (!radius)
        return fail_memory(err);
    radius->secret = read_secret(config, "secret", "secret-file", &outcome, err);
    if (outcome == DONE)
        radius->password = read_secret(config, "password", "password-file", &outcome, err);
    if (outcome != DONE)
        return outcome;
    if (!*radius->secret)
        return check_refuse(config, "secret-file", err, "The secret must not be empty.");
    if (strlen(radius->password) > 128)
        return check_refuse(config, "password", err, "RADIUS allows 128 octets at most.");
    radius->nas_identifier = strdup(leaf_value(config, "nas-identifier"));
    if (username)
        radius->username = strdup(username);
    return radius->nas_identifier && (!username || radius->username) ? DONE : fail_memory(err);
}

const struct checker radius_checker = {
    .name = "radius",
    .state = sizeof(struct radius_run),
    .parse = radius_parse,
    .free_parameters = radius_free,
    .start = radius_start,
    .cancel = close_run,
};
