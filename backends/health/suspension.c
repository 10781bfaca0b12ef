/*
 * Suspension: checks that are run only while this node holds an address of their virtual server.
 *
 * Verdicts stay as they are meanwhile. When an address comes, the checks begin anew, spread over
 * the warm-up as at the start.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "backends/health/service.h"

static enum outcome refuse_suspension(const struct lyd_node *node, struct error *err,
                                      const char *why)
{
    char *path = lyd_path(child_node(node, "health"), LYD_PATH_STD, NULL, 0), *leaf = NULL;
    if (path && asprintf(&leaf, "%s/ha-suspend", path) < 0)
        leaf = NULL;
    enum outcome outcome = refuse(err, TAG_INVALID_VALUE, leaf, "%s", why);
    free(leaf);
    free(path);
    return outcome;
}

/* Addresses of a virtual server that is no group, or of a member of one; none of a firewall mark.
 */
static void add_addresses(struct health_service *service, const struct lyd_node *node)
{
    const char *address = leaf_value(node, "address"), *last = leaf_value(node, "last-address");
    const char *length = leaf_value(node, "prefix-length");
    struct address_range *range = &service->held[service->held_count];
    union check_address first;
    if (!address || !check_address_parse(address, 0, &first))
        return;
    *range = length ? address_range_of_prefix(&first, (unsigned)strtoul(length, NULL, 10))
                    : (struct address_range){first, first};
    if (last)
        check_address_parse(last, 0, &range->last);
    service->held_count++;
}

static bool is_member(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "member");
}

enum outcome service_fill_addresses(struct health_service *service, const struct lyd_node *node,
                                    struct error *err)
{
    const char *wanted = leaf_value(node, "health/ha-suspend");
    const char *director = leaf_value(node, "director");
    const struct lyd_node *member;
    size_t count = 1;
    if (!wanted || strcmp(wanted, "true") != 0)
        return DONE;
    if (director && strcmp(director, "main") != 0)
        return refuse_suspension(node, err,
                                 "Only addresses of the director main are watched: remove "
                                 "ha-suspend, or the virtual server's director.");
    LY_LIST_FOR(lyd_child(node), member)
    count += is_member(member);
    service->ha_suspend = true;
    service->held = calloc(count, sizeof(*service->held));
    if (!service->held)
        return fail_memory(err);
    add_addresses(service, node);
    LY_LIST_FOR(lyd_child(node), member)
    {
        if (is_member(member))
            add_addresses(service, member);
    }
    return service->held_count
               ? DONE
               : refuse_suspension(node, err,
                                   "A firewall mark has no address that this node could hold: "
                                   "remove ha-suspend.");
}

/* Without the kernel's word it is better to check in vain than not at all. */
static bool is_held(const struct health_service *service)
{
    struct health_engine *engine = service->engine;
    if (!engine->addresses && !engine->addresses_unknown) {
        engine->addresses =
            address_watch_new(engine->backend->loop, services_review_addresses, engine);
        engine->addresses_unknown = !engine->addresses;
        if (!engine->addresses)
            log_warning(AREA_HEALTH,
                        "the node's addresses cannot be watched, so no checks are suspended: %s",
                        strerror(errno));
    }
    if (!engine->addresses)
        return true;
    for (size_t i = 0; i < service->held_count; i++)
        if (address_watch_has(engine->addresses, &service->held[i]))
            return true;
    return false;
}

bool service_is_suspended(const struct health_service *service)
{
    return service->ha_suspend && !is_held(service);
}

/* Results in a row that were under way say nothing by the time that checks go on. */
static void forget_streaks(struct health_service *service)
{
    for (size_t i = 0; i < service->server_count; i++)
        for (size_t c = 0; c < service->servers[i].check_count; c++)
            service->servers[i].checks[c].verdict.streak = 0;
}

void service_review_addresses(struct health_service *service)
{
    bool suspended = service_is_suspended(service);
    if (suspended == service->suspended)
        return;
    uv_mutex_lock(&service->engine->lock);
    service->suspended = suspended;
    forget_streaks(service);
    uv_mutex_unlock(&service->engine->lock);
    service_for_each_check(service, suspended ? probe_unsubscribe : probe_subscribe);
    log_notice(AREA_HEALTH, "checks of %s %s", service->name,
               suspended ? "are suspended: this node holds none of its addresses"
                         : "go on: this node holds an address of it");
}

void services_review_addresses(void *arg)
{
    struct health_engine *engine = arg;
    struct health_service *service = NULL;
    while ((service = text_table_next(&engine->services, service)))
        service_review_addresses(service);
}
