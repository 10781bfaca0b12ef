#include "agent/snmp/library_log.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <string.h>
#include <uv.h>

#include "agent/log.h"

/* So many lines are written of each time, in nanoseconds. */
#define LINES_MAX 20
#define WINDOW UINT64_C(60000000000)

/* The time at hand. */
static struct {
    uint64_t begin; /* By uv_hrtime(). */
    unsigned lines, left_out;
} window;

void snmp_library_log_tell(void)
{
    uint64_t now = uv_hrtime();

    if (now - window.begin < WINDOW)
        return;
    if (window.left_out)
        log_warning(AREA_SNMP, "Net-SNMP: %u more lines within a minute were left out",
                    window.left_out);
    window.begin = now;
    window.lines = window.left_out = 0;
}

static bool has_room(void)
{
    snmp_library_log_tell();
    if (window.lines < LINES_MAX)
        window.lines++;
    else
        window.left_out++;
    return !window.left_out;
}

static int forward(int major, int minor, void *serverarg, void *clientarg)
{
    const struct snmp_log_message *message = serverarg;
    enum log_level level = message->priority < LOG_LEVEL_ERROR ? LOG_LEVEL_ERROR
                           : message->priority > LOG_LEVEL_DEBUG
                               ? LOG_LEVEL_DEBUG
                               : (enum log_level)message->priority;
    int length = (int)strcspn(message->msg, "\n");

    if (length > 0 && log_wanted(level, AREA_SNMP) && has_room())
        log_line(level, AREA_SNMP, "Net-SNMP: %.*s", length, message->msg);
    return SNMP_ERR_NOERROR;
}

void snmp_library_log_register(void)
{
    snmp_enable_calllog();
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_LOGGING, forward, NULL);
}
