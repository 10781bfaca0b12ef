/*
 * What others read of the states, on any thread.
 */
#include <string.h>

#include "backends/vrrp/configured.h"
#include "backends/vrrp/links.h"
#include "backends/vrrp/objects.h"
#include "backends/vrrp/states.h"

static enum outcome add_order(struct lyd_node *node, const struct vrrp_order *order,
                              struct error *err)
{
    if (order->kind == VRRP_ORDER_NONE)
        return DONE;
    bool priority = order->kind == VRRP_ORDER_PRIORITY;
    enum outcome outcome = state_add(node, "order/kind", priority ? "priority" : "fail-over", err);
    if (outcome == DONE && priority)
        outcome = state_add_number(node, "order/priority", (uint64_t)order->priority, err);
    if (outcome == DONE)
        outcome = state_add(node, "order/owner", order->owner, err);
    if (outcome == DONE)
        outcome = state_add(node, "order/reason", order->reason, err);
    if (outcome == DONE)
        outcome = state_add_time(node, "order/since", order->since, err);
    if (outcome == DONE && order->until)
        outcome = state_add_time(node, "order/until", order->until, err);
    return outcome;
}

static enum outcome add_counters(struct lyd_node *node, const struct vrrp_counters *counters,
                                 struct error *err)
{
    const struct {
        const char *leaf;
        unsigned long long value;
    } leaves[] = {
        {"statistics/master-transitions", counters->became_master},
        {"statistics/advertisements-received", counters->advertisements_received},
        {"statistics/advertisements-sent", counters->advertisements_sent},
        {"statistics/interval-errors", counters->interval_errors},
        {"statistics/packet-length-errors", counters->packet_length_errors},
        {"statistics/ttl-errors", counters->ttl_errors},
        {"statistics/address-list-errors", counters->address_list_errors},
        {"statistics/invalid-types", counters->invalid_types},
        {"statistics/authentication-errors", counters->invalid_authentication_types +
                                                 counters->authentication_mismatches +
                                                 counters->authentication_failures},
        {"statistics/invalid-authentication-types", counters->invalid_authentication_types},
        {"statistics/authentication-mismatches", counters->authentication_mismatches},
        {"statistics/authentication-failures", counters->authentication_failures},
        {"statistics/priority-zero-received", counters->priority_zero_received},
        {"statistics/priority-zero-sent", counters->priority_zero_sent},
    };
    enum outcome outcome = DONE;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves) && outcome == DONE; i++)
        outcome = state_add_number(node, leaves[i].leaf, leaves[i].value, err);
    return outcome;
}

static enum outcome add_role(struct lyd_node *node, const struct vrrp_states *states,
                             const struct vrrp_item *item, struct error *err)
{
    enum outcome outcome =
        state_add(node, "addresses-placed", item->placed ? "true" : "false", err);
    if (outcome == DONE && item->wanted)
        outcome = state_add(node, "wanted-state", vrrp_state_name(item->wanted), err);
    if (outcome == DONE && (item->state != VRRP_MASTER || item->reason))
        outcome = state_add(node, "new-master-reason", vrrp_reason_name(item->reason), err);
    const char *own = leaf_value(node, "primary-address");
    const char *master = item->state == VRRP_MASTER   ? own
                         : item->state == VRRP_BACKUP ? item->master
                                                      : NULL;
    if (outcome == DONE && master && *master)
        outcome = state_add(node, "master-address", master, err);
    if (outcome == DONE && *item->member_of)
        outcome = state_add(node, "member-of", item->member_of, err);
    if (outcome == DONE && item->up_since)
        outcome = state_add_time(node, "up-since", item->up_since, err);
    const char *family = leaf_value(node, "address-family");
    const char *address = leaf_value(node, "multicast-destination");
    address = address ? address : states->groups[family && !strcmp(family, "ipv6")];
    if (outcome == DONE && *address && !child_node(node, "unicast-peer"))
        outcome = state_add(node, "group-address", address, err);
    return outcome;
}

static enum outcome add_instance(struct lyd_node *node, const struct vrrp_states *states,
                                 const struct vrrp_item *item, struct error *err)
{
    enum outcome outcome = add_role(node, states, item, err);
    if (outcome == DONE && item->priority >= 0 && item->state != VRRP_INITIALIZE)
        outcome = state_add_number(node, "effective-priority", (uint64_t)item->priority, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "master-transitions", item->to_master, err);
    if (outcome == DONE && item->counted && states->running_since)
        outcome = state_add_time(node, "statistics/discontinuity-time", states->running_since, err);
    if (outcome == DONE && item->counted)
        outcome = add_counters(node, &item->counters, err);
    return outcome == DONE ? add_order(node, &item->order, err) : outcome;
}

static enum outcome add_item(struct vrrp_states *states, const struct ifaddrs *links, bool group,
                             struct lyd_node *node, struct error *err)
{
    static const struct vrrp_item nothing = {.state = VRRP_INITIALIZE, .priority = -1};
    const struct vrrp_item *found =
        vrrp_states_find(states, group, leaf_value(node, "name"), false);
    const struct vrrp_item *item = found ? found : &nothing;
    enum outcome outcome = state_add(node, "state", vrrp_state_name(item->state), err);
    if (outcome == DONE && item->last_change)
        outcome = state_add_time(node, "last-change", item->last_change, err);
    if (outcome == DONE)
        outcome = vrrp_links_add(links, node, err);
    return outcome == DONE && !group ? add_instance(node, states, item, err) : outcome;
}

static enum outcome add_process(const struct vrrp_states *states, struct lyd_node *node,
                                struct error *err)
{
    enum outcome outcome = state_add_number(node, "restarts", states->restarts, err);
    if (outcome == DONE && states->running_since)
        outcome = state_add_time(node, "running-since", states->running_since, err);
    return outcome;
}

enum outcome vrrp_states_add(struct vrrp_states *states, const struct state_request *request,
                             struct error *err)
{
    enum outcome outcome = DONE;
    struct ifaddrs *links = NULL;
    if (getifaddrs(&links))
        links = NULL; /* they are not known; the rest is */
    uv_mutex_lock(&states->lock);
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        const struct entry *entry = request->entries[i];
        struct lyd_node *node = request->nodes[i];
        bool group = !strcmp(entry->unit->path, VRRP_GROUP);
        bool instance = !strcmp(entry->unit->path, VRRP_INSTANCE);
        if (!strcmp(entry->unit->path, VRRP_TOP))
            outcome = add_process(states, node, err);
        else if (instance)
            outcome = state_add_number(node, "number", entry->number, err);
        if (outcome == DONE && (instance || group))
            outcome = add_item(states, links, group, node, err);
        else if (outcome == DONE)
            outcome = vrrp_objects_add(states, entry, node, err);
        if (outcome == DONE && strstr(entry->unit->path, "/static-"))
            outcome = vrrp_links_add(links, node, err);
    }
    uv_mutex_unlock(&states->lock);
    if (links)
        freeifaddrs(links);
    return outcome;
}
