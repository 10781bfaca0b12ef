/*
 * Why an instance has become master, and what it cannot take: what keepalived's counters tell.
 *
 * The FIFO says that it is master, but not why. What has been counted since it was backup does: so
 * an account is asked for at both changes.
 */
#include <stdio.h>

#include "agent/agent.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "backends/vrrp/links.h"
#include "backends/vrrp/vrrp.h"

/* A notice with what others know the instance by; NULL: it is not configured any more. */
static struct lyd_node *begin_notice(struct vrrp *vrrp, const char *name, const char *instance,
                                     struct lyd_node **copy)
{
    static const char *const leaves[] = {"version", "address-family", "virtual-router-id",
                                         "interface", "if-index"};
    struct agent *agent = vrrp->backend->agent;
    const struct lys_module *module =
        ly_ctx_get_module_implemented(agent->schema->ctx, "noria-vrrp");
    const struct lyd_node *node =
        vrrp_node_of(agent->schema, vrrp->running, VRRP_INSTANCE, instance);
    struct ifaddrs *links = NULL;
    struct lyd_node *notice = NULL;
    struct error ignored = {0};
    if (!agent->events || !node || lyd_dup_single(node, NULL, LYD_DUP_RECURSIVE, copy))
        return NULL;
    if (getifaddrs(&links))
        links = NULL;
    vrrp_links_add(links, *copy, &ignored);
    error_clear(&ignored);
    if (links)
        freeifaddrs(links);
    if (lyd_new_inner(NULL, module, name, 0, &notice))
        return NULL;
    lyd_new_term(notice, NULL, "instance", instance, 0, NULL);
    for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
        const char *value = leaf_value(*copy, leaves[i]);
        if (value)
            lyd_new_term(notice, NULL, leaves[i], value, 0, NULL);
    }
    return notice;
}

static void tell_master(struct vrrp *vrrp, const struct vrrp_item *item)
{
    struct lyd_node *copy = NULL;
    struct lyd_node *notice = begin_notice(vrrp, "vrrp-new-master", item->name, &copy);
    const char *address = copy ? leaf_value(copy, "primary-address") : NULL;
    if (notice && address)
        lyd_new_term(notice, NULL, "master-address", address, 0, NULL);
    if (notice) {
        lyd_new_term(notice, NULL, "new-master-reason", vrrp_reason_name(item->reason), 0, NULL);
        event_emit(vrrp->backend->agent, notice);
    }
    lyd_free_tree(copy);
}

static void tell_error(struct vrrp *vrrp, const struct vrrp_item *item, const char *reason)
{
    struct lyd_node *copy = NULL;
    struct lyd_node *notice = begin_notice(vrrp, "vrrp-protocol-error", item->name, &copy);
    if (notice) {
        lyd_new_term(notice, NULL, "reason", reason, 0, NULL);
        event_emit(vrrp->backend->agent, notice);
    }
    lyd_free_tree(copy);
}

void vrrp_masters_changed(struct vrrp *vrrp, struct vrrp_item *item)
{
    item->reason_due = item->state == VRRP_MASTER;
    if (item->state == VRRP_MASTER || item->state == VRRP_BACKUP)
        vrrp_process_account(&vrrp->process);
}

void vrrp_masters_counted(struct vrrp *vrrp, const struct vrrp_dumped *dumped,
                          const struct vrrp_counters *before)
{
    struct vrrp_item *item = vrrp_states_find(&vrrp->states, false, dumped->name, false);
    if (!item)
        return;
    if (before && dumped->counters.ttl_errors > before->ttl_errors)
        tell_error(vrrp, item, "ip-ttl-error");
    if (item->state != VRRP_MASTER || dumped->state != VRRP_MASTER || !item->reason_due)
        return;
    uv_mutex_lock(&vrrp->states.lock);
    item->reason = vrrp_reason_of(dumped, before);
    item->reason_due = false;
    uv_mutex_unlock(&vrrp->states.lock);
    tell_master(vrrp, item);
}
