/*
 * Times.
 */
#include "agent/clock.h"

#include <libyang/libyang.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

const char *clock_text(int64_t nanoseconds, char text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(nanoseconds / SECOND);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, CLOCK_TEXT_SIZE - length, ".%03dZ",
             (int)(nanoseconds % SECOND / 1000000));
    return text;
}

bool clock_of_text(const char *text, int64_t *nanoseconds)
{
    struct timespec time;
    /* libyang reads on without looking. */
    if (strlen(text) < sizeof("1970-01-01T00:00:00Z") - 1 || ly_time_str2ts(text, &time))
        return false;
    if (time.tv_sec >= INT64_MAX / SECOND)
        *nanoseconds = INT64_MAX;
    else if (time.tv_sec <= INT64_MIN / SECOND)
        *nanoseconds = INT64_MIN;
    else
        *nanoseconds = time.tv_sec * SECOND + time.tv_nsec;
    return true;
}
