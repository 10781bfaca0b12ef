/*
 * What the VRRP backend tells: events, lines in the log, alarms.
 */
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/event/alarms.h"
#include "agent/event/event.h"
#include "agent/log.h"
#include "backends/vrrp/cause.h"
#include "backends/vrrp/vrrp.h"

static void emit(struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before,
                 const struct vrrp_cause *cause)
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
        item->group ? NULL : vrrp_node_of(agent->schema, vrrp->running, VRRP_INSTANCE, item->name);
    if (instance)
        lyd_new_term(notice, NULL, "initial-state", leaf_value(instance, "initial-state"), 0, NULL);
    lyd_new_term(notice, NULL, "cause", cause->name, 0, NULL);
    if (*cause->detail)
        lyd_new_term(notice, NULL, "detail", cause->detail, 0, NULL);
    event_emit(agent, notice);
}

static void name_resource(char *resource, size_t room, const struct vrrp_item *item)
{
    snprintf(resource, room, "/noria-vrrp:vrrp/%s[name='%s']",
             item->group ? "sync-group" : "instance", item->name);
}

static void set_alarm(struct vrrp *vrrp, const struct vrrp_item *item,
                      const struct vrrp_cause *cause)
{
    char resource[160];
    struct alarm_id id = {.resource = resource, .type = "vrrp-fault"};
    name_resource(resource, sizeof(resource), item);
    if (item->state != VRRP_FAULT)
        alarm_clear(vrrp->backend->agent, &id, NULL);
    else
        alarm_raise(vrrp->backend->agent, &id,
                    strcmp(cause->name, "order") ? ALARM_MAJOR : ALARM_MINOR, "Fault: %s.",
                    cause->detail);
}

/* Those who follow an instance (the synchronisation daemons of IPVS) know two roles. */
static void set_standing(const struct vrrp *vrrp, const struct vrrp_item *item)
{
    enum standing_role role = item->state == VRRP_MASTER       ? STANDING_MASTER
                              : item->state == VRRP_INITIALIZE ? STANDING_UNKNOWN
                                                               : STANDING_BACKUP;
    if (!item->group)
        standing_set(vrrp->backend->agent, STANDING_INSTANCE, item->name, role);
}

void vrrp_tell(struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before)
{
    struct vrrp_cause cause;
    set_standing(vrrp, item); /* first, as connections wait for it */
    vrrp_cause_find(vrrp, item, before, &cause);
    log_notice(AREA_VRRP, "%s %s: from %s to %s (%s%s%s)", item->group ? "group" : "instance",
               item->name, vrrp_state_name(before), vrrp_state_name(item->state), cause.name,
               *cause.detail ? ": " : "", cause.detail);
    emit(vrrp, item, before, &cause);
    set_alarm(vrrp, item, &cause);
}

void vrrp_tell_gone(struct vrrp *vrrp, const struct vrrp_item *item)
{
    char resource[160];
    name_resource(resource, sizeof(resource), item);
    alarm_clear_resource(vrrp->backend->agent, resource);
}

void vrrp_tell_end(struct vrrp *vrrp)
{
    enum vrrp_state before;
    for (size_t i = 0; i < vrrp->states.count; i++)
        if (vrrp_states_reset(&vrrp->states, &vrrp->states.items[i], &before))
            vrrp_tell(vrrp, &vrrp->states.items[i], before);
}
