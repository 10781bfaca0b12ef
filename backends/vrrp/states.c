/*
 * States of instances and groups.
 */
#include "backends/vrrp/states.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/clock.h"

/* The order of the items. */
static int compare(const struct vrrp_item *item, bool group, const char *name)
{
    return item->group == group ? strcmp(item->name, name) : item->group - group;
}

struct vrrp_item *vrrp_states_find(struct vrrp_states *states, bool group, const char *name,
                                   bool make)
{
    size_t at = 0;
    for (size_t end = states->count; at < end;) {
        size_t middle = at + (end - at) / 2;
        int order = compare(&states->items[middle], group, name);
        if (!order)
            return &states->items[middle];
        if (order < 0)
            at = middle + 1;
        else
            end = middle;
    }
    if (!make || !array_grow(&states->items, states->count, &states->room, sizeof(*states->items)))
        return NULL;
    struct vrrp_item *item = &states->items[at];
    memmove(item + 1, item, (states->count++ - at) * sizeof(*item));
    *item = (struct vrrp_item){.group = group, .state = VRRP_INITIALIZE, .priority = -1};
    strncpy(item->name, name, sizeof(item->name) - 1);
    return item;
}

static bool is_up(enum vrrp_state state)
{
    return state == VRRP_BACKUP || state == VRRP_MASTER;
}

struct vrrp_item *vrrp_states_take(struct vrrp_states *states, const struct vrrp_notice *notice,
                                   enum vrrp_state *before)
{
    uv_mutex_lock(&states->lock);
    struct vrrp_item *item = vrrp_states_find(states, notice->group, notice->name, false);
    if (item && item->disabled) /* it has been said before */
        item = NULL;
    bool changed = item && item->state != notice->state;
    if (item) {
        *before = item->state;
        item->state = notice->state;
        if (notice->priority >= 0 && notice->priority != item->priority && item->priority >= 0)
            item->priority_changed = clock_now();
        item->priority = notice->priority >= 0 ? notice->priority : item->priority;
    }
    if (changed) {
        item->last_change = clock_now();
        if (!is_up(item->state))
            item->up_since = 0;
        else if (!item->up_since)
            item->up_since = item->last_change;
        item->wanted = item->state;
        item->placed = item->state == VRRP_MASTER;
        item->reason = VRRP_NOT_MASTER;
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
    if (item && item->disabled)
        item = NULL;
    if (item) {
        item->counted = true;
        item->counters = dumped->counters;
    }
    uv_mutex_unlock(&states->lock);
    struct vrrp_item *changed = vrrp_states_take(states, &notice, before);
    uv_mutex_lock(&states->lock);
    if (item) {
        item->wanted = dumped->wanted;
        item->placed = dumped->placed;
    }
    uv_mutex_unlock(&states->lock);
    return changed;
}

bool vrrp_states_reset(struct vrrp_states *states, struct vrrp_item *item, enum vrrp_state *before)
{
    uv_mutex_lock(&states->lock);
    *before = item->state;
    if (item->state != VRRP_INITIALIZE)
        item->last_change = clock_now();
    item->state = item->wanted = VRRP_INITIALIZE;
    item->placed = false;
    item->up_since = 0;
    item->priority = -1;
    item->counted = false;
    uv_mutex_unlock(&states->lock);
    return *before != VRRP_INITIALIZE;
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
