/*
 * Foreign notifications: the table.
 */
#include "agent/snmp/foreign_notification.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/entry.h"
#include "agent/snmp/keepalived_vrrp.h"

#define LENGTH(...) (sizeof((oid[]){__VA_ARGS__}) / sizeof(oid))
#define NAME(...) .name = {__VA_ARGS__}, .length = LENGTH(__VA_ARGS__)

#define MIB_2 1, 3, 6, 1, 2, 1
#define VRRP_MIB MIB_2, 68
#define VRRPV3_MIB MIB_2, 207
#define KEEPALIVED 1, 3, 6, 1, 4, 1, 9586, 100, 5

/* --- KEEPALIVED-MIB --- */

static bool of_group(const struct lyd_node *event)
{
    return leaf_value(event, "sync-group");
}

static bool of_instance(const struct lyd_node *event)
{
    return leaf_value(event, "instance");
}

static bool initial_state(const struct lyd_node *event, struct snmp_value *value)
{
    value->number = keepalived_vrrp_state(leaf_value(event, "initial-state"));
    return true;
}

static bool router_id(const struct lyd_node *event, struct snmp_value *value)
{
    char name[SNMP_TEXT_MAX + 1] = "";

    gethostname(name, sizeof(name) - 1);
    return keepalived_vrrp_text(name, value);
}

#define ROUTER_ID                                                                                  \
    {                                                                                              \
        NAME(KEEPALIVED, 1, 2, 0), .scalar = true, .kind = KIND_STRING, .derive = router_id        \
    }

/* --- VRRP-MIB and VRRPV3-MIB --- */

static bool is_v2(const struct lyd_node *event)
{
    const char *version = leaf_value(event, "version");

    return version && !strcmp(version, "vrrp-v2");
}

static oid number_of(const struct lyd_node *event, const char *leaf)
{
    const char *text = leaf_value(event, leaf);

    return text ? strtoul(text, NULL, 10) : 0;
}

static size_t index_v2(const struct lyd_node *event, oid *index)
{
    index[0] = number_of(event, "if-index");
    index[1] = number_of(event, "virtual-router-id");
    return 2;
}

static size_t index_v3(const struct lyd_node *event, oid *index)
{
    const char *family = leaf_value(event, "address-family");

    index_v2(event, index);
    index[2] = family && !strcmp(family, "ipv6") ? 2 : 1;
    return 3;
}

const struct snmp_foreign_notification snmp_foreign_notifications[] = {
    {.kind = SNMP_FOREIGN_KEEPALIVED,
     .module = "noria-vrrp",
     .event = "vrrp-state-change",
     .fits = of_group,
     NAME(KEEPALIVED, 2, 10, 0, 1),
     .objects = {{NAME(KEEPALIVED, 2, 1, 1, 2), .kind = KIND_STRING, .leaf = "sync-group"},
                 {NAME(KEEPALIVED, 2, 1, 1, 3), .kind = KIND_INTEGER,
                  .derive = keepalived_vrrp_state_of},
                 ROUTER_ID}},
    {.kind = SNMP_FOREIGN_KEEPALIVED,
     .module = "noria-vrrp",
     .event = "vrrp-state-change",
     .fits = of_instance,
     NAME(KEEPALIVED, 2, 10, 0, 2),
     .objects = {{NAME(KEEPALIVED, 2, 3, 1, 2), .kind = KIND_STRING, .leaf = "instance"},
                 {NAME(KEEPALIVED, 2, 3, 1, 4), .kind = KIND_INTEGER,
                  .derive = keepalived_vrrp_state_of},
                 {NAME(KEEPALIVED, 2, 3, 1, 5), .kind = KIND_INTEGER, .derive = initial_state},
                 ROUTER_ID}},
    {.kind = SNMP_FOREIGN_VRRP,
     .module = "noria-vrrp",
     .event = "vrrp-new-master",
     .fits = is_v2,
     NAME(VRRP_MIB, 0, 1),
     .index = index_v2,
     .objects = {{NAME(VRRP_MIB, 1, 3, 1, 7), .kind = KIND_IP_ADDRESS, .leaf = "master-address"}}},
    {.kind = SNMP_FOREIGN_VRRP,
     .module = "noria-vrrp",
     .event = "vrrp-new-master",
     NAME(VRRPV3_MIB, 0, 1),
     .index = index_v3,
     .objects = {{NAME(VRRPV3_MIB, 1, 1, 1, 1, 3), .kind = KIND_ADDRESS, .leaf = "master-address"},
                 {NAME(VRRPV3_MIB, 1, 2, 5, 1, 2), .kind = KIND_ENUM,
                  .leaf = "new-master-reason"}}},
    {.kind = SNMP_FOREIGN_VRRP,
     .module = "noria-vrrp",
     .event = "vrrp-protocol-error",
     NAME(VRRPV3_MIB, 0, 2),
     .index = index_v3,
     .objects = {{NAME(VRRPV3_MIB, 1, 2, 5, 1, 6), .kind = KIND_ENUM, .leaf = "reason"}}},
    {.module = NULL},
};

bool snmp_foreign_fits(const struct snmp_foreign_notification *notification, unsigned kinds,
                       const struct lyd_node *event)
{
    return (notification->kind & kinds) && !strcmp(notification->event, event->schema->name) &&
           !strcmp(notification->module, event->schema->module->name) &&
           (!notification->fits || notification->fits(event));
}

void snmp_foreign_value(const struct snmp_foreign_object *object, const struct lyd_node *event,
                        struct snmp_value *value)
{
    struct lyd_node *leaf = NULL;

    *value = (struct snmp_value){0};
    if (object->leaf && lyd_find_path(event, object->leaf, 0, &leaf) == LY_SUCCESS &&
        snmp_value_of(object->kind, leaf, value))
        return;
    if (object->derive)
        object->derive(event, value);
    ly_err_clean((struct ly_ctx *)LYD_CTX(event), NULL);
}

size_t snmp_foreign_name(const struct snmp_foreign_notification *notification,
                         const struct snmp_foreign_object *object, const struct lyd_node *event,
                         oid *name)
{
    memcpy(name, object->name, object->length * sizeof(*name));
    if (object->scalar || !notification->index)
        return object->length;
    return object->length + notification->index(event, name + object->length);
}
