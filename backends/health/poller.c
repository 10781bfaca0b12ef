#include "backends/health/poller.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backends/health/beat.h"

#define BATCH 256

struct health_poller {
    int epoll;
    uv_poll_t handle;
    struct health_beat *beat;
    struct epoll_event events[BATCH];
    int count, next; /* of the batch that is being dispatched */
};

void health_watch_forget(struct health_poller *poller, const struct health_watch *watch)
{
    for (int i = poller->next; i < poller->count; i++)
        if (poller->events[i].data.ptr == watch)
            poller->events[i].data.ptr = NULL;
}

void health_poller_drain(struct health_poller *poller)
{
    if (poller->count)
        return; /* a watch's own doing */
    bool before = health_beat_begin(poller->beat);
    do {
        int count = epoll_wait(poller->epoll, poller->events, BATCH, 0);
        poller->count = count > 0 ? count : 0;
        for (poller->next = 0; poller->next < poller->count;) {
            const struct epoll_event *event = &poller->events[poller->next++];
            struct health_watch *watch = event->data.ptr;
            if (watch)
                watch->ready(watch, event->events);
        }
    } while (poller->count == BATCH);
    poller->count = 0;
    health_beat_end(poller->beat, before);
}

static void dispatch(uv_poll_t *handle, int status, int events)
{
    health_poller_drain(handle->data);
}

struct health_poller *health_poller_new(uv_loop_t *loop, struct health_beat *beat)
{
    struct health_poller *poller = calloc(1, sizeof(*poller));
    if (!poller)
        return NULL;
    poller->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (poller->epoll < 0 || uv_poll_init(loop, &poller->handle, poller->epoll) != 0) {
        if (poller->epoll >= 0)
            close(poller->epoll);
        free(poller);
        return NULL;
    }
    poller->beat = beat;
    poller->handle.data = poller;
    uv_poll_start(&poller->handle, UV_READABLE, dispatch);
    return poller;
}

static void free_poller(uv_handle_t *handle)
{
    struct health_poller *poller = handle->data;
    close(poller->epoll);
    free(poller);
}

void health_poller_free(struct health_poller *poller)
{
    if (!poller)
        return;
    uv_poll_stop(&poller->handle);
    uv_close((uv_handle_t *)&poller->handle, free_poller);
}

int health_watch_start(struct health_poller *poller, struct health_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(poller->epoll, EPOLL_CTL_ADD, watch->fd, &event) ? errno : 0;
}

int health_watch_change(struct health_poller *poller, struct health_watch *watch, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = watch};
    return epoll_ctl(poller->epoll, EPOLL_CTL_MOD, watch->fd, &event) ? errno : 0;
}

void health_watch_stop(struct health_poller *poller, struct health_watch *watch)
{
    if (watch->fd < 0)
        return;
    epoll_ctl(poller->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    health_watch_forget(poller, watch);
}

void health_watch_close(struct health_poller *poller, struct health_watch *watch)
{
    if (watch->fd < 0)
        return;
    close(watch->fd);
    watch->fd = -1;
    health_watch_forget(poller, watch);
}
