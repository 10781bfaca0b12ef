/*
 * From configuration to services.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "backends/health/service.h"

/* What a virtual server says for all of its checks. */
struct defaults {
    const struct entry *entry;
    const struct lyd_node *health;
    struct probe_timing timing;
    struct verdict_rule rule;
    uint64_t warmup;
    bool has_warmup;
    bool log_failures;
    const char *address, *port; /* the virtual server's, or NULL */
    const char *mark;
};

static uint64_t time_of(const struct lyd_node *node, const char *name, uint64_t otherwise)
{
    const char *value = leaf_value(node, name);
    return value ? (uint64_t)(strtod(value, NULL) * 1000 + 0.5) * HEALTH_MS : otherwise;
}

static uint32_t number_of(const struct lyd_node *node, const char *name, uint32_t otherwise)
{
    const char *value = leaf_value(node, name);
    return value ? (uint32_t)strtoul(value, NULL, 10) : otherwise;
}

static bool is_true(const struct lyd_node *node, const char *name, bool otherwise)
{
    const char *value = leaf_value(node, name);
    return value ? !strcmp(value, "true") : otherwise;
}

static struct probe_timing timing_of(const struct lyd_node *node,
                                     const struct probe_timing *otherwise)
{
    return (struct probe_timing){
        .interval = time_of(node, "delay-loop", otherwise->interval),
        .timeout = time_of(node, "timeout", otherwise->timeout),
        .retry = time_of(node, "delay-before-retry", otherwise->retry),
    };
}

static struct verdict_rule rule_of(const struct lyd_node *node,
                                   const struct verdict_rule *otherwise)
{
    return (struct verdict_rule){
        .retry = (uint8_t)number_of(node, "retry", otherwise->retry),
        .retry_up = (uint8_t)number_of(node, "retry-up", otherwise->retry_up),
    };
}

static const struct checker *checker_of(const struct lyd_node *check,
                                        const struct lyd_node **config)
{
    for (const struct checker *const *checker = checker_registry; *checker; checker++)
        if ((*config = child_node(check, (*checker)->name)))
            return *checker;
    return NULL;
}

/* Where a check comes from. @param source, port NULL: the kernel's choice. */
static enum outcome set_source(const struct lyd_node *check, const char *source, const char *port,
                               struct check_target *target, struct error *err)
{
    uint16_t number = port ? (uint16_t)atoi(port) : 0;
    if (source)
        check_address_parse(source, number, &target->source);
    else if (number)
        check_address_parse(target->address.any.sa_family == AF_INET6 ? "::" : "0.0.0.0", number,
                            &target->source);
    if (!source || target->source.any.sa_family == target->address.any.sa_family)
        return DONE;
    char *path = lyd_path(check, LYD_PATH_STD, NULL, 0), address[INET6_ADDRSTRLEN];
    enum outcome outcome = refuse(err, TAG_INVALID_VALUE, path,
                                  "The source address %s and the checked address %s are of "
                                  "different families.",
                                  source, check_address_text(&target->address, address));
    free(path);
    return outcome;
}

/* Where a check goes to: the check itself may say so, then its real server, then addresses. */
static enum outcome target_of(const struct lyd_node *check, const struct lyd_node *real,
                              const struct defaults *defaults, struct check_target *target,
                              struct error *err)
{
    const struct lyd_node *nodes[] = {check, child_node(real, "health")};
    const char *address = NULL, *port = NULL, *source = NULL, *interface = NULL, *mark = NULL;
    const char *from = NULL;
    for (size_t i = 0; i < sizeof(nodes) / sizeof(*nodes); i++) {
        address = address ? address : leaf_value(nodes[i], "connect-address");
        port = port ? port : leaf_value(nodes[i], "connect-port");
        source = source ? source : leaf_value(nodes[i], "bind-address");
        from = from ? from : leaf_value(nodes[i], "bind-port");
        interface = interface ? interface : leaf_value(nodes[i], "bind-interface");
        mark = mark ? mark : leaf_value(nodes[i], "firewall-mark");
    }
    address = address ? address : leaf_value(real, "address");
    port = port ? port : leaf_value(real, "port");
    if (!strcmp(port, "0") && defaults->port)
        port = defaults->port;
    *target = (struct check_target){.mark = mark ? (uint32_t)strtoul(mark, NULL, 10) : 0};
    if (interface)
        snprintf(target->interface, sizeof(target->interface), "%s", interface);
    check_address_parse(address, (uint16_t)atoi(port), &target->address);
    return set_source(check, source, from, target, err);
}

static enum outcome refuse_port(const struct lyd_node *check, struct error *err)
{
    char *path = lyd_path(check, LYD_PATH_STD, NULL, 0);
    enum outcome outcome = refuse(err, TAG_INVALID_VALUE, path,
                                  "It is not clear which port is to be checked, since the real "
                                  "server's is 0: set connect-port.");
    free(path);
    return outcome;
}

static enum outcome add_check(struct health_server *server, const struct lyd_node *check,
                              const struct lyd_node *real, const struct defaults *defaults,
                              struct error *err)
{
    struct probe_wish wish = {
        .timing = timing_of(check, &defaults->timing),
        .server = server->address,
        .server_port = leaf_value(real, "port"),
        .virtual_name = server->service->name,
        .virtual_address = defaults->address ? defaults->address : defaults->mark,
        .virtual_port = defaults->port ? defaults->port : "0",
    };
    struct health_check *added = &server->checks[server->check_count];
    wish.checker = checker_of(check, &wish.config);
    if (!wish.checker)
        return fail(err, TAG_OPERATION_FAILED, NULL, "No checker knows this type of check.");
    enum outcome outcome = target_of(check, real, defaults, &wish.target, err);
    if (outcome != DONE)
        return outcome;
    if (!check_address_port(&wish.target.address) && !wish.checker->portless)
        return refuse_port(check, err);
    *added = (struct health_check){
        .server = server,
        .number = entry_row_number(defaults->entry, check),
        .rule = rule_of(check, &defaults->rule),
        .weight = CHECK_WEIGHT_NONE,
        .subscriber.noted = check_noted,
        .subscriber.warmup = time_of(
            check, "warmup", defaults->has_warmup ? defaults->warmup : wish.timing.interval),
        .alpha = is_true(check, "alpha", server->service->alpha),
        .log_failures = is_true(check, "log-all-failures", defaults->log_failures),
    };
    added->name = strdup(leaf_value(check, "name"));
    if (!added->name)
        return fail_memory(err);
    server->check_count++;
    return probe_acquire(server->service->engine, &wish, &added->subscriber.probe, err);
}

static bool is_check(const struct lyd_node *node)
{
    return node->schema && node->schema->nodetype == LYS_LIST &&
           !strcmp(node->schema->name, "check");
}

static const struct lyd_node *named_check(const struct lyd_node *list, const char *name)
{
    const struct lyd_node *check;
    LY_LIST_FOR(list ? lyd_child(list) : NULL, check)
    {
        if (is_check(check) && !strcmp(leaf_value(check, "name"), name))
            return check;
    }
    return NULL;
}

/* The checks of a list, without those that another list has, too. */
static enum outcome add_checks(struct health_server *server, const struct lyd_node *list,
                               const struct lyd_node *except, const struct lyd_node *real,
                               const struct defaults *defaults, struct error *err)
{
    enum outcome outcome = DONE;
    const struct lyd_node *check;
    LY_LIST_FOR(list ? lyd_child(list) : NULL, check)
    {
        if (outcome == DONE && is_check(check) && is_true(check, "enabled", true) &&
            !named_check(except, leaf_value(check, "name")))
            outcome = add_check(server, check, real, defaults, err);
    }
    return outcome;
}

static size_t count_checks(const struct lyd_node *list)
{
    size_t count = 0;
    const struct lyd_node *check;
    LY_LIST_FOR(list ? lyd_child(list) : NULL, check)
    count += is_check(check);
    return count;
}

static bool inhibits(const struct lyd_node *health, bool otherwise)
{
    const char *action = leaf_value(health, "on-failure");
    return action ? !strcmp(action, "inhibit") : otherwise;
}

/* @return Whether there was memory for it; NULL is copied without. */
static bool copy_text(const char *text, char **copy)
{
    *copy = text ? strdup(text) : NULL;
    return *copy || !text;
}

static enum outcome fill_server(struct health_server *server, const struct lyd_node *real,
                                const struct defaults *defaults, struct error *err)
{
    const struct lyd_node *own = child_node(real, "health");
    const struct lyd_node *inherited =
        is_true(own, "inherit-checks", true) ? defaults->health : NULL;
    server->address = strdup(leaf_value(real, "address"));
    server->port = (uint16_t)number_of(real, "port", 0);
    server->weight = number_of(real, "weight", 1);
    server->inhibit = inhibits(own, server->service->inhibit);
    server->timer.run = server_tick;
    server->checks =
        calloc(count_checks(inherited) + count_checks(own) + 1, sizeof(*server->checks));
    if (server->service->flap_rule.changes)
        server->flap = calloc(1, sizeof(*server->flap));
    if (!server->address || !server->checks ||
        (server->service->flap_rule.changes && !server->flap) ||
        !copy_text(leaf_value(own, "notify-up"), &server->notify_up) ||
        !copy_text(leaf_value(own, "notify-down"), &server->notify_down))
        return fail_memory(err);
    if (server->flap || server->service->slow_start) {
        server->timer_reserved = health_timer_reserve(server->service->engine->timers);
        if (!server->timer_reserved)
            return fail_memory(err);
    }
    enum outcome outcome = add_checks(server, own, NULL, real, defaults, err);
    return outcome == DONE ? add_checks(server, inherited, own, real, defaults, err) : outcome;
}

static bool is_checked(const struct lyd_node *real)
{
    return real->schema && real->schema->nodetype == LYS_LIST &&
           !strcmp(real->schema->name, "real-server") && is_true(real, "enabled", true) &&
           is_true(real, "health/enabled", true);
}

/* What the steering still knows from before a restart; whether the quorum was lost, too. */
static void recall(struct health_server *server)
{
    struct health_service *service = server->service;
    struct steering_key key = {service->name, server->address, server->port};
    struct steering_server known = {0};
    if (service->engine->backend->agent->steering)
        steering_read(service->engine->backend->agent, &key, &known);
    server->health = known.verdict.health;
    server->since = known.verdict.since;
    bool unknown = server->health == STEERING_UNCHECKED;
    for (size_t i = 0; i < server->check_count; i++) {
        struct health_check *check = &server->checks[i];
        check->verdict.state = unknown && check->alpha ? STEERING_DOWN : known.verdict.health;
        check->since = known.verdict.since;
        if (unknown && check->alpha)
            server->health = STEERING_DOWN;
    }
    server->raw = server->health;
}

static enum outcome fill_servers(struct health_service *service, const struct lyd_node *node,
                                 const struct defaults *defaults, struct error *err)
{
    const struct lyd_node *real;
    size_t count = 0;
    LY_LIST_FOR(lyd_child(node), real)
    count += is_checked(real);
    service->servers = calloc(count + 1, sizeof(*service->servers));
    if (!service->servers)
        return fail_memory(err);
    enum outcome outcome = DONE;
    LY_LIST_FOR(lyd_child(node), real)
    {
        if (outcome != DONE || !is_checked(real))
            continue;
        struct health_server *server = &service->servers[service->server_count++];
        server->service = service;
        outcome = fill_server(server, real, defaults, err);
    }
    return outcome;
}

/* Servers are moved by the sort, so what points at them is set after it. */
static void order_servers(struct health_service *service)
{
    qsort(service->servers, service->server_count, sizeof(*service->servers), server_compare);
    for (size_t i = 0; i < service->server_count; i++) {
        struct health_server *server = &service->servers[i];
        for (size_t c = 0; c < server->check_count; c++)
            server->checks[c].server = server;
        recall(server);
    }
}

static void fill_settings(struct health_service *service, const struct lyd_node *health)
{
    service->alpha = is_true(health, "alpha", false);
    service->omega = is_true(health, "omega", false);
    service->inhibit = inhibits(health, false);
    service->needed = number_of(health, "checks-needed", 0);
    service->quorum = number_of(health, "quorum", 1);
    service->hysteresis = number_of(health, "hysteresis", 0);
    service->slow_start = time_of(health, "slow-start", 0);
    service->flap_rule = (struct verdict_flap_rule){
        .changes = number_of(health, "flap-damping/changes", 0),
        .window = time_of(health, "flap-damping/window", 0),
        .hold = time_of(health, "flap-damping/hold", 0),
    };
}

static bool copy_commands(struct health_service *service, const struct lyd_node *health)
{
    const struct {
        const char *leaf;
        char **to;
    } commands[] = {{"notify-up", &service->notify_up},
                    {"notify-down", &service->notify_down},
                    {"quorum-up", &service->quorum_up},
                    {"quorum-down", &service->quorum_down},
                    {"fallback-command", &service->fallback_command},
                    {"hook-user", &service->hook_user}};
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
        if (!copy_text(leaf_value(health, commands[i].leaf), commands[i].to))
            return false;
    return true;
}

enum outcome service_new(struct health_engine *engine, const struct entry *entry,
                         struct health_service **result, struct error *err)
{
    static const struct probe_timing no_timing;
    static const struct verdict_rule no_rule;
    const struct lyd_node *health = child_node(entry->node, "health");
    *result = NULL;
    if (!health || !is_true(health, "enabled", true) || !is_true(entry->node, "enabled", true))
        return DONE;
    /* A group is told by its first member. */
    const struct lyd_node *member = child_node(entry->node, "member");
    const struct lyd_node *served = member ? member : entry->node;
    struct defaults defaults = {
        .entry = entry,
        .health = health,
        .timing = timing_of(health, &no_timing),
        .rule = rule_of(health, &no_rule),
        .has_warmup = leaf_value(health, "warmup"),
        .warmup = time_of(health, "warmup", 0),
        .log_failures = is_true(health, "log-all-failures", false),
        .address = leaf_value(served, "address"),
        .port = leaf_value(served, "port"),
        .mark = leaf_value(served, "firewall-mark"),
    };
    struct health_service *service = calloc(1, sizeof(*service));
    if (!service)
        return fail_memory(err);
    service->engine = engine;
    service->group = member;
    fill_settings(service, health);
    service->name = strdup(leaf_value(entry->node, "name"));
    service->virtual_address = strdup(defaults.address ? defaults.address : defaults.mark);
    service->virtual_port = strdup(defaults.port ? defaults.port : "0");
    const char *protocol = leaf_value(served, "protocol");
    service->protocol = strdup(protocol ? protocol : "fwm");
    enum outcome outcome = service->name && service->virtual_address && service->virtual_port &&
                                   service->protocol && copy_commands(service, health)
                               ? service_fill_addresses(service, entry->node, err)
                               : fail_memory(err);
    if (outcome == DONE && !hook_user_known(service->hook_user))
        outcome = check_refuse(health, "hook-user", err, "There is no user %s on this node.",
                               service->hook_user);
    if (outcome == DONE)
        outcome = fill_servers(service, entry->node, &defaults, err);
    if (outcome != DONE) {
        service_free(service);
        return outcome;
    }
    order_servers(service);
    if (engine->backend->agent->steering)
        service->lost = steering_quorum_lost(engine->backend->agent, service->name);
    *result = service;
    return DONE;
}

static void clear_history(struct health_server *server)
{
    for (size_t i = 0; server->history && i < HEALTH_HISTORY; i++) {
        free(server->history[i].check);
        free(server->history[i].error);
    }
    free(server->history);
}

void service_free(struct health_service *service)
{
    if (!service)
        return;
    for (size_t i = 0; i < service->server_count; i++) {
        struct health_server *server = &service->servers[i];
        for (size_t c = 0; c < server->check_count; c++) {
            probe_release(server->checks[c].subscriber.probe);
            free(server->checks[c].name);
        }
        if (server->timer_reserved)
            health_timer_release(service->engine->timers);
        clear_history(server);
        free(server->checks);
        free(server->flap);
        free(server->address);
        free(server->notify_up);
        free(server->notify_down);
    }
    free(service->servers);
    free(service->notify_up);
    free(service->notify_down);
    free(service->quorum_up);
    free(service->quorum_down);
    free(service->fallback_command);
    free(service->hook_user);
    free(service->held);
    free(service->protocol);
    free(service->virtual_address);
    free(service->virtual_port);
    free(service->name);
    free(service);
}
