/*
 * Virtual servers: putting them to work.
 */
#include "backends/health/service.h"

#include "agent/agent.h"
#include "backends/health/announcements.h"

static void copy_verdict(struct health_check *to, const struct health_check *from)
{
    to->verdict = from->verdict;
    to->since = from->since;
    to->weight = from->weight;
    to->adjust = from->adjust;
}

/* What others have found by the same probe. @return Whether there is anything. */
static bool learn_check(struct health_check *check)
{
    const struct probe_status *status = probe_status(check->subscriber.probe);
    const struct probe_subscriber *one = status->runs ? check->subscriber.next : NULL;
    for (; one; one = one->next) {
        const struct health_check *other = check_of((struct probe_subscriber *)one);
        /* Without either it is down for alpha, and not by a result. */
        if (other->verdict.state != STEERING_UNCHECKED && (other->since || status->failures)) {
            copy_verdict(check, other);
            return true;
        }
    }
    return false;
}

/* A real server of which nothing is known yet; settle() works out what its checks come to. */
static void learn_server(struct health_server *server)
{
    bool learned = false;
    for (size_t i = 0; i < server->check_count; i++)
        learned = learn_check(&server->checks[i]) || learned;
    if (learned)
        server->raw = server->health = STEERING_UNCHECKED;
}

/* Checks of both that are one probe, whatever they are called, go on as they are. */
static void carry_checks(const struct health_server *from, struct health_server *to)
{
    static const struct health_check unknown = {.weight = CHECK_WEIGHT_NONE};
    for (size_t i = 0; i < to->check_count; i++) {
        struct health_check *check = &to->checks[i];
        const struct health_check *before = NULL;
        for (size_t k = 0; k < from->check_count; k++)
            if (from->checks[k].subscriber.probe == check->subscriber.probe)
                before = &from->checks[k];
        copy_verdict(check, before ? before : &unknown);
        if (!before)
            learn_check(check);
    }
}

static void carry_server(struct health_server *from, struct health_server *to)
{
    to->order = from->order;
    to->order_weight = from->order_weight;
    to->raw = from->raw;
    to->health = from->health;
    to->since = from->since;
    to->up_at = from->up_at;
    to->told = from->told;
    to->told_once = from->told_once;
    if (to->flap && from->flap)
        *to->flap = *from->flap;
    to->history = from->history;
    from->history = NULL;
    carry_checks(from, to);
}

static void carry(struct health_service *from, struct health_service *to)
{
    if (from) {
        to->lost = from->lost;
        to->lost_since = from->lost_since;
    }
    for (size_t i = 0; i < to->server_count; i++) {
        struct health_server *server = &to->servers[i];
        struct health_server *before =
            from ? service_find(from, server->address, server->port) : NULL;
        if (before)
            carry_server(before, server);
        else if (!server->since)
            learn_server(server);
    }
}

static bool is_flapping(const struct health_server *server)
{
    return server->flap && server->flap->flapping;
}

/* A service rests; what the one after it does not check any more serves unchecked. */
static void retire(struct health_service *from, const struct health_service *to)
{
    struct agent *agent = from->engine->backend->agent;
    service_for_each_check(from, probe_unsubscribe);
    for (size_t i = 0; i < from->server_count; i++) {
        struct health_server *server = &from->servers[i];
        struct steering_key key = {from->name, server->address, server->port};
        const struct health_server *next =
            to ? service_find(to, server->address, server->port) : NULL;
        health_timer_unset(from->engine->timers, &server->timer);
        /* What damps flaps may go with the change, or come back with its end. */
        if (is_flapping(server) != (next && is_flapping(next)))
            notice_flapping(server, !is_flapping(server));
        if (next)
            continue;
        notice_down(server, false, NULL);
        server->told_once = false;
        steering_set_verdict(agent, &key,
                             &(struct steering_verdict){.weight = STEERING_WEIGHT_CONFIGURED});
    }
    if (to)
        return;
    steering_set_quorum_lost(agent, from->name, false, false);
    notice_quorum_alarm(from, &(struct health_quorum){.lost = false});
}

/* Rules may be others than before, so every verdict is worked out anew. */
static void settle(struct health_service *service)
{
    for (size_t i = 0; i < service->server_count; i++) {
        struct health_server *server = &service->servers[i];
        server_review(server);
        server_tell(server);
        if (is_flapping(server))
            health_timer_set(service->engine->timers, &server->timer, uv_hrtime());
    }
    service_note_quorum(service);
}

/* After a restart, alarms of before may be over, or go on. */
static void confirm_alarms(const struct health_service *service)
{
    for (size_t i = 0; i < service->server_count; i++) {
        const struct health_server *server = &service->servers[i];
        bool down = server->health == STEERING_DOWN;
        /* Else it is down for alpha, and no check has said so. */
        const char *why = server->since ? NULL : "It waits for its first check (alpha).";
        if (!down || !server->history)
            notice_down(server, down, why);
        notice_flapping_alarm(server, is_flapping(server));
    }
    notice_quorum_alarm(service, &(struct health_quorum){service->lost, service->weight_up});
}

void service_begin(struct health_engine *engine, struct health_service *from,
                   struct health_service *to)
{
    if (from)
        announce_now(from);
    if (to)
        to->suspended = service_is_suspended(to);
    if (to && !to->suspended)
        service_for_each_check(to, probe_subscribe);
    uv_mutex_lock(&engine->lock);
    if (from)
        text_table_remove(&engine->services, &from->link);
    if (to) {
        carry(from, to);
        service_read_orders(to);
        service_count_servers(to);
        text_table_reserve(&engine->services); /* without room it gets slower, no more */
        text_table_add(&engine->services, &to->link, to->name);
    }
    uv_mutex_unlock(&engine->lock);
}

void service_settle(struct health_engine *engine, struct health_service *from,
                    struct health_service *to)
{
    if (from)
        retire(from, to);
    if (to)
        settle(to);
    if (!to || from)
        return;
    /* What the steering knows is of before a restart, or of before this was taken back. */
    steering_set_quorum_lost(engine->backend->agent, to->name, to->lost, false);
    confirm_alarms(to);
}

/* Omega: what was told to be up is told to be down when the agent ends. */
static void say_good_bye(struct health_service *service)
{
    for (size_t i = 0; i < service->server_count && service->omega; i++) {
        struct health_server *server = &service->servers[i];
        if (server->health == STEERING_DOWN)
            continue;
        server->health = STEERING_DOWN; /* the steering is not told */
        hook_server(server,
                    &(struct health_occasion){.cause = HEALTH_BY_STOP, .health = STEERING_DOWN});
    }
    if (service->omega && !service->lost) {
        service->lost = true;
        hook_quorum(service, &(struct health_quorum){true, service->weight_up});
    }
}

void service_rest(struct health_service *service)
{
    struct health_engine *engine = service->engine;
    announce_now(service);
    uv_mutex_lock(&engine->lock);
    text_table_remove(&engine->services, &service->link);
    uv_mutex_unlock(&engine->lock);
    service_for_each_check(service, probe_unsubscribe);
    for (size_t i = 0; i < service->server_count; i++)
        health_timer_unset(engine->timers, &service->servers[i].timer);
    say_good_bye(service);
}
