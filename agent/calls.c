#include "agent/calls.h"

#include <stdlib.h>

/* A function that waits to be run. */
struct call {
    void (*function)(void *arg);
    void *arg;
    struct call *next;
};

static void run(uv_async_t *wake)
{
    struct calls *calls = wake->data;
    uv_mutex_lock(&calls->lock);
    struct call *call = calls->first, *in_order = NULL, *next;
    calls->first = NULL;
    uv_mutex_unlock(&calls->lock);
    for (; call; call = next) {
        next = call->next;
        call->next = in_order;
        in_order = call;
    }
    for (; in_order; in_order = next) {
        next = in_order->next;
        in_order->function(in_order->arg);
        free(in_order);
    }
}

void calls_begin(struct calls *calls, uv_loop_t *loop)
{
    *calls = (struct calls){0};
    uv_mutex_init(&calls->lock);
    uv_async_init(loop, &calls->wake, run);
    calls->wake.data = calls;
}

bool calls_post(struct calls *calls, void (*function)(void *arg), void *arg)
{
    struct call *call = malloc(sizeof(*call));
    if (!call)
        return false;
    *call = (struct call){.function = function, .arg = arg};
    uv_mutex_lock(&calls->lock);
    bool taken = !calls->closed;
    if (taken) {
        call->next = calls->first;
        calls->first = call;
        uv_async_send(&calls->wake);
    }
    uv_mutex_unlock(&calls->lock);
    if (!taken)
        free(call);
    return taken;
}

void calls_close(struct calls *calls)
{
    uv_mutex_lock(&calls->lock);
    calls->closed = true;
    uv_mutex_unlock(&calls->lock);
    run(&calls->wake);
}

void calls_end(struct calls *calls)
{
    uv_close((uv_handle_t *)&calls->wake, NULL);
}

void calls_destroy(struct calls *calls)
{
    uv_mutex_destroy(&calls->lock);
}
