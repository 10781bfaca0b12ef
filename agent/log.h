/*
 * The log: one line an event, with a level and an area, to standard error.
 *
 * Under systemd the lines carry the journal's level prefix; elsewhere a time stamp. Any thread may
 * log; a line is written by one write(2), so lines of different threads do not mix.
 */
#ifndef NORIA_LOG_H
#define NORIA_LOG_H

#include <stdbool.h>

/** Levels, as syslog(3) numbers them. */
enum log_level {
    LOG_LEVEL_ERROR = 3,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_NOTICE,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG
};

/** What part of the agent speaks. log.c holds the names. */
enum log_area {
    AREA_AGENT,
    AREA_COMMIT,
    AREA_DATASTORE,
    AREA_NETCONF,
    AREA_SSH,
    AREA_ACCESS,
    AREA_YANG,
    AREA_SNMP,
    AREA_IPVS,
    AREA_NULL,
    AREA_EVENT,
    AREA_STEERING,
    AREA_HEALTH,
    AREA_VRRP,
    AREA_MAIL,
    AREA_COUNT
};

/** Lines of this level and the graver ones are written (default: notice). */
void log_set_level(enum log_level level);

/**
 * Turn debug lines of single areas on.
 * @param names Names of areas with commas between them, or "all".
 * @return Whether every name is known; if not, nothing is changed.
 */
bool log_set_debug(const char *names);

/**
 * Turn debug lines of all areas on; if they are on, as they were before. Core thread.
 * @return Whether they are on.
 */
bool log_switch_debug(void);

/** Names of all areas with commas between them, for --help. A static string. */
const char *log_area_names(void);

/** Whether a line would be written; for work that is done for the log alone. */
bool log_wanted(enum log_level level, enum log_area area);

/** Write a line. Secrets must not be in it. */
void log_line(enum log_level level, enum log_area area, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/**
 * Have lines of this thread wait to be written together, until log_release(): where there are
 * thousands of them. Not nested.
 */
void log_hold(void);

/** Write what waits, and each line at once again. */
void log_release(void);

#define log_error(area, ...) log_line(LOG_LEVEL_ERROR, area, __VA_ARGS__)
#define log_warning(area, ...) log_line(LOG_LEVEL_WARNING, area, __VA_ARGS__)
#define log_notice(area, ...) log_line(LOG_LEVEL_NOTICE, area, __VA_ARGS__)
#define log_info(area, ...) log_line(LOG_LEVEL_INFO, area, __VA_ARGS__)
/** Debug lines cost nothing but a test where they are off. */
#define log_debug(area, ...)                                                                       \
    do {                                                                                           \
        if (log_wanted(LOG_LEVEL_DEBUG, area))                                                     \
            log_line(LOG_LEVEL_DEBUG, area, __VA_ARGS__);                                          \
    } while (0)

#endif
