/*
 * Clocks that cost a program of a guest what they cost on a machine: preloaded by tools/lab -w.
 *
 * Linux maps the means to read a clock into each process (vdso(7)), and reading takes nanoseconds.
 * User-Mode Linux has none of it for x86-64: each reading is a system call, the dearest there is
 * there. Programs and libraries that count on the vDSO read clocks dozens of times for one request.
 *
 * So read the processor's counter of time stamps instead. The kernel is asked again every few
 * milliseconds, so what it says of the clock, also that it was set, holds soon.
 */
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define SECOND 1000000000LL

/* For so long the counter stands for the kernel. */
#define TRUST (5 * SECOND / 1000)

/* A thread's view of a clock. */
struct view {
    int64_t first, first_stamp; /* the first reading, from which the counter's speed is known */
    int64_t last, last_stamp;   /* the last reading */
    int64_t given;              /* what was last answered */
};

/* The clocks that a vDSO reads finely, by their numbers; the others are not read often. */
static __thread struct view views[CLOCK_MONOTONIC_RAW + 1];

static int64_t nanoseconds(const struct timespec *time)
{
    return time->tv_sec * SECOND + time->tv_nsec;
}

static int64_t ask_kernel(clockid_t clock, struct view *view, int64_t stamp)
{
    struct timespec time;
    syscall(SYS_clock_gettime, clock, &time);
    int64_t now = nanoseconds(&time);
    stamp += ((int64_t)__rdtsc() - stamp) / 2; /* somewhere in between was now */
    /* A clock that was set, or not read for long, says nothing of the counter's speed. */
    if (!view->first || now < view->last || now - view->last > SECOND) {
        view->first = now;
        view->first_stamp = stamp;
        view->given = 0;
    }
    view->last = now;
    view->last_stamp = stamp;
    return now;
}

static int64_t read_clock(clockid_t clock)
{
    struct view *view = &views[clock];
    int64_t stamp = (int64_t)__rdtsc(), now = 0;
    if (view->last - view->first >= TRUST)
        now = view->last +
              (int64_t)((double)(stamp - view->last_stamp) * (double)(view->last - view->first) /
                        (double)(view->last_stamp - view->first_stamp));
    if (!now || now < view->last || now - view->last > TRUST)
        now = ask_kernel(clock, view, stamp);
    /* The counter may have run ahead a little: no clock goes back for that. */
    if (now < view->given && view->given - now < TRUST)
        now = view->given;
    view->given = now;
    return now;
}

int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_MONOTONIC_RAW)
        return (int)syscall(SYS_clock_gettime, clock, time);
    int64_t now = read_clock(clock);
    time->tv_sec = now / SECOND;
    time->tv_nsec = now % SECOND;
    return 0;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone)
{
    (void)zone; /* Linux has none */
    int64_t now = read_clock(CLOCK_REALTIME);
    time->tv_sec = now / SECOND;
    time->tv_usec = now % SECOND / 1000;
    return 0;
}

time_t time(time_t *result)
{
    time_t now = read_clock(CLOCK_REALTIME) / SECOND;
    if (result)
        *result = now;
    return now;
}
