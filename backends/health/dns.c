/*
 * DNS: a question by UDP or TCP, which must be answered without an error. Messages are made and
 * read by c-ares; the socket is ours, so that a server that never answers costs a descriptor and no
 * more. What was cut off is asked for again by TCP, as every resolver does it (RFC 7766, 5).
 */
#include <ares.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "agent/datastore/entry.h"
#include "backends/health/checkers.h"
#include "backends/health/dns_answer.h"
#include "backends/health/poller.h"

#define CLASS_IN 1
#define QUESTION_MAX 512
#define DATAGRAM_MAX 4096

/* By TCP, the length of a message is in front of it. */
#define LENGTH 2
#define STREAM_MAX (LENGTH + 65535)

struct dns {
    unsigned char *question; /* with the identifier 0 */
    int size;
    bool tcp;
    struct dns_expected expected;
    char *record; /* of what is expected, or NULL */
    struct pattern *pattern;
};

struct dns_run {
    struct health_watch watch;
    unsigned char question[LENGTH + QUESTION_MAX]; /* with its length and its identifier */
    unsigned char *answer;                         /* what has come of it by TCP */
    size_t got;
};

static unsigned word(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

static void close_run(struct check_job *job)
{
    struct dns_run *run = job->state;
    health_watch_close(job->poller, &run->watch);
    free(run->answer);
    run->answer = NULL;
}

static void end(struct check_job *job, const char *fault)
{
    close_run(job);
    if (fault)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
    else
        check_pass(job);
}

static void end_errno(struct check_job *job, const char *what, int error)
{
    close_run(job);
    check_end_errno(job, what, error);
}

static bool is_ours(const struct dns_run *run, const unsigned char *answer, size_t size)
{
    return size >= 2 && word(answer) == word(run->question + LENGTH);
}

/* TCP. */

static void stream_judge(struct check_job *job)
{
    const struct dns *dns = job->parameters;
    const struct dns_run *run = job->state;
    const unsigned char *answer = run->answer + LENGTH;
    size_t size = word(run->answer);
    end(job, is_ours(run, answer, size) ? dns_answer_fault(answer, size, &dns->expected)
                                        : "the answer is not to the question");
}

static void stream_answered(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    struct dns_run *run = job->state;
    while (true) {
        size_t wanted = run->got < LENGTH ? LENGTH : LENGTH + word(run->answer);
        if (run->got == wanted) {
            stream_judge(job);
            return;
        }
        ssize_t got = recv(watch->fd, run->answer + run->got, wanted - run->got, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0) {
            end_errno(job, "receive", errno);
            return;
        }
        if (!got) {
            end(job, "the connection was closed before the answer came");
            return;
        }
        run->got += (size_t)got;
    }
}

static void stream_connected(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    struct dns_run *run = job->state;
    size_t size = LENGTH + word(run->question);
    int error = 0;
    socklen_t length = sizeof(error);
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        end_errno(job, "connect", error);
        return;
    }
    /* The buffer of a new connection has room for it. */
    ssize_t sent = send(watch->fd, run->question, size, MSG_NOSIGNAL);
    if (sent < 0 || (size_t)sent < size) {
        end_errno(job, "send", sent < 0 ? errno : ENOBUFS);
        return;
    }
    job->phase = "waiting for the answer by TCP";
    watch->ready = stream_answered;
    error = health_watch_change(job->poller, watch, EPOLLIN);
    if (error)
        end_errno(job, "poll", error);
}

static void ask_by_stream(struct check_job *job)
{
    static const struct linger reset = {.l_onoff = 1};
    struct dns_run *run = job->state;
    const union check_address *address = &job->target->address;
    job->phase = "connecting by TCP";
    run->watch = (struct health_watch){.ready = stream_connected, .arg = job};
    run->answer = malloc(STREAM_MAX);
    run->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    if (run->watch.fd < 0 || !run->answer) {
        end_errno(job, "socket", run->answer ? errno : ENOMEM);
        return;
    }
    setsockopt(run->watch.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int failed = connect(run->watch.fd, &address->any, check_address_size(address));
    int error = failed && errno != EINPROGRESS
                    ? errno
                    : health_watch_start(job->poller, &run->watch, EPOLLOUT);
    if (error)
        end_errno(job, "connect", error);
}

/* UDP. */

static void datagram_answered(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    const struct dns *dns = job->parameters;
    unsigned char answer[DATAGRAM_MAX];
    ssize_t size = recv(watch->fd, answer, sizeof(answer), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size >= 2 && !is_ours(job->state, answer, (size_t)size))
        return; /* not to our question */
    if (size < 0) {
        end(job, errno == ECONNREFUSED ? "the port is unreachable" : strerror(errno));
        return;
    }
    if (!dns_answer_is_truncated(answer, (size_t)size)) {
        end(job, dns_answer_fault(answer, (size_t)size, &dns->expected));
        return;
    }
    health_watch_close(job->poller, watch);
    ask_by_stream(job);
}

static void ask_by_datagram(struct check_job *job)
{
    struct dns_run *run = job->state;
    const union check_address *address = &job->target->address;
    run->watch = (struct health_watch){.ready = datagram_answered, .arg = job};
    run->watch.fd = check_socket(job->target, SOCK_DGRAM, 0);
    job->phase = "waiting for the answer";
    bool sent = run->watch.fd >= 0 &&
                !connect(run->watch.fd, &address->any, check_address_size(address)) &&
                send(run->watch.fd, run->question + LENGTH, word(run->question), MSG_NOSIGNAL) >= 0;
    int error = sent ? health_watch_start(job->poller, &run->watch, EPOLLIN) : errno;
    if (error)
        end_errno(job, "send", error);
}

static void dns_start(struct check_job *job)
{
    const struct dns *dns = job->parameters;
    struct dns_run *run = job->state;
    run->watch.fd = -1;
    run->question[0] = (unsigned char)(dns->size >> 8);
    run->question[1] = (unsigned char)dns->size;
    memcpy(run->question + LENGTH, dns->question, (size_t)dns->size);
    if (getrandom(run->question + LENGTH, 2, 0) < 0)
        end_errno(job, "getrandom", errno);
    else if (dns->tcp)
        ask_by_stream(job);
    else
        ask_by_datagram(job);
}

static void dns_free(void *parameters)
{
    struct dns *dns = parameters;
    if (dns->question)
        ares_free_string(dns->question);
    pattern_free(dns->pattern);
    free(dns->record);
    free(dns);
}

static enum outcome dns_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const char *type = leaf_value(config, "type"), *record = leaf_value(config, "expect");
    struct dns *dns = *parameters = calloc(1, sizeof(*dns));
    if (!dns || (record && !(dns->record = strdup(record))))
        return fail_memory(err);
    dns->tcp = !strcmp(leaf_value(config, "transport"), "tcp");
    dns->expected = (struct dns_expected){.type = dns_type(type), .record = dns->record};
    if (ares_create_query(leaf_value(config, "name"), CLASS_IN, dns->expected.type, 0, 1,
                          &dns->question, &dns->size, 0) != ARES_SUCCESS ||
        dns->size > QUESTION_MAX)
        return check_refuse(config, "name", err, "This is no domain name.");
    enum outcome outcome = pattern_parse(config, "regex", &dns->pattern, err);
    dns->expected.pattern = dns->pattern;
    return outcome;
}

const struct checker dns_checker = {
    .name = "dns",
    .state = sizeof(struct dns_run),
    .parse = dns_parse,
    .free_parameters = dns_free,
    .start = dns_start,
    .cancel = close_run,
};
