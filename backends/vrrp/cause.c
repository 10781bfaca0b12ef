/*
 * Causes.
 */
#include "backends/vrrp/cause.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "backends/vrrp/generation.h"
#include "backends/vrrp/own.h"
#include "backends/vrrp/vrrp.h"

/* What was ordered, or ended, so long ago is no cause any more: by then the nodes have agreed. */
#define RECENT_NS (INT64_C(5) * 1000000000)

#define LEAST_INTERVALS 4 /* of advertisements */

/* What is at work. */
struct finding {
    const struct vrrp *vrrp;
    const struct vrrp_item *item;
    const struct lyd_node *node;  /* its entry, or NULL */
    const struct lyd_node *group; /* that it is in or is; or NULL */
    struct vrrp_cause *cause;
};

static bool found(const struct finding *finding, const char *name)
{
    finding->cause->name = name;
    return true;
}

static bool is_weightless(const struct lyd_node *node)
{
    const char *weight = leaf_value(node, "weight");
    return weight && !strcmp(weight, "0");
}

/* Orders, of the item itself or of one that is in the same group. */

static bool is_concerned(const struct finding *finding, const struct vrrp_item *other)
{
    return other == finding->item ||
           (finding->group && !other->group &&
            vrrp_group_of(finding->vrrp->backend->schema, finding->vrrp->running, other->name) ==
                finding->group);
}

static bool find_order(const struct finding *finding, bool fail_over_alone)
{
    const struct vrrp_states *states = &finding->vrrp->states;
    for (size_t i = 0; i < states->count; i++) {
        const struct vrrp_order *order = &states->items[i].order;
        if (order->kind == VRRP_ORDER_NONE || !is_concerned(finding, &states->items[i]) ||
            (fail_over_alone && order->kind != VRRP_ORDER_FAIL_OVER))
            continue;
        snprintf(finding->cause->detail, sizeof(finding->cause->detail), "%s has ordered it%s%s",
                 order->owner, *order->reason ? ": " : "", order->reason);
        return found(finding, "order");
    }
    return false;
}

static bool has_order_ended(const struct finding *finding, int64_t since)
{
    const struct vrrp_states *states = &finding->vrrp->states;
    for (size_t i = 0; i < states->count; i++)
        if (states->items[i].order_ended >= since && is_concerned(finding, &states->items[i]))
            return found(finding, "order-ended");
    return false;
}

/* Interfaces. */

static bool find_interface(const struct finding *finding, const char *name)
{
    struct ifreq request = {0};
    const char *what = NULL;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    strncpy(request.ifr_name, name, sizeof(request.ifr_name) - 1);
    if (fd < 0)
        return false;
    if (ioctl(fd, SIOCGIFFLAGS, &request))
        what = "is missing";
    else if (!(request.ifr_flags & IFF_UP))
        what = "is down";
    else if (!(request.ifr_flags & IFF_RUNNING))
        what = "has no carrier";
    close(fd);
    if (!what)
        return false;
    snprintf(finding->cause->detail, sizeof(finding->cause->detail), "the interface %s %s", name,
             what);
    return found(finding, "interface");
}

static bool find_interfaces(const struct finding *finding, const struct lyd_node *node)
{
    const char *own = leaf_value(node, "interface");
    const char *tracks = leaf_value(node, "track-interface-of-instance");
    const struct lyd_node *child;
    if (own && tracks && !strcmp(tracks, "true") && find_interface(finding, own))
        return true;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (vrrp_is_child(child, "track-interface") &&
            find_interface(finding, leaf_value(child, "interface")))
            return true;
    }
    return false;
}

/* What the agent itself finds. */

static bool find_own(const struct finding *finding, const struct lyd_node *node)
{
    struct agent *agent = finding->vrrp->backend->agent;
    const struct lyd_node *child;
    char *detail = finding->cause->detail;
    size_t room = sizeof(finding->cause->detail);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (vrrp_is_child(child, "track-virtual-server")) {
            const char *name = leaf_value(child, "virtual-server");
            if (!steering_quorum_lost(agent, name))
                continue;
            snprintf(detail, room, "the quorum of the virtual server %s is lost", name);
            return found(finding, "quorum-lost");
        }
        if (vrrp_is_child(child, "track-agent") && vrrp_own_unwell(agent, detail, room))
            return found(finding, "agent");
    }
    return false;
}

/* Something that keepalived looks after; which of them, it does not say. */
static bool find_tracked(const struct finding *finding, const struct lyd_node *node,
                         bool weightless)
{
    static const char *const lists[][2] = {{"track-script", "script"},
                                           {"track-file", "file"},
                                           {"track-process", "process"},
                                           {"track-bfd", "session"}};
    char *detail = finding->cause->detail;
    size_t room = sizeof(finding->cause->detail), length = 0;
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
            if (vrrp_is_child(child, lists[i][0]) && is_weightless(child) == weightless &&
                length < room)
                length += (size_t)snprintf(detail + length, room - length, "%s %s %s",
                                           length ? " or" : "what is tracked:", lists[i][1],
                                           leaf_value(child, lists[i][1]));
    }
    return length && found(finding, "tracked");
}

/* The members of the item's group, and the group itself. */
static bool find_among(const struct finding *finding,
                       bool (*find)(const struct finding *finding, const struct lyd_node *node))
{
    const struct lyd_node *child;
    if (finding->node && find(finding, finding->node))
        return true;
    if (!finding->group)
        return false;
    LY_LIST_FOR(lyd_child(finding->group), child)
    {
        const struct lyd_node *member =
            vrrp_is_child(child, "member")
                ? vrrp_node_of(finding->vrrp->backend->schema, finding->vrrp->running,
                               VRRP_INSTANCE, lyd_get_value(child))
                : NULL;
        if (member && member != finding->node && find(finding, member))
            return true;
    }
    return finding->group != finding->node && find(finding, finding->group);
}

static bool find_tracked_fault(const struct finding *finding, const struct lyd_node *node)
{
    return find_tracked(finding, node, true);
}

static bool find_tracked_weight(const struct finding *finding, const struct lyd_node *node)
{
    return find_tracked(finding, node, false);
}

/* The states. */

static void find_fault(const struct finding *finding)
{
    if (!find_order(finding, true) && !find_among(finding, find_interfaces) &&
        !find_among(finding, find_own) && !find_among(finding, find_tracked_fault))
        snprintf(finding->cause->detail, sizeof(finding->cause->detail),
                 "keepalived's messages in the system log say it");
}

/* Whether the effective priority changed so lately that this may be why. */
static bool is_priority_new(const struct finding *finding, int64_t since)
{
    return finding->item->priority_changed >= since;
}

static void find_change(const struct finding *finding, int64_t since)
{
    bool master = finding->item->state == VRRP_MASTER;
    const struct vrrp_process *process = &finding->vrrp->process;
    if (find_order(finding, false) || has_order_ended(finding, since))
        return;
    if (uv_now(finding->vrrp->backend->loop) < process->settled)
        found(finding, "configuration");
    else if (!is_priority_new(finding, since))
        found(finding, master ? "master-lost" : "higher-priority");
    else if (master || (!find_among(finding, find_own) && !find_among(finding, find_interfaces) &&
                        !find_among(finding, find_tracked_weight)))
        found(finding, "priority");
}

/* So long ago something may have begun that shows now. */
static int64_t begin_of(const struct finding *finding)
{
    const char *text = finding->node ? leaf_value(finding->node, "advertise-interval") : NULL;
    int64_t span = text ? LEAST_INTERVALS * strtoll(text, NULL, 10) * 10000000 : 0;
    return clock_now() - (span > RECENT_NS ? span : RECENT_NS);
}

void vrrp_cause_find(const struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before,
                     struct vrrp_cause *cause)
{
    const struct lyd_node *node = vrrp_node_of(
        vrrp->backend->schema, vrrp->running, item->group ? VRRP_GROUP : VRRP_INSTANCE, item->name);
    struct finding finding = {.vrrp = vrrp, .item = item, .node = node, .cause = cause};
    finding.group =
        item->group ? node : vrrp_group_of(vrrp->backend->schema, vrrp->running, item->name);
    *cause = (struct vrrp_cause){.name = "unknown"};
    if (item->state == VRRP_INITIALIZE)
        found(&finding, vrrp->process.pid ? "configuration" : "keepalived-ended");
    else if (item->state == VRRP_FAULT)
        find_fault(&finding);
    else if (before == VRRP_INITIALIZE)
        found(&finding, "startup");
    else if (before == VRRP_FAULT)
        found(&finding, "recovered");
    else
        find_change(&finding, begin_of(&finding));
}
