/*
 * Why an instance or a group has another state: from what is known at that moment of orders, of the
 * agent's own findings, of interfaces and of the configuration. keepalived does not say it.
 *
 * Core thread.
 */
#ifndef NORIA_VRRP_CAUSE_H
#define NORIA_VRRP_CAUSE_H

#include "backends/vrrp/states.h"

struct vrrp;

/** A cause. */
struct vrrp_cause {
    const char *name; /**< As in the type 'cause' of yang/noria-vrrp.yang. A static string. */
    char detail[384]; /**< For people: what it is about; may be empty. */
};

/** Find the cause of the state that an item has now. @param before Its state before. */
void vrrp_cause_find(const struct vrrp *vrrp, const struct vrrp_item *item, enum vrrp_state before,
                     struct vrrp_cause *cause);

#endif
