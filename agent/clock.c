/*
 * Times.
 */
#include "agent/clock.h"

#include <stdio.h>
#include <time.h>

int64_t clock_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

const char *clock_text(int64_t nanoseconds, char text[CLOCK_TEXT_SIZE])
{
    time_t seconds = (time_t)(nanoseconds / 1000000000);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, CLOCK_TEXT_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(text + length, CLOCK_TEXT_SIZE - length, ".%03dZ",
             (int)(nanoseconds % 1000000000 / 1000000));
    return text;
}
