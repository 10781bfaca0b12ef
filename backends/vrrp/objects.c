/*
 * What keepalived has found of the things that are tracked.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "backends/vrrp/generate.h"
#include "backends/vrrp/objects.h"

/* Results, as yang/noria-vrrp.yang numbers them. */
enum { NOT_RUN = 1, FAILED_RUN, SUCCEEDED };

static struct vrrp_object *find(const struct vrrp_states *states, enum vrrp_kind kind,
                                const char *name)
{
    for (size_t i = 0; i < states->object_count; i++)
        if (states->objects[i].kind == kind && !strcmp(states->objects[i].name, name))
            return &states->objects[i];
    return NULL;
}

static struct vrrp_object *make(struct vrrp_states *states, enum vrrp_kind kind, const char *name)
{
    struct vrrp_object *object = find(states, kind, name);
    if (object || !array_grow(&states->objects, states->object_count, &states->object_room,
                              sizeof(*states->objects)))
        return object;
    object = &states->objects[states->object_count++];
    *object = (struct vrrp_object){.kind = kind, .number = kind == VRRP_KIND_SCRIPT};
    strncpy(object->name, name, sizeof(object->name) - 1);
    return object;
}

static void take_master(struct vrrp_states *states, const char *name, const char *address)
{
    struct vrrp_item *item = vrrp_states_find(states, false, name, false);
    if (!item)
        return;
    memset(item->master, 0, sizeof(item->master));
    strncpy(item->master, address, sizeof(item->master) - 1);
}

static void take(enum vrrp_kind kind, const char *name, const char *field, const char *value,
                 void *arg)
{
    struct vrrp_states *states = arg;
    if (kind == VRRP_KIND_INSTANCE) {
        if (!strcmp(field, "Master router"))
            take_master(states, name, value);
        return;
    }
    struct vrrp_object *object = make(states, kind, name);
    if (!object)
        return;
    if (kind == VRRP_KIND_SCRIPT && !strcmp(field, "Status"))
        object->number = !strcmp(value, "GOOD")  ? SUCCEEDED
                         : !strcmp(value, "BAD") ? FAILED_RUN
                                                 : NOT_RUN;
    else if ((kind == VRRP_KIND_FILE && !strcmp(field, "Status")) ||
             (kind == VRRP_KIND_PROCESS && !strcmp(field, "Current processes")))
        object->number = (int)strtol(value, NULL, 10);
    else if (kind == VRRP_KIND_PROCESS && !strcmp(field, "Have quorum"))
        object->met = !strcmp(value, "true");
    else if (kind == VRRP_KIND_BFD && !strncmp(field, "Bfd is ", 7))
        object->number = !strcmp(field + 7, "up");
}

void vrrp_states_take_record(struct vrrp_states *states, const char *text, size_t length)
{
    uv_mutex_lock(&states->lock);
    states->object_count = 0;
    vrrp_record_read(text, length, take, states);
    uv_mutex_unlock(&states->lock);
}

/* For readers. */

static enum outcome add_result(struct lyd_node *node, const struct vrrp_object *object,
                               struct error *err)
{
    static const char *const names[] = {"not-run", "not-run", "failed", "succeeded"};
    return state_add(node, "result", names[object->number], err);
}

static enum outcome add_value(struct lyd_node *node, const struct vrrp_object *object,
                              struct error *err)
{
    char text[16];
    snprintf(text, sizeof(text), "%d", object->number);
    return state_add(node, "value", text, err);
}

static enum outcome add_running(struct lyd_node *node, const struct vrrp_object *object,
                                struct error *err)
{
    enum outcome outcome = state_add_number(node, "running", (uint64_t)object->number, err);
    return outcome == DONE ? state_add(node, "quorum-met", object->met ? "true" : "false", err)
                           : outcome;
}

static enum outcome add_up(struct lyd_node *node, const struct vrrp_object *object,
                           struct error *err)
{
    return state_add(node, "up", object->number ? "true" : "false", err);
}

enum outcome vrrp_objects_add(const struct vrrp_states *states, const struct entry *entry,
                              struct lyd_node *node, struct error *err)
{
    static const struct {
        const char *path;
        enum vrrp_kind kind;
        enum outcome (*add)(struct lyd_node *node, const struct vrrp_object *object,
                            struct error *err);
    } lists[] = {{VRRP_TOP "/script", VRRP_KIND_SCRIPT, add_result},
                 {VRRP_TOP "/file", VRRP_KIND_FILE, add_value},
                 {VRRP_TOP "/process", VRRP_KIND_PROCESS, add_running},
                 {VRRP_TOP "/bfd-session", VRRP_KIND_BFD, add_up}};
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (strcmp(entry->unit->path, lists[i].path) != 0)
            continue;
        const struct vrrp_object *object = find(states, lists[i].kind, leaf_value(node, "name"));
        return object ? lists[i].add(node, object, err) : DONE;
    }
    return DONE;
}
