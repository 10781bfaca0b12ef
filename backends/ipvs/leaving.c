#include "backends/ipvs/leaving.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/clock.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/part.h"

#define SECOND ((int64_t)1000000000)

void ipvs_leavers_clear(struct ipvs_leavers *leavers)
{
    for (size_t i = 0; i < leavers->count; i++) {
        free(leavers->list[i].virtual_server);
        free(leavers->list[i].address);
    }
    free(leavers->list);
    *leavers = (struct ipvs_leavers){0};
}

static struct steering_key key_of(const struct ipvs_leaver *leaver)
{
    return (struct steering_key){
        .virtual_server = leaver->virtual_server, .address = leaver->address, .port = leaver->port};
}

/* Of a group, a real server may be busy in many services. */
static bool has_leaver(const struct ipvs_leavers *leavers, const char *name,
                       const struct lyd_node *real)
{
    const char *address = leaf_value(real, "address");
    unsigned long port = strtoul(leaf_value(real, "port"), NULL, 10);
    for (size_t i = 0; i < leavers->count; i++) {
        const struct ipvs_leaver *leaver = &leavers->list[i];
        if (leaver->port == port && !strcmp(leaver->address, address) &&
            !strcmp(leaver->virtual_server, name))
            return true;
    }
    return false;
}

static bool add_leaver(struct ipvs_leavers *leavers, const char *name, const struct lyd_node *real,
                       const char *timeout)
{
    if (has_leaver(leavers, name, real))
        return true;
    if (!array_grow(&leavers->list, leavers->count, &leavers->room, sizeof *leavers->list))
        return false;
    struct ipvs_leaver *leaver = &leavers->list[leavers->count++];
    *leaver = (struct ipvs_leaver){.virtual_server = strdup(name),
                                   .address = strdup(leaf_value(real, "address"))};
    leaver->port = (uint16_t)strtoul(leaf_value(real, "port"), NULL, 10);
    leaver->timeout = (int64_t)strtoull(timeout, NULL, 10);
    return leaver->virtual_server && leaver->address;
}

static bool is_desired(const struct ipvs_service *service, const struct ipvs_destination_id *id)
{
    for (size_t i = 0; i < service->count; i++)
        if (!ipvs_destination_compare(&service->destinations[i].id, id))
            return true;
    return false;
}

/* One real server as it was before: keep it if it is gone, held and busy. */
static bool keep(struct ipvs_part *part, const struct lyd_node *real, struct ipvs_service *service,
                 const struct ipvs_service *held, const char *timeout)
{
    struct ipvs_destination_id id;
    const struct ipvs_destination *was = NULL;
    if (ipvs_desired_destination_id(real, &service->id, &id) && !is_desired(service, &id))
        was = ipvs_service_find(held, &id);
    if (!was || !(was->active + was->inactive))
        return true;
    struct ipvs_destination quiet = *was;
    struct ipvs_destination *kept = ipvs_service_add(service);
    if (!kept)
        return false;
    quiet.weight = 0;
    quiet.node = service->node;
    *kept = quiet;
    return add_leaver(&part->leavers, leaf_value(service->node, "name"), real, timeout);
}

/* Whether a real server that was there is configured and enabled no more. */
static bool is_gone(const struct lyd_node *real, const struct lyd_node *after)
{
    struct lyd_node *found = NULL;
    return ipvs_desired_enabled(real) &&
           (lyd_find_sibling_first(lyd_child(after), real, &found) || !ipvs_desired_enabled(found));
}

/* The entry as it was before, of a service that is desired. */
static const struct entry *entry_before(const struct ipvs_part *part,
                                        const struct ipvs_service *service)
{
    const char *name = leaf_value(service->node, "name");
    for (size_t i = 0; i < part->before_count; i++)
        if (!strcmp(leaf_value(part->before[i]->node, "name"), name))
            return part->before[i];
    return NULL;
}

static bool plan_service(struct ipvs_part *part, struct ipvs_service *service,
                         const struct ipvs_service *held)
{
    const char *timeout = leaf_value(service->node, "graceful-removal/timeout");
    const struct entry *before = timeout && held ? entry_before(part, service) : NULL;
    const struct lyd_node *child;
    bool complete = true;
    LY_LIST_FOR(before ? lyd_child(before->node) : NULL, child)
    {
        if (complete && !strcmp(child->schema->name, "real-server") &&
            is_gone(child, service->node))
            complete = keep(part, child, service, held, timeout);
    }
    return complete;
}

bool ipvs_leaving_plan(struct ipvs_part *part)
{
    struct ipvs_index held;
    bool complete = ipvs_index_make(&part->held, &held);
    ipvs_leavers_clear(&part->leavers);
    for (size_t i = 0; i < part->desired.count && complete; i++) {
        struct ipvs_service *service = &part->desired.services[i];
        complete = plan_service(part, service, ipvs_index_find(&held, &service->id));
    }
    ipvs_index_clear(&held);
    return complete;
}

void ipvs_leaving_order(struct agent *agent, const struct ipvs_leavers *leavers,
                        void (*done)(void *arg, enum outcome outcome, struct error *err), void *arg)
{
    for (size_t i = 0; i < leavers->count; i++) {
        struct ipvs_leaver *leaver = &leavers->list[i];
        struct steering_key key = key_of(leaver);
        struct steering_server before;
        struct steering_order order = {.kind = STEERING_ORDER_LEAVE, .since = clock_now()};
        if (leaver->timeout)
            order.until = order.since + leaver->timeout * SECOND;
        steering_read(agent, &key, &before);
        leaver->before = before.order;
        leaver->ordered = true;
        steering_set_order(agent, &key, &order, done, arg);
    }
}

void ipvs_leaving_take_back(struct agent *agent, struct ipvs_leavers *leavers)
{
    for (size_t i = 0; i < leavers->count; i++) {
        struct steering_key key = key_of(&leavers->list[i]);
        if (!leavers->list[i].ordered)
            continue;
        leavers->list[i].ordered = false;
        steering_set_order(agent, &key, &leavers->list[i].before, NULL, NULL);
    }
}
