#include "backends/health/starttls.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

static struct starttls *starttls_of(struct health_watch *watch)
{
    return (struct starttls *)watch; /* its first member */
}

static void end_errno(struct starttls *starttls, const char *what, int error)
{
    struct check_job *job = starttls->watch.arg;
    health_watch_close(job->poller, &starttls->watch);
    check_end_errno(job, what, error);
}

static void end_failed(struct starttls *starttls, const char *what)
{
    struct check_job *job = starttls->watch.arg;
    health_watch_close(job->poller, &starttls->watch);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE, "StartTLS: %s", what);
}

static void end_refused(struct starttls *starttls, const struct ldap_result *result)
{
    struct check_job *job = starttls->watch.arg;
    const char *name = ldap_result_name(result->code);
    health_watch_close(job->poller, &starttls->watch);
    check_end(job, CHECK_FAILED, CHECK_WEIGHT_NONE,
              "StartTLS: the server refuses: result %u%s%s%s%s%s", result->code, name ? " (" : "",
              name ? name : "", name ? ")" : "", *result->text ? ": " : "", result->text);
}

static void hand_over(struct starttls *starttls)
{
    struct check_job *job = starttls->watch.arg;
    int fd = starttls->watch.fd;
    health_watch_stop(job->poller, &starttls->watch);
    starttls->watch.fd = -1;
    starttls->agreed(job, fd);
}

static void judge(struct starttls *starttls, enum ldap_answer answer,
                  const struct ldap_result *result)
{
    if (answer == LDAP_WRONG)
        end_failed(starttls, "the answer is not LDAP's");
    else if (result->code)
        end_refused(starttls, result);
    else
        hand_over(starttls);
}

static void receive(struct health_watch *watch, uint32_t events)
{
    struct starttls *starttls = starttls_of(watch);
    struct ldap_result result;
    while (true) {
        ssize_t got = recv(watch->fd, starttls->answer + starttls->got,
                           sizeof(starttls->answer) - starttls->got, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got < 0) {
            end_errno(starttls, "receive", errno);
            return;
        }
        if (!got) {
            end_failed(starttls, "the connection was closed before the answer came");
            return;
        }
        starttls->got += (size_t)got;
        enum ldap_answer answer = ldap_answer_read(starttls->answer, starttls->got, &result);
        if (answer == LDAP_MORE)
            continue; /* there is room for it */
        judge(starttls, answer, &result);
        return;
    }
}

static void connected(struct health_watch *watch, uint32_t events)
{
    static const char request[] = LDAP_STARTTLS;
    struct starttls *starttls = starttls_of(watch);
    struct check_job *job = watch->arg;
    int error = 0;
    socklen_t length = sizeof(error);
    if (events & (EPOLLERR | EPOLLHUP))
        getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error) {
        end_errno(starttls, "connect", error);
        return;
    }
    /* The buffer of a new connection has room for it. */
    if (send(watch->fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != sizeof(request) - 1) {
        end_errno(starttls, "send", errno);
        return;
    }
    job->phase = "waiting for the answer to StartTLS";
    watch->ready = receive;
    error = health_watch_change(job->poller, watch, EPOLLIN);
    if (error)
        end_errno(starttls, "poll", error);
}

void starttls_start(struct starttls *starttls, struct check_job *job,
                    void (*agreed)(struct check_job *job, int fd))
{
    static const struct linger reset = {.l_onoff = 1};
    const union check_address *address = &job->target->address;
    starttls->agreed = agreed;
    starttls->got = 0;
    starttls->watch = (struct health_watch){.ready = connected, .arg = job};
    int fd = starttls->watch.fd = check_socket(job->target, SOCK_STREAM, 0);
    if (fd < 0) {
        check_end_errno(job, "socket", errno);
        return;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    int failed = connect(fd, &address->any, check_address_size(address));
    int error = failed && errno != EINPROGRESS
                    ? errno
                    : health_watch_start(job->poller, &starttls->watch, EPOLLOUT);
    if (error)
        end_errno(starttls, "connect", error);
}

bool starttls_cancel(struct starttls *starttls)
{
    struct check_job *job = starttls->watch.arg;
    if (starttls->watch.fd < 0)
        return false;
    health_watch_close(job->poller, &starttls->watch);
    return true;
}
