/*
 * What everything asks of the one context.
 */
#include "agent/agent.h"

struct snapshot *agent_running(struct agent *agent)
{
    uv_mutex_lock(&agent->running_lock);
    struct snapshot *running = snapshot_ref(agent->running);
    uv_mutex_unlock(&agent->running_lock);
    return running;
}

bool agent_post(struct agent *agent, void (*function)(void *arg), void *arg)
{
    return calls_post(&agent->calls, function, arg);
}

bool agent_concerns(const struct agent *agent, const struct backend *backend,
                    const struct unit *unit)
{
    return agent
        ->concerned[unit->rank * agent->backend_count + (size_t)(backend - agent->backends)];
}
