/*
 * Real servers: from results of checks to verdicts.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "backends/health/announcements.h"

/* A dynamic weight: the lowest one that a check wants, and what checks add to it. */
static int32_t weight_of_checks(const struct health_server *server)
{
    int32_t weight = STEERING_WEIGHT_CONFIGURED;
    int64_t adjust = 0;
    for (size_t i = 0; i < server->check_count; i++) {
        int32_t wanted = server->checks[i].weight;
        if (wanted != CHECK_WEIGHT_NONE && (weight < 0 || wanted < weight))
            weight = wanted;
        adjust += server->checks[i].adjust;
    }
    if (!adjust)
        return weight;
    adjust += weight < 0 ? (int64_t)server->weight : weight;
    return adjust < 0 ? 0 : adjust > HEALTH_WEIGHT_MAX ? HEALTH_WEIGHT_MAX : (int32_t)adjust;
}

/* The weight now; sets the timer for the next step of a slow start. */
static int32_t weight_now(struct health_server *server)
{
    const struct health_service *service = server->service;
    int32_t weight = weight_of_checks(server);
    if (!server->up_at || server->health != STEERING_UP || !service->slow_start)
        return weight;
    uint64_t elapsed = uv_hrtime() - server->up_at;
    if (elapsed >= service->slow_start) {
        server->up_at = 0;
        return weight;
    }
    uint64_t step = service->slow_start / VERDICT_RAMP_STEPS;
    health_timer_set(service->engine->timers, &server->timer,
                     server->up_at + (elapsed / step + 1) * step);
    return verdict_ramp(weight < 0 ? (int32_t)server->weight : weight, elapsed,
                        service->slow_start);
}

void server_tell(struct health_server *server)
{
    const struct health_service *service = server->service;
    struct steering_key key = {service->name, server->address, server->port};
    struct steering_verdict verdict = {
        .health = server->health,
        .weight = weight_now(server),
        .inhibit = server->inhibit,
        .since = server->since,
    };
    const struct steering_verdict *told = &server->told;
    if (server->told_once && told->health == verdict.health && told->weight == verdict.weight &&
        told->inhibit == verdict.inhibit)
        return;
    server->told = verdict;
    server->told_once = true;
    steering_set_verdict(service->engine->backend->agent, &key, &verdict);
}

static void remember(struct health_server *server, const struct health_occasion *occasion)
{
    const struct probe_result *result = occasion->result;
    if (!server->history)
        server->history = calloc(HEALTH_HISTORY, sizeof(*server->history));
    if (!server->history)
        return;
    struct health_change *history = server->history;
    free(history[HEALTH_HISTORY - 1].check);
    free(history[HEALTH_HISTORY - 1].error);
    memmove(history + 1, history, (HEALTH_HISTORY - 1) * sizeof(*history));
    history[0] = (struct health_change){
        .time = server->since,
        .health = server->health,
        .cause = occasion->cause,
        .latency = result ? (uint32_t)(result->latency / 1000) : 0,
        .check = occasion->check ? strdup(occasion->check->name) : NULL,
        .error = result && result->error ? strdup(result->error) : NULL,
    };
}

/* A new verdict, and all that follows from it. */
static void set_health(struct health_server *server, enum steering_health health,
                       const struct health_occasion *occasion)
{
    struct health_service *service = server->service;
    struct health_occasion news = *occasion;
    if (health == server->health)
        return;
    uv_mutex_lock(&service->engine->lock);
    service->weight_up -= server_weight_up(server);
    if (server->health == STEERING_DOWN) {
        service->down--;
        server->up_at = service->slow_start ? uv_hrtime() : 0;
    } else if (health == STEERING_DOWN) {
        service->down++;
    }
    server->health = health;
    server->since = clock_now();
    service->weight_up += server_weight_up(server);
    remember(server, occasion);
    news.health = health;
    news.first = !server->history || !server->history[1].time;
    uv_mutex_unlock(&service->engine->lock);
    server_tell(server);
    announce_server(server, &news);
    service_note_quorum(service);
}

static void watch_flapping(struct health_server *server)
{
    const struct verdict_flap_rule *rule = &server->service->flap_rule;
    health_timer_set(server->service->engine->timers, &server->timer,
                     server->flap->last + rule->hold);
}

static enum steering_health work_out(const struct health_server *server)
{
    struct verdict_count count = {.total = (unsigned)server->check_count};
    for (size_t i = 0; i < server->check_count; i++) {
        count.up += server->checks[i].verdict.state == STEERING_UP;
        count.down += server->checks[i].verdict.state == STEERING_DOWN;
    }
    return verdict_of_checks(&count, server->service->needed, server->raw);
}

static void review(struct health_server *server, const struct health_occasion *occasion)
{
    enum steering_health raw = work_out(server), before = server->raw;
    bool flapping = server->flap && server->flap->flapping;
    if (raw != before && before != STEERING_UNCHECKED && server->flap) {
        bool began = verdict_flap_note(server->flap, &server->service->flap_rule, uv_hrtime());
        flapping = server->flap->flapping;
        if (began)
            notice_flapping(server, true);
        if (flapping)
            watch_flapping(server);
    }
    server->raw = raw;
    set_health(server, flapping ? STEERING_DOWN : raw, occasion);
}

/* By which of its checks it is down, or NULL. */
static const struct health_check *failed_check(const struct health_server *server)
{
    for (size_t i = 0; i < server->check_count; i++)
        if (server->checks[i].verdict.state == STEERING_DOWN)
            return &server->checks[i];
    return NULL;
}

void server_review(struct health_server *server)
{
    bool down = work_out(server) == STEERING_DOWN;
    const struct health_check *failed = down ? failed_check(server) : NULL;
    struct probe_result result = {.ending = CHECK_FAILED};
    if (failed)
        result.error = probe_status(failed->subscriber.probe)->error;
    review(server, &(struct health_occasion){.cause = HEALTH_BY_CONFIGURATION,
                                             .check = failed,
                                             .result = failed ? &result : NULL});
}

void server_tick(struct health_timer *timer)
{
    struct health_server *server =
        (struct health_server *)((char *)timer - offsetof(struct health_server, timer));
    const struct health_service *service = server->service;
    if (server->flap && server->flap->flapping) {
        if (!verdict_flap_end(server->flap, &service->flap_rule, uv_hrtime())) {
            watch_flapping(server);
            return;
        }
        notice_flapping(server, false);
        set_health(server, server->raw, &(struct health_occasion){.cause = HEALTH_BY_DAMPING});
    }
    server_tell(server);
}

bool check_noted(struct probe_subscriber *subscriber, const struct probe_result *result)
{
    struct health_check *check = check_of(subscriber);
    bool passed = result->ending == CHECK_PASSED;
    struct verdict_check verdict = check->verdict;
    if (!passed && check->log_failures && verdict.state != STEERING_DOWN)
        notice_failure(check, result);
    bool changed = verdict_note(&verdict, &check->rule, passed);
    bool reweighted =
        passed && (result->weight != check->weight || result->adjust != check->adjust);
    if (!changed && !reweighted && verdict.streak == check->verdict.streak)
        return verdict_is_changing(&verdict);
    uv_mutex_lock(&check->server->service->engine->lock);
    check->verdict = verdict;
    if (changed)
        check->since = clock_now();
    if (reweighted) {
        check->weight = result->weight;
        check->adjust = result->adjust;
    }
    uv_mutex_unlock(&check->server->service->engine->lock);
    if (changed)
        review(check->server, &(struct health_occasion){
                                  .cause = HEALTH_BY_CHECK, .check = check, .result = result});
    if (reweighted)
        server_tell(check->server);
    return verdict_is_changing(&verdict);
}
