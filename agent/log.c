/*
 * The log.
 */
#include "agent/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char *const area_names[AREA_COUNT] = {
    [AREA_AGENT] = "agent",     [AREA_COMMIT] = "commit", [AREA_DATASTORE] = "datastore",
    [AREA_NETCONF] = "netconf", [AREA_SSH] = "ssh",       [AREA_YANG] = "yang",
    [AREA_SNMP] = "snmp",       [AREA_IPVS] = "ipvs",     [AREA_NULL] = "null",
    [AREA_EVENT] = "event",     [AREA_ACCESS] = "access", [AREA_STEERING] = "steering",
    [AREA_HEALTH] = "health",   [AREA_VRRP] = "vrrp",     [AREA_MAIL] = "mail",
};

/* The one state of the process that is not in the context: every thread and library logs. */
static atomic_int threshold = LOG_LEVEL_NOTICE;
static atomic_uint debug_areas;

#define ALL_AREAS ((1u << AREA_COUNT) - 1)

void log_set_level(enum log_level level)
{
    threshold = (int)level;
}

static bool find_area(const char *name, size_t length, unsigned *mask)
{
    if (length == 3 && !strncmp(name, "all", 3)) {
        *mask = ALL_AREAS;
        return true;
    }
    for (unsigned i = 0; i < AREA_COUNT; i++) {
        if (strlen(area_names[i]) == length && !strncmp(area_names[i], name, length)) {
            *mask = 1u << i;
            return true;
        }
    }
    return false;
}

bool log_set_debug(const char *names)
{
    unsigned areas = 0, mask;
    while (*names) {
        size_t length = strcspn(names, ",");
        if (!find_area(names, length, &mask))
            return false;
        areas |= mask;
        names += length + (names[length] == ',');
    }
    debug_areas |= areas;
    return true;
}

bool log_switch_debug(void)
{
    static unsigned before;
    bool on = debug_areas != ALL_AREAS;
    unsigned areas = on ? ALL_AREAS : before;
    before = on ? debug_areas : 0;
    debug_areas = areas;
    return on;
}

const char *log_area_names(void)
{
    static char names[AREA_COUNT * 16];
    size_t length = 0;
    for (unsigned i = 0; i < AREA_COUNT; i++)
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s%s", i ? ", " : "",
                                   area_names[i]);
    return names;
}

bool log_wanted(enum log_level level, enum log_area area)
{
    return (int)level <= threshold || (level == LOG_LEVEL_DEBUG && debug_areas >> area & 1);
}

/* The journal says itself when a line came; JOURNAL_STREAM names the socket it reads. */
static bool to_journal(void)
{
    static atomic_int known; /* 0 not yet, 1 no, 2 yes */
    if (!known) {
        const char *stream = getenv("JOURNAL_STREAM");
        char mine[64] = "";
        struct stat st;
        if (stream && !fstat(STDERR_FILENO, &st))
            snprintf(mine, sizeof(mine), "%lu:%lu", (unsigned long)st.st_dev,
                     (unsigned long)st.st_ino);
        known = stream && !strcmp(stream, mine) ? 2 : 1;
    }
    return known == 2;
}

/* Lines of a thread that wait; not more than a pipe takes in one piece. */
static _Thread_local struct {
    bool on;
    size_t size;
    char text[4096];
} held;

/* Where it cannot be written there is nowhere to say so. */
static void write_text(const char *text, size_t size)
{
    ssize_t written = write(STDERR_FILENO, text, size);
    (void)written;
}

static void write_held(void)
{
    if (held.size)
        write_text(held.text, held.size);
    held.size = 0;
}

void log_hold(void)
{
    held.on = true;
}

void log_release(void)
{
    write_held();
    held.on = false;
}

static void put_line(const char *line, size_t length)
{
    if (!held.on) {
        write_text(line, length);
        return;
    }
    if (held.size + length > sizeof(held.text))
        write_held();
    memcpy(held.text + held.size, line, length);
    held.size += length;
}

static size_t put_prefix(char *line, size_t size, enum log_level level, enum log_area area)
{
    static const char *const level_names[] = {[LOG_LEVEL_ERROR] = "error",
                                              [LOG_LEVEL_WARNING] = "warning",
                                              [LOG_LEVEL_NOTICE] = "notice",
                                              [LOG_LEVEL_INFO] = "info",
                                              [LOG_LEVEL_DEBUG] = "debug"};
    if (to_journal())
        return (size_t)snprintf(line, size, "<%d>%s: ", (int)level, area_names[area]);

    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &tm);
    size_t length = strftime(line, size, "%Y-%m-%dT%H:%M:%S", &tm);
    return length + (size_t)snprintf(line + length, size - length,
                                     ".%03ldZ %s %s: ", now.tv_nsec / 1000000, level_names[level],
                                     area_names[area]);
}

void log_line(enum log_level level, enum log_area area, const char *format, ...)
{
    if (!log_wanted(level, area))
        return;
    char line[2048];
    size_t length = put_prefix(line, sizeof(line), level, area);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(line + length, sizeof(line) - length - 1, format, args);
    va_end(args);
    if (more > 0)
        length +=
            (size_t)more < sizeof(line) - length - 1 ? (size_t)more : sizeof(line) - length - 2;
    /* What a client sent may be quoted in the message: it must not forge a line of its own. */
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < ' ')
            line[i] = ' ';
    line[length++] = '\n';
    put_line(line, length);
}
