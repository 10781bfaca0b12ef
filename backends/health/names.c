/*
 * Verdicts and their causes as noria-health names them.
 */
#include "backends/health/service.h"

const char *health_state_name(enum steering_health health)
{
    switch (health) {
    case STEERING_UP:
        return "up";
    case STEERING_DOWN:
        return "down";
    case STEERING_UNCHECKED:
        break;
    }
    return "unchecked";
}

const char *health_cause_name(enum health_cause cause)
{
    static const char *const names[] = {
        [HEALTH_BY_CHECK] = "check",
        [HEALTH_BY_CONFIGURATION] = "configuration",
        [HEALTH_BY_DAMPING] = "flap-damping",
        [HEALTH_BY_STOP] = "agent-stop",
    };
    return names[cause];
}
