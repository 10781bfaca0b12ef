/*
 * What the VRRP backend tells: events, lines in the log, alarms.
 */
#include <stdio.h>

#include "agent/agent.h"
#include "agent/event/alarms.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "backends/vrrp/vrrp.h"

static void emit(struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before)
{
    struct agent *agent = vrrp->backend->agent;
    const struct lys_module *module =
        agent->events ? ly_ctx_get_module_implemented(agent->schema->ctx, "noria-vrrp") : NULL;
    struct lyd_node *notice;
    char priority[8];
    if (!module || lyd_new_inner(NULL, module, "vrrp-state-change", 0, &notice))
        return;
    lyd_new_term(notice, NULL, item->group ? "sync-group" : "instance", item->name, 0, NULL);
    lyd_new_term(notice, NULL, "state", vrrp_state_name(item->state), 0, NULL);
    lyd_new_term(notice, NULL, "former-state", vrrp_state_name(before), 0, NULL);
    snprintf(priority, sizeof(priority), "%d", item->priority);
    if (!item->group && item->priority >= 0)
        lyd_new_term(notice, NULL, "effective-priority", priority, 0, NULL);
    const struct lyd_node *instance =
        item->group ? NULL : vrrp_instance_of(agent->schema, vrrp->running, item->name);
    if (instance)
        lyd_new_term(notice, NULL, "initial-state", leaf_value(instance, "initial-state"), 0, NULL);
    event_emit(agent, notice);
}

static void set_alarm(struct vrrp *vrrp, const struct vrrp_item *item)
{
    char resource[160];
    struct alarm_id id = {.resource = resource, .type = "vrrp-fault"};
    snprintf(resource, sizeof(resource), "/noria-vrrp:vrrp/%s[name='%s']",
             item->group ? "sync-group" : "instance", item->name);
    if (item->state != VRRP_FAULT)
        alarm_clear(vrrp->backend->agent, &id, NULL);
    else if (item->order.kind == VRRP_ORDER_FAIL_OVER)
        alarm_raise(vrrp->backend->agent, &id, ALARM_MINOR, "%s has ordered it: %s",
                    item->order.owner, item->order.reason);
    else
        alarm_raise(vrrp->backend->agent, &id, ALARM_MAJOR,
                    "An interface, a script or something else that it tracks is not well: look at "
                    "these, and at keepalived's messages in the system log.");
}

void vrrp_tell(struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before)
{
    log_notice(AREA_VRRP, "%s %s: from %s to %s", item->group ? "group" : "instance", item->name,
               vrrp_state_name(before), vrrp_state_name(item->state));
    emit(vrrp, item, before);
    set_alarm(vrrp, item);
}
