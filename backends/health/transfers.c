#include "backends/health/transfers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "backends/health/poller.h"

struct transfers {
    CURLM *multi;
    struct health_poller *poller;
    uv_timer_t timer;
    struct socket_watch *spare;
};

/* A socket that libcurl wants to have watched. */
struct socket_watch {
    struct health_watch watch; /* first */
    struct transfers *transfers;
    struct socket_watch *next; /* while it is spare */
};

/* Tell whoever waits for a transfer that has ended. */
static void collect(struct transfers *transfers)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(transfers->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        curl_multi_remove_handle(transfers->multi, transfer->easy);
        transfer->running = false;
        transfer->done(transfer, result);
    }
}

static void socket_ready(struct health_watch *watch, uint32_t events)
{
    struct transfers *transfers = ((struct socket_watch *)watch)->transfers;
    int running, flags = 0;
    if (events & EPOLLIN)
        flags |= CURL_CSELECT_IN;
    if (events & EPOLLOUT)
        flags |= CURL_CSELECT_OUT;
    if (events & (EPOLLERR | EPOLLHUP))
        flags |= CURL_CSELECT_ERR;
    curl_multi_socket_action(transfers->multi, watch->fd, flags, &running);
    collect(transfers);
}

static uint32_t events_of(int what)
{
    switch (what) {
    case CURL_POLL_IN:
        return EPOLLIN;
    case CURL_POLL_OUT:
        return EPOLLOUT;
    default:
        return EPOLLIN | EPOLLOUT;
    }
}

static struct socket_watch *take_watch(struct transfers *transfers)
{
    struct socket_watch *watch = transfers->spare;
    if (watch)
        transfers->spare = watch->next;
    else
        watch = calloc(1, sizeof(*watch));
    return watch;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *socket_arg)
{
    struct transfers *transfers = arg;
    struct socket_watch *watch = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (!watch)
            return 0;
        health_watch_stop(transfers->poller, &watch->watch);
        watch->next = transfers->spare;
        transfers->spare = watch;
        curl_multi_assign(transfers->multi, fd, NULL);
        return 0;
    }
    if (watch)
        return health_watch_change(transfers->poller, &watch->watch, events_of(what)) ? -1 : 0;
    watch = take_watch(transfers);
    if (!watch)
        return -1;
    *watch =
        (struct socket_watch){.watch = {.fd = fd, .ready = socket_ready}, .transfers = transfers};
    if (health_watch_start(transfers->poller, &watch->watch, events_of(what))) {
        free(watch);
        return -1;
    }
    curl_multi_assign(transfers->multi, fd, watch);
    return 0;
}

static void timer_due(uv_timer_t *timer)
{
    struct transfers *transfers = timer->data;
    int running;
    curl_multi_socket_action(transfers->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(transfers);
}

static int set_timer(CURLM *multi, long milliseconds, void *arg)
{
    struct transfers *transfers = arg;
    if (milliseconds < 0)
        uv_timer_stop(&transfers->timer);
    else
        uv_timer_start(&transfers->timer, timer_due, (uint64_t)milliseconds, 0);
    return 0;
}

void *transfers_begin(struct health_poller *poller, uv_loop_t *loop)
{
    struct transfers *transfers = calloc(1, sizeof(*transfers));
    if (!transfers)
        return NULL;
    curl_global_init(CURL_GLOBAL_DEFAULT);
    transfers->poller = poller;
    transfers->multi = curl_multi_init();
    if (!transfers->multi) {
        free(transfers);
        return NULL;
    }
    uv_timer_init(loop, &transfers->timer);
    transfers->timer.data = transfers;
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(transfers->multi, CURLMOPT_SOCKETDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(transfers->multi, CURLMOPT_TIMERDATA, transfers);
    curl_multi_setopt(transfers->multi, CURLMOPT_MAXCONNECTS, 1L);
    return transfers;
}

static void free_transfers(uv_handle_t *handle)
{
    free(handle->data);
}

void transfers_end(void *arg)
{
    struct transfers *transfers = arg;
    curl_multi_cleanup(transfers->multi);
    for (struct socket_watch *next, *watch = transfers->spare; watch; watch = next) {
        next = watch->next;
        free(watch);
    }
    uv_close((uv_handle_t *)&transfers->timer, free_transfers);
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    static const struct linger reset = {.l_onoff = 1};
    struct transfer *transfer = arg;
    struct check_target target = *transfer->target;
    target.address.any.sa_family = (sa_family_t)address->family;
    int fd = check_socket(&target, address->socktype, address->protocol);
    transfer->socket_error = fd < 0 ? errno : 0;
    if (fd < 0)
        return CURL_SOCKET_BAD;
    /* As in tcp.c: nothing of ours stays in TIME_WAIT. */
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    return fd;
}

bool transfer_prepare(struct transfer *transfer)
{
    CURL *easy = transfer->easy = curl_easy_init();
    if (!easy)
        return false;
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->error);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, transfer);
    return true;
}

const char *transfer_phase(const struct transfer *transfer)
{
    curl_off_t connected = 0, secured = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_CONNECT_TIME_T, &connected);
    curl_easy_getinfo(transfer->easy, CURLINFO_PRETRANSFER_TIME_T, &secured);
    return secured     ? "waiting for the answer"
           : connected ? "agreeing on how to talk"
                       : "connecting";
}

bool transfer_start(struct transfers *transfers, struct transfer *transfer)
{
    transfer->socket_error = 0;
    transfer->error[0] = '\0';
    transfer->running = curl_multi_add_handle(transfers->multi, transfer->easy) == CURLM_OK;
    return transfer->running;
}

void transfer_nudge(struct transfer *transfer)
{
    if (!transfer->running)
        return;
    curl_easy_pause(transfer->easy, CURLPAUSE_RECV);
    curl_easy_pause(transfer->easy, CURLPAUSE_CONT); /* has the timer set to now */
}

void transfer_cancel(struct transfers *transfers, struct transfer *transfer)
{
    if (!transfer->running)
        return;
    transfer->running = false;
    curl_multi_remove_handle(transfers->multi, transfer->easy);
}

void transfer_end_check(struct check_job *job, const struct transfer *transfer, CURLcode result)
{
    long error = transfer->socket_error;
    if (!error && result == CURLE_COULDNT_CONNECT)
        curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &error);
    if (error)
        check_end_errno(job, transfer->socket_error ? "socket" : "connect", (int)error);
    else
        check_end(job, result == CURLE_OUT_OF_MEMORY ? CHECK_UNABLE : CHECK_FAILED,
                  CHECK_WEIGHT_NONE, "%s",
                  *transfer->error ? transfer->error : curl_easy_strerror(result));
}
