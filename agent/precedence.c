#include "agent/precedence.h"

/* Nanoseconds of waiting, and of going on afterwards. */
#define PATIENCE UINT64_C(20000000)

void precedence_init(struct precedence *precedence)
{
    atomic_init(&precedence->first, 0);
    atomic_init(&precedence->waiting, false);
    uv_mutex_init(&precedence->lock);
    uv_cond_init(&precedence->done);
    precedence->go_until = 0;
}

void precedence_destroy(struct precedence *precedence)
{
    uv_cond_destroy(&precedence->done);
    uv_mutex_destroy(&precedence->lock);
}

void precedence_begin(struct precedence *precedence)
{
    atomic_fetch_add(&precedence->first, 1);
}

void precedence_end(struct precedence *precedence)
{
    if (atomic_fetch_sub(&precedence->first, 1) != 1 || !atomic_load(&precedence->waiting))
        return;
    uv_mutex_lock(&precedence->lock);
    uv_cond_signal(&precedence->done);
    uv_mutex_unlock(&precedence->lock);
}

void precedence_yield(struct precedence *precedence)
{
    if (!atomic_load(&precedence->first))
        return;
    uint64_t now = uv_hrtime(), end = now + PATIENCE;
    if (now < precedence->go_until)
        return;
    uv_mutex_lock(&precedence->lock);
    atomic_store(&precedence->waiting, true);
    while (atomic_load(&precedence->first) && now < end) {
        uv_cond_timedwait(&precedence->done, &precedence->lock, end - now);
        now = uv_hrtime();
    }
    atomic_store(&precedence->waiting, false);
    uv_mutex_unlock(&precedence->lock);
    if (now >= end)
        precedence->go_until = now + PATIENCE;
}
