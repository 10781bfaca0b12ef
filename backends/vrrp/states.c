/*
 * States of instances and groups.
 */
#include "backends/vrrp/states.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/clock.h"
#include "backends/vrrp/generate.h"

struct vrrp_item *vrrp_states_find(struct vrrp_states *states, bool group, const char *name,
                                   bool make)
{
    for (size_t i = 0; i < states->count; i++)
        if (states->items[i].group == group && !strcmp(states->items[i].name, name))
            return &states->items[i];
    if (!make || !array_grow(&states->items, states->count, &states->room, sizeof(*states->items)))
        return NULL;
    struct vrrp_item *item = &states->items[states->count++];
    *item = (struct vrrp_item){.group = group, .state = VRRP_INITIALIZE, .priority = -1};
    strncpy(item->name, name, sizeof(item->name) - 1);
    return item;
}

struct vrrp_item *vrrp_states_take(struct vrrp_states *states, const struct vrrp_notice *notice,
                                   enum vrrp_state *before)
{
    uv_mutex_lock(&states->lock);
    struct vrrp_item *item = vrrp_states_find(states, notice->group, notice->name, false);
    bool changed = item && item->state != notice->state;
    if (item) {
        *before = item->state;
        item->state = notice->state;
        item->priority = notice->priority >= 0 ? notice->priority : item->priority;
    }
    if (changed) {
        item->last_change = clock_now();
        item->to_master += item->state == VRRP_MASTER;
    }
    uv_mutex_unlock(&states->lock);
    return changed ? item : NULL;
}

struct vrrp_item *vrrp_states_take_dumped(struct vrrp_states *states,
                                          const struct vrrp_dumped *dumped, enum vrrp_state *before)
{
    struct vrrp_notice notice = {.state = dumped->state, .priority = dumped->priority};
    strncpy(notice.name, dumped->name, sizeof(notice.name) - 1);
    uv_mutex_lock(&states->lock);
    struct vrrp_item *item = vrrp_states_find(states, false, notice.name, false);
    if (item) {
        item->counted = true;
        item->counters = dumped->counters;
    }
    uv_mutex_unlock(&states->lock);
    return vrrp_states_take(states, &notice, before);
}

void vrrp_states_reset(struct vrrp_states *states)
{
    uv_mutex_lock(&states->lock);
    for (size_t i = 0; i < states->count; i++) {
        struct vrrp_item *item = &states->items[i];
        if (item->state != VRRP_INITIALIZE)
            item->last_change = clock_now();
        item->state = VRRP_INITIALIZE;
        item->priority = -1;
        item->counted = false;
    }
    uv_mutex_unlock(&states->lock);
}

void vrrp_states_tidy(struct vrrp_states *states)
{
    size_t kept = 0;
    uv_mutex_lock(&states->lock);
    for (size_t i = 0; i < states->count; i++)
        if (states->items[i].configured)
            states->items[kept++] = states->items[i];
    states->count = kept;
    uv_mutex_unlock(&states->lock);
}

/* For readers. */

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
        {"statistics/advertisements-received", counters->advertisements_received},
        {"statistics/advertisements-sent", counters->advertisements_sent},
        {"statistics/interval-errors", counters->interval_errors},
        {"statistics/packet-length-errors", counters->packet_length_errors},
        {"statistics/ttl-errors", counters->ttl_errors},
        {"statistics/address-list-errors", counters->address_list_errors},
        {"statistics/invalid-types", counters->invalid_types},
        {"statistics/authentication-errors", counters->authentication_errors},
        {"statistics/priority-zero-received", counters->priority_zero_received},
        {"statistics/priority-zero-sent", counters->priority_zero_sent},
    };
    enum outcome outcome = DONE;
    for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves) && outcome == DONE; i++)
        outcome = state_add_number(node, leaves[i].leaf, leaves[i].value, err);
    return outcome;
}

static enum outcome add_instance(struct lyd_node *node, const struct vrrp_item *item,
                                 struct error *err)
{
    enum outcome outcome = DONE;
    if (item->priority >= 0 && item->state != VRRP_INITIALIZE)
        outcome = state_add_number(node, "effective-priority", (uint64_t)item->priority, err);
    if (outcome == DONE)
        outcome = state_add_number(node, "master-transitions", item->to_master, err);
    if (outcome == DONE && item->counted)
        outcome = add_counters(node, &item->counters, err);
    return outcome == DONE ? add_order(node, &item->order, err) : outcome;
}

static enum outcome add_item(struct vrrp_states *states, bool group, struct lyd_node *node,
                             struct error *err)
{
    static const struct vrrp_item nothing = {.state = VRRP_INITIALIZE, .priority = -1};
    const struct vrrp_item *found =
        vrrp_states_find(states, group, leaf_value(node, "name"), false);
    const struct vrrp_item *item = found ? found : &nothing;
    enum outcome outcome = state_add(node, "state", vrrp_state_name(item->state), err);
    if (outcome == DONE && item->last_change)
        outcome = state_add_time(node, "last-change", item->last_change, err);
    return outcome == DONE && !group ? add_instance(node, item, err) : outcome;
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
    uv_mutex_lock(&states->lock);
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        const struct entry *entry = request->entries[i];
        if (!strcmp(entry->unit->path, VRRP_TOP))
            outcome = add_process(states, request->nodes[i], err);
        else if (!strcmp(entry->unit->path, VRRP_INSTANCE))
            outcome = state_add_number(request->nodes[i], "number", entry->number, err);
        if (outcome == DONE &&
            (!strcmp(entry->unit->path, VRRP_INSTANCE) || !strcmp(entry->unit->path, VRRP_GROUP)))
            outcome =
                add_item(states, !strcmp(entry->unit->path, VRRP_GROUP), request->nodes[i], err);
    }
    uv_mutex_unlock(&states->lock);
    return outcome;
}
