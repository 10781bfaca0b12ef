#include "backends/health/engine.h"

#include <stdlib.h>
#include <sys/resource.h>

#include "agent/agent.h"
#include "agent/event/alarms.h"
#include "agent/log.h"
#include "backends/health/announcements.h"
#include "backends/health/fifo.h"

/* Descriptors that are left to the rest of the agent, and runs at once at most and at least. */
#define DESCRIPTORS_KEPT 256
#define RUNNING_MAX 32768
#define RUNNING_MIN 16

/* How long nothing must have lacked for the alarm to be over. */
#define LACKED_FOR (10 * HEALTH_SECOND)

static unsigned most_running(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur < DESCRIPTORS_KEPT + RUNNING_MIN)
        return RUNNING_MIN;
    return limit.rlim_cur > DESCRIPTORS_KEPT + RUNNING_MAX
               ? RUNNING_MAX
               : (unsigned)limit.rlim_cur - DESCRIPTORS_KEPT;
}

static void take_in(void *poller)
{
    health_poller_drain(poller);
}

struct health_engine *health_engine_new(struct backend *backend)
{
    struct health_engine *engine = calloc(1, sizeof(*engine));
    if (!engine || uv_mutex_init(&engine->lock)) {
        free(engine);
        return NULL;
    }
    engine->backend = backend;
    engine->running_max = most_running();
    engine->spread = uv_hrtime();
    engine->poller = health_poller_new(backend->loop, &engine->beat);
    engine->timers = engine->poller
                         ? health_timers_new(backend->loop, &engine->beat, take_in, engine->poller)
                         : NULL;
    engine->hooks = hooks_new(backend->loop);
    engine->announcements = announcements_new(backend->loop);
    if (engine->poller && engine->timers && engine->hooks && engine->announcements &&
        text_table_reserve(&engine->services))
        return engine;
    health_engine_free(engine);
    return NULL;
}

void health_engine_free(struct health_engine *engine)
{
    if (!engine)
        return;
    for (size_t i = 0; i < HEALTH_CHECKERS_MAX && engine->shared[i].checker; i++)
        engine->shared[i].checker->end(engine->shared[i].data);
    address_watch_free(engine->addresses);
    announcements_free(engine->announcements);
    health_fifos_free(engine->fifos);
    health_poller_free(engine->poller);
    health_timers_free(engine->timers);
    hooks_free(engine->hooks);
    text_table_clear(&engine->probes);
    text_table_clear(&engine->services);
    uv_mutex_destroy(&engine->lock);
    free(engine);
}

bool health_engine_share(struct health_engine *engine, const struct checker *checker, void **shared)
{
    *shared = NULL;
    if (!checker->begin)
        return true;
    struct health_share *share = engine->shared, *end = share + HEALTH_CHECKERS_MAX;
    while (share < end && share->checker && share->checker != checker)
        share++;
    if (share == end)
        return false;
    if (!share->checker) {
        share->data = checker->begin(engine->poller, engine->backend->loop);
        share->checker = share->data ? checker : NULL;
    }
    *shared = share->data;
    return *shared;
}

void health_engine_crowded(struct health_engine *engine)
{
    unsigned most = engine->figures.running > RUNNING_MIN ? engine->figures.running - 1 : 0;
    engine->running_max = most > RUNNING_MIN ? most : RUNNING_MIN;
}

static const struct alarm_id degraded = {.resource = "/noria-health:health-engine",
                                         .type = "check-degraded"};

void health_engine_begin(struct health_engine *engine)
{
    alarm_clear(engine->backend->agent, &degraded, "The agent was started anew.");
}

void health_engine_lacks(struct health_engine *engine, const char *error)
{
    struct agent *agent = engine->backend->agent;
    if (!error && !engine->lacked)
        return;
    uint64_t now = uv_hrtime();
    if (error) {
        if (!engine->lacked) {
            log_warning(AREA_HEALTH, "checks cannot be run: %s; verdicts stay as they are", error);
            alarm_raise(agent, &degraded, ALARM_MAJOR,
                        "Checks cannot be run (%s). Allow the agent more descriptors "
                        "(LimitNOFILE), or look at what the checks are bound to.",
                        error);
        }
        engine->lacked = now;
    } else if (now - engine->lacked > LACKED_FOR) {
        engine->lacked = 0;
        engine->running_max = most_running();
        log_notice(AREA_HEALTH, "checks can be run again");
        alarm_clear(agent, &degraded, "Checks can be run again.");
    }
}
