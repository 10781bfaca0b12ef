#include "backends/health/timers.h"

#include <stdlib.h>

#include "backends/health/beat.h"

/* Wake-ups are multiples of this, as the loop's timers are. */
#define QUANTUM HEALTH_MS

/* How long timers are run in one go. */
#define SLICE (4 * HEALTH_MS)

struct health_timers {
    struct health_timer **heap; /* from 1 on */
    size_t count, room, reserved;
    uint64_t wake; /* when the loop's timer is due */
    bool running;  /* in tick(), which arms at its end */
    struct health_beat *beat;
    void (*before)(void *arg);
    void *arg;
    uv_timer_t handle;
};

static void put(struct health_timers *timers, size_t slot, struct health_timer *timer)
{
    timers->heap[slot] = timer;
    timer->slot = slot;
}

static void sift_up(struct health_timers *timers, size_t slot, struct health_timer *timer)
{
    for (; slot > 1 && timers->heap[slot / 2]->due > timer->due; slot /= 2)
        put(timers, slot, timers->heap[slot / 2]);
    put(timers, slot, timer);
}

static void sift_down(struct health_timers *timers, size_t slot, struct health_timer *timer)
{
    for (size_t child; (child = slot * 2) <= timers->count; slot = child) {
        if (child < timers->count && timers->heap[child + 1]->due < timers->heap[child]->due)
            child++;
        if (timers->heap[child]->due >= timer->due)
            break;
        put(timers, slot, timers->heap[child]);
    }
    put(timers, slot, timer);
}

static void tick(uv_timer_t *handle);

static void arm(struct health_timers *timers)
{
    if (timers->running)
        return;
    if (!timers->count) {
        uv_timer_stop(&timers->handle);
        return;
    }
    uint64_t now = uv_hrtime();
    uint64_t due = (timers->heap[1]->due + QUANTUM - 1) / QUANTUM * QUANTUM;
    if (due == timers->wake && uv_is_active((uv_handle_t *)&timers->handle))
        return;
    timers->wake = due;
    uv_update_time(timers->handle.loop);
    /* Not 0: libuv would run it again at once, and look at nothing else, as long as it is due. */
    uv_timer_start(&timers->handle, tick, due > now ? (due - now + HEALTH_MS - 1) / HEALTH_MS : 1,
                   0);
}

static void take(struct health_timers *timers, struct health_timer *timer)
{
    size_t slot = timer->slot;
    struct health_timer *last = timers->heap[timers->count--];
    timer->slot = 0;
    if (last == timer)
        return;
    if (slot > 1 && timers->heap[slot / 2]->due > last->due)
        sift_up(timers, slot, last);
    else
        sift_down(timers, slot, last);
}

static void tick(uv_timer_t *handle)
{
    struct health_timers *timers = handle->data;
    timers->running = true;
    timers->before(timers->arg);
    bool before = health_beat_begin(timers->beat);
    uint64_t now = health_beat_now(timers->beat), end = now + SLICE;
    while (timers->count && timers->heap[1]->due <= now + timers->heap[1]->early && now < end) {
        struct health_timer *timer = timers->heap[1];
        take(timers, timer);
        timer->run(timer);
        now = health_beat_now(timers->beat);
    }
    health_beat_end(timers->beat, before);
    timers->running = false;
    timers->wake = 0;
    arm(timers);
}

struct health_timers *health_timers_new(uv_loop_t *loop, struct health_beat *beat,
                                        void (*before)(void *arg), void *arg)
{
    struct health_timers *timers = calloc(1, sizeof(*timers));
    if (!timers)
        return NULL;
    timers->beat = beat;
    timers->before = before;
    timers->arg = arg;
    uv_timer_init(loop, &timers->handle);
    timers->handle.data = timers;
    return timers;
}

static void free_timers(uv_handle_t *handle)
{
    struct health_timers *timers = handle->data;
    free(timers->heap);
    free(timers);
}

void health_timers_free(struct health_timers *timers)
{
    if (timers)
        uv_close((uv_handle_t *)&timers->handle, free_timers);
}

bool health_timer_reserve(struct health_timers *timers)
{
    if (timers->reserved + 1 >= timers->room) {
        size_t room = timers->room ? timers->room * 2 : 64;
        struct health_timer **heap = realloc(timers->heap, room * sizeof(struct health_timer *));
        if (!heap)
            return false;
        timers->heap = heap;
        timers->room = room;
    }
    timers->reserved++;
    return true;
}

void health_timer_release(struct health_timers *timers)
{
    timers->reserved--;
}

void health_timer_set(struct health_timers *timers, struct health_timer *timer, uint64_t due)
{
    const struct health_timer *first = timers->count ? timers->heap[1] : NULL;
    if (timer->slot)
        take(timers, timer);
    timer->due = due;
    sift_up(timers, ++timers->count, timer);
    if (timers->heap[1] != first || first == timer)
        arm(timers);
}

void health_timer_unset(struct health_timers *timers, struct health_timer *timer)
{
    if (!timer->slot)
        return;
    bool first = timer->slot == 1;
    take(timers, timer);
    if (first)
        arm(timers);
}
