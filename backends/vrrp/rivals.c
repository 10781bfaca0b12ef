/*
 * Split brain: two masters of one virtual router, that hear each other again or in one direction.
 */
#include <stdio.h>

#include "agent/agent.h"
#include "agent/event/alarms.h"
#include "agent/log.h"
#include "backends/vrrp/vrrp.h"

/* Two masters that hear each other settle it within an advertisement: the alarm stays for longer,
 * so that it is seen. */
#define OVER_MS 10000
#define LOOK_MS 1000

static void identify(struct alarm_id *id, char *resource, size_t room, const char *instance)
{
    snprintf(resource, room, VRRP_INSTANCE "[name='%s']", instance);
    *id = (struct alarm_id){.resource = resource, .type = "vrrp-split-brain"};
}

static void on_look(uv_timer_t *timer)
{
    struct vrrp *vrrp = timer->data;
    uint64_t now = uv_now(vrrp->backend->loop);
    bool any = false;
    for (size_t i = 0; i < vrrp->states.count; i++) {
        struct vrrp_item *item = &vrrp->states.items[i];
        struct alarm_id id;
        char resource[160];
        if (item->rival_heard && now - item->rival_heard >= OVER_MS) {
            item->rival_heard = 0;
            identify(&id, resource, sizeof(resource), item->name);
            alarm_clear(vrrp->backend->agent, &id, "No other master is heard any more.");
        }
        any = any || item->rival_heard;
    }
    if (!any)
        uv_timer_stop(timer);
}

void vrrp_rivals_open(struct vrrp *vrrp)
{
    uv_timer_init(vrrp->backend->loop, &vrrp->rival_over);
    vrrp->rival_over.data = vrrp;
}

void vrrp_rival_heard(struct vrrp *vrrp, const char *instance)
{
    struct vrrp_item *item = vrrp_states_find(&vrrp->states, false, instance, false);
    struct alarm_id id;
    char resource[160];
    if (!item)
        return;
    if (!item->rival_heard)
        log_warning(AREA_VRRP, "instance %s: another node is master, too", instance);
    item->rival_heard = uv_now(vrrp->backend->loop);
    identify(&id, resource, sizeof(resource), instance);
    alarm_raise(
        vrrp->backend->agent, &id, ALARM_CRITICAL,
        "Another node of lower priority was master at the same time: the nodes did not hear "
        "each other. Look at the links and filters between them.");
    if (!uv_is_active((uv_handle_t *)&vrrp->rival_over))
        uv_timer_start(&vrrp->rival_over, on_look, LOOK_MS, LOOK_MS);
}
