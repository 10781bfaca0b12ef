/*
 * Times as the agent keeps them: nanoseconds since 1970 UTC. Any thread.
 */
#ifndef NORIA_CLOCK_H
#define NORIA_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for a time as text, with its ending zero. */
#define CLOCK_TEXT_SIZE 40

/** What time it is. */
int64_t clock_now(void);

/** A time as YANG's date-and-time in UTC (RFC 6991), "2026-11-23T13:15:00.250Z". @return text. */
const char *clock_text(int64_t nanoseconds, char text[CLOCK_TEXT_SIZE]);

/**
 * A time from YANG's date-and-time. One that is too early or too late for 64 bits, as clients write
 * that mean "never", is the earliest or the latest that there is.
 * @return false if the text is none.
 */
bool clock_of_text(const char *text, int64_t *nanoseconds);

#endif
