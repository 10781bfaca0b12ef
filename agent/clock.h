/*
 * Times as the agent keeps them: nanoseconds since 1970 UTC. Any thread.
 */
#ifndef NORIA_CLOCK_H
#define NORIA_CLOCK_H

#include <stddef.h>
#include <stdint.h>

/** Room for a time as text, with its ending zero. */
#define CLOCK_TEXT_SIZE 40

/** What time it is. */
int64_t clock_now(void);

/** A time as YANG's date-and-time in UTC (RFC 6991), "2026-11-23T13:15:00.250Z". @return text. */
const char *clock_text(int64_t nanoseconds, char text[CLOCK_TEXT_SIZE]);

#endif
