/*
 * DNS: a question by UDP, which must be answered without an error. Messages are made and read by
 * c-ares; the socket is ours, so that a server that never answers costs a descriptor and no more.
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

struct dns {
    unsigned char *question; /* with the identifier 0 */
    int size;
    int type;
    char *expect; /* or NULL */
};

struct dns_run {
    struct health_watch watch;
    uint16_t identifier;
};

static void answered(struct health_watch *watch, uint32_t events)
{
    struct check_job *job = watch->arg;
    const struct dns *dns = job->parameters;
    const struct dns_run *run = job->state;
    unsigned char answer[4096];
    ssize_t size = recv(watch->fd, answer, sizeof(answer), 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (size >= 2 && (answer[0] << 8 | answer[1]) != run->identifier)
        return; /* not to our question */
    const char *fault = size < 0
                            ? errno == ECONNREFUSED ? "the port is unreachable" : strerror(errno)
                            : dns_answer_fault(answer, (size_t)size, dns->type, dns->expect);
    health_watch_close(job->poller, watch);
    if (fault)
        check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "%s", fault);
    else
        check_pass(job);
}

static ssize_t ask(const struct dns *dns, struct dns_run *run)
{
    unsigned char question[600];
    if (getrandom(&run->identifier, sizeof(run->identifier), 0) < 0)
        return -1;
    memcpy(question, dns->question, (size_t)dns->size);
    question[0] = (unsigned char)(run->identifier >> 8);
    question[1] = (unsigned char)run->identifier;
    return send(run->watch.fd, question, (size_t)dns->size, MSG_NOSIGNAL);
}

static void dns_start(struct check_job *job)
{
    struct dns_run *run = job->state;
    run->watch = (struct health_watch){.ready = answered, .arg = job};
    run->watch.fd = check_socket(job->target, SOCK_DGRAM, 0);
    job->phase = "waiting for the answer";
    bool sent = run->watch.fd >= 0 &&
                !connect(run->watch.fd, &job->target->address.any,
                         check_address_size(&job->target->address)) &&
                ask(job->parameters, run) >= 0;
    int error = sent ? health_watch_start(job->poller, &run->watch, EPOLLIN) : errno;
    if (!error)
        return;
    health_watch_close(job->poller, &run->watch);
    check_end_errno(job, "send", error);
}

static void dns_cancel(struct check_job *job)
{
    health_watch_close(job->poller, &((struct dns_run *)job->state)->watch);
}

static void dns_free(void *parameters)
{
    struct dns *dns = parameters;
    if (dns->question)
        ares_free_string(dns->question);
    free(dns->expect);
    free(dns);
}

static enum outcome dns_parse(const struct lyd_node *config, struct check_target *target,
                              void **parameters, struct error *err)
{
    const char *type = leaf_value(config, "type"), *expect = leaf_value(config, "expect");
    struct dns *dns = *parameters = calloc(1, sizeof(*dns));
    if (!dns)
        return fail_memory(err);
    dns->type = dns_type(type);
    if (expect && !(dns->expect = strdup(expect)))
        return fail_memory(err);
    if (ares_create_query(leaf_value(config, "name"), CLASS_IN, dns->type, 0, 1, &dns->question,
                          &dns->size, 0) != ARES_SUCCESS ||
        dns->size > 512)
        return check_refuse(config, "name", err, "This is no domain name.");
    return DONE;
}

const struct checker dns_checker = {
    .name = "dns",
    .state = sizeof(struct dns_run),
    .parse = dns_parse,
    .free_parameters = dns_free,
    .start = dns_start,
    .cancel = dns_cancel,
};
