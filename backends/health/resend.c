#include "backends/health/resend.h"

#include <stdlib.h>

struct resend {
    uv_timer_t timer;
    uint64_t pause; /* milliseconds */
    void (*again)(void *arg);
    void *arg;
};

static void due(uv_timer_t *timer)
{
    struct resend *resend = timer->data;
    resend_start(resend, resend->pause * 2);
    resend->again(resend->arg);
}

struct resend *resend_new(uv_loop_t *loop, void (*again)(void *arg), void *arg)
{
    struct resend *resend = calloc(1, sizeof(*resend));
    if (!resend)
        return NULL;
    uv_timer_init(loop, &resend->timer);
    resend->timer.data = resend;
    resend->again = again;
    resend->arg = arg;
    return resend;
}

static void closed(uv_handle_t *handle)
{
    free(handle->data);
}

void resend_free(struct resend *resend)
{
    if (resend)
        uv_close((uv_handle_t *)&resend->timer, closed);
}

void resend_start(struct resend *resend, uint64_t first)
{
    resend->pause = first;
    uv_timer_start(&resend->timer, due, first, 0);
}

void resend_stop(struct resend *resend)
{
    if (resend)
        uv_timer_stop(&resend->timer);
}
