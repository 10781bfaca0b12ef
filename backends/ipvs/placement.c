#include "backends/ipvs/placement.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/array.h"
#include "agent/event/alarms.h"
#include "agent/log.h"
#include "backends/ipvs/desired.h"
#include "backends/ipvs/directors.h"
#include "backends/ipvs/group.h"

#define SERVERS "/noria-virtual-server:virtual-servers/virtual-server"
#define CALM_MS 20 /* news of interfaces come in swarms */

/* An address that is wanted. */
struct wish {
    struct ipvs_address address;
    enum ipvs_placed state;
    const struct lyd_node *node; /* Its virtual server; valid while the list is made. */
    char name[65];               /* That one's name. */
};

struct wishes {
    struct wish *list; /* By interface and address. Owned. */
    size_t count;
    size_t room;
};

/* What tells of interfaces and addresses. Freed by the loop. */
struct monitor {
    struct ipvs_placement *placement; /* NULL: dropped. */
    uv_poll_t poll;
    uv_timer_t calm;
    int fd;
    int open_handles;
};

struct ipvs_placement {
    struct ipvs_engine *engine;
    int requests;            /* A route socket, or -1. */
    struct monitor *monitor; /* NULL: nothing is wanted. */
    bool told;               /* Alarms are as they are to be. */
    uv_mutex_t lock;         /* Guards what follows. */
    struct wishes wishes;
};

bool ipvs_places(const struct entry *entry)
{
    return leaf_value(entry->node, "bind-address/interface");
}

/* -- What is wanted --------------------------------------------------------------------------- */

static int order_addresses(const struct ipvs_address *a, const struct ipvs_address *b)
{
    int order = strcmp(a->interface, b->interface);
    if (!order)
        order = (a->family > b->family) - (a->family < b->family);
    return order ? order : memcmp(a->address, b->address, sizeof a->address);
}

static int order_wishes(const void *a, const void *b)
{
    const struct wish *one = a, *other = b;
    return order_addresses(&one->address, &other->address);
}

static bool same_settings(const struct ipvs_address *a, const struct ipvs_address *b)
{
    return a->prefix_length == b->prefix_length && a->no_prefix_route == b->no_prefix_route &&
           (a->family != AF_INET || (a->scope == b->scope && strcmp(a->label, b->label) == 0));
}

static uint8_t scope_of(const char *name)
{
    return strcmp(name, "host") == 0   ? RT_SCOPE_HOST
           : strcmp(name, "link") == 0 ? RT_SCOPE_LINK
           : strcmp(name, "site") == 0 ? RT_SCOPE_SITE
                                       : RT_SCOPE_UNIVERSE;
}

static struct ipvs_address address_of(const struct lyd_node *node, const struct ipvs_service_id *id)
{
    const char *length = leaf_value(node, "bind-address/prefix-length");
    const char *label = leaf_value(node, "bind-address/label");
    struct ipvs_address address = {.family = id->family};
    snprintf(address.interface, sizeof address.interface, "%s",
             leaf_value(node, "bind-address/interface"));
    memcpy(address.address, id->address, sizeof address.address);
    address.prefix_length = (uint8_t)(length ? atoi(length) : id->family == AF_INET6 ? 128 : 32);
    address.no_prefix_route = !strcmp(leaf_value(node, "bind-address/no-prefix-route"), "true");
    if (id->family == AF_INET6)
        return address;
    address.scope = scope_of(leaf_value(node, "bind-address/scope"));
    if (label && strcmp(label, address.interface) != 0)
        snprintf(address.label, sizeof address.label, "%s", label);
    return address;
}

/* The addresses of a virtual server; those of several ports are there several times. */
static bool add_wishes(const struct lyd_node *node, struct wishes *wishes)
{
    struct ipvs_ids ids;
    struct error ignored = {0};
    bool complete = true;
    if (ipvs_ids_of(node, &ids, &ignored) != DONE)
        ids.count = 0; /* it was refused or logged elsewhere */
    for (size_t i = 0; i < ids.count && complete; i++) {
        if (ids.list[i].mark)
            continue;
        complete = array_grow(&wishes->list, wishes->count, &wishes->room, sizeof(*wishes->list));
        if (!complete)
            break;
        struct wish *wish = &wishes->list[wishes->count++];
        *wish = (struct wish){.address = address_of(node, &ids.list[i]), .node = node};
        snprintf(wish->name, sizeof wish->name, "%s", leaf_value(node, "name"));
    }
    ipvs_ids_clear(&ids);
    error_clear(&ignored);
    return complete;
}

static enum outcome refuse_difference(const struct wish *one, const struct wish *other,
                                      struct error *err)
{
    char *path = ipvs_path(other->node, "/bind-address");
    enum outcome outcome =
        refuse(err, TAG_INVALID_VALUE, path,
               "The virtual server '%s' places the same address on %s with other settings: make "
               "prefix-length, label, scope and no-prefix-route of the two agree.",
               leaf_value(one->node, "name"), one->address.interface);
    free(path);
    return outcome;
}

/* Sort, and leave each address once; of those that differ the first one holds. */
static enum outcome unite(struct wishes *wishes, struct error *err)
{
    size_t kept = 0;
    enum outcome outcome = DONE;
    if (wishes->count > 1)
        qsort(wishes->list, wishes->count, sizeof *wishes->list, order_wishes);
    for (size_t i = 0; i < wishes->count; i++) {
        struct wish *last = kept ? &wishes->list[kept - 1] : NULL, *wish = &wishes->list[i];
        if (!last || order_wishes(last, wish) != 0)
            wishes->list[kept++] = *wish;
        else if (!same_settings(&last->address, &wish->address))
            outcome = refuse_difference(last, wish, err);
    }
    wishes->count = kept;
    return outcome;
}

static enum outcome wish_all(const struct ipvs_engine *engine, const struct snapshot *snapshot,
                             struct wishes *wishes, struct error *err)
{
    const struct unit *unit = schema_unit_find(engine->backend->schema, SERVERS);
    size_t count = 0, first = unit ? snapshot_range(snapshot, unit, &count) : 0;
    for (size_t i = 0; i < count; i++) {
        const struct entry *entry = snapshot->entries[first + i];
        if (ipvs_places(entry) && ipvs_desired_enabled(entry->node) &&
            strcmp(ipvs_desired_director(entry->node), engine->name) == 0 &&
            !add_wishes(entry->node, wishes))
            return fail_memory(err);
    }
    return unite(wishes, err);
}

enum outcome ipvs_placement_check(const struct ipvs_engine *engine, const struct snapshot *after,
                                  struct error *err)
{
    struct wishes wishes = {0};
    enum outcome outcome = wish_all(engine, after, &wishes, err);
    free(wishes.list);
    return outcome;
}

/* -- Placing ---------------------------------------------------------------------------------- */

static int order_held(const void *a, const void *b)
{
    return order_addresses(a, b);
}

/* Ours at an address, of what is held and sorted; whether there is someone else's. */
static const struct ipvs_address *find_held(const struct ipvs_addresses *held,
                                            const struct ipvs_address *address, bool *foreign)
{
    const struct ipvs_address *found = NULL;
    size_t low = 0, high = held->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (order_addresses(&held->list[middle], address) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *foreign = false;
    for (; low < held->count && order_addresses(&held->list[low], address) == 0; low++) {
        if (held->list[low].ours)
            found = &held->list[low];
        else
            *foreign = true;
    }
    return found;
}

static struct wish *find_wish(const struct wishes *wishes, const struct ipvs_address *address)
{
    struct wish key = {.address = *address};
    return wishes->count ? bsearch(&key, wishes->list, wishes->count, sizeof key, order_wishes)
                         : NULL;
}

static const char *text_of(const struct ipvs_address *address, char text[IPVS_TEXT_SIZE])
{
    struct ipvs_destination_id id = {.family = address->family};
    memcpy(id.address, address->address, sizeof id.address);
    ipvs_destination_text(&id, text);
    *strrchr(text, ':') = '\0'; /* it has no port */
    return text;
}

/* Take away what is ours and not wanted, or wanted otherwise. */
static void clear_unwanted(const struct ipvs_placement *placement, const struct wishes *wishes,
                           const struct ipvs_addresses *held)
{
    for (size_t i = 0; i < held->count; i++) {
        const struct ipvs_address *address = &held->list[i];
        const struct wish *wish = find_wish(wishes, address);
        char text[IPVS_TEXT_SIZE];
        if (!address->ours || (wish && same_settings(&wish->address, address)))
            continue;
        int error = ipvs_route_delete(placement->requests, placement->engine->path, address);
        if (error)
            log_error(AREA_IPVS, "%s could not be taken from %s: %s", text_of(address, text),
                      address->interface, strerrordesc_np(error));
        else
            log_info(AREA_IPVS, "%s taken from %s", text_of(address, text), address->interface);
    }
}

static enum outcome fail_wish(const struct wish *wish, int error, struct error *err)
{
    char text[IPVS_TEXT_SIZE], *path = ipvs_path(wish->node, "/bind-address");
    const char *why = strerrordesc_np(error);
    if (error == EPERM)
        why = "no CAP_NET_ADMIN: run noriad as root, or give its service the capability";
    else if (error == EACCES)
        why = "IPv6 is disabled on the interface (net.ipv6.conf.*.disable_ipv6): enable it";
    enum outcome outcome =
        fail(err, TAG_OPERATION_FAILED, path, "%s could not be placed on %s: %s.",
             text_of(&wish->address, text), wish->address.interface, why);
    free(path);
    return outcome;
}

static enum outcome place(const struct ipvs_placement *placement, struct wish *wish,
                          const struct ipvs_addresses *held, struct error *err)
{
    char text[IPVS_TEXT_SIZE];
    bool foreign;
    const struct ipvs_address *found = find_held(held, &wish->address, &foreign);
    wish->state = foreign ? IPVS_PRESENT : IPVS_PLACED;
    if (foreign || (found && same_settings(found, &wish->address)))
        return DONE;
    int error = ipvs_route_add(placement->requests, &wish->address);
    if (error == EEXIST)
        wish->state = IPVS_PRESENT; /* it came this moment */
    else if (error)
        wish->state = error == ENODEV ? IPVS_WAITING : IPVS_FAILED;
    else
        log_info(AREA_IPVS, "%s placed on %s", text_of(&wish->address, text),
                 wish->address.interface);
    return wish->state == IPVS_FAILED ? fail_wish(wish, error, err) : DONE;
}

/* -- Alarms ----------------------------------------------------------------------------------- */

static void set_alarm(const struct ipvs_placement *placement, const struct wish *wish, bool waits)
{
    char resource[192];
    struct alarm_id id = {.resource = resource, .type = "virtual-address-waiting"};
    snprintf(resource, sizeof resource,
             "/noria-virtual-server:virtual-servers/virtual-server[name='%s']", wish->name);
    if (waits)
        alarm_raise(placement->engine->backend->agent, &id, ALARM_MAJOR,
                    "There is no interface %s for the address: create it, or name another.",
                    wish->address.interface);
    else
        alarm_clear(placement->engine->backend->agent, &id, NULL);
}

static bool still_waits(const struct wishes *wishes, const char *name)
{
    for (size_t i = 0; i < wishes->count; i++)
        if (wishes->list[i].state == IPVS_WAITING && strcmp(wishes->list[i].name, name) == 0)
            return true;
    return false;
}

/*
 * One alarm a virtual server; its addresses are neighbours, mostly. What an earlier run of the
 * agent has raised is cleared by the first look.
 */
static void tell(struct ipvs_placement *placement, const struct wishes *old,
                 const struct wishes *now)
{
    const char *last = "";
    for (size_t i = 0; i < old->count; i++) {
        const struct wish *wish = &old->list[i];
        if (wish->state == IPVS_WAITING && strcmp(wish->name, last) != 0 &&
            !still_waits(now, wish->name))
            set_alarm(placement, wish, false);
        last = wish->state == IPVS_WAITING ? wish->name : last;
    }
    last = "";
    for (size_t i = 0; i < now->count; i++) {
        const struct wish *wish = &now->list[i];
        bool waits = wish->state == IPVS_WAITING;
        if (strcmp(wish->name, last) != 0 &&
            (waits || (!placement->told && !still_waits(now, wish->name))))
            set_alarm(placement, wish, waits);
        last = waits || !placement->told ? wish->name : last;
    }
    placement->told = true;
}

/* -- Monitor ---------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle)
{
    struct monitor *monitor = handle->data;
    if (--monitor->open_handles > 0)
        return;
    close(monitor->fd);
    free(monitor);
}

static void drop_monitor(struct ipvs_placement *placement)
{
    struct monitor *monitor = placement->monitor;
    placement->monitor = NULL;
    if (!monitor)
        return;
    monitor->placement = NULL;
    uv_close((uv_handle_t *)&monitor->poll, on_closed);
    uv_close((uv_handle_t *)&monitor->calm, on_closed);
}

static void on_calm(uv_timer_t *calm)
{
    struct monitor *monitor = calm->data;
    struct error err = {0};
    if (monitor->placement && ipvs_placement_reconcile(monitor->placement, &err) != DONE)
        log_error(AREA_IPVS, "%s", error_message(&err));
    error_clear(&err);
}

static void on_news(uv_poll_t *poll, int status, int events)
{
    struct monitor *monitor = poll->data;
    ipvs_route_drain(monitor->fd);
    if (monitor->placement && !uv_is_active((uv_handle_t *)&monitor->calm))
        uv_timer_start(&monitor->calm, on_calm, CALM_MS, 0);
}

static int start_monitor(struct ipvs_placement *placement)
{
    struct ipvs_engine *engine = placement->engine;
    struct monitor *monitor = calloc(1, sizeof *monitor);
    if (!monitor)
        return ENOMEM;
    int error = ipvs_route_open(engine->path, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR,
                                &monitor->fd);
    if (error) {
        free(monitor);
        return error;
    }
    *monitor = (struct monitor){.placement = placement, .fd = monitor->fd, .open_handles = 2};
    uv_timer_init(engine->backend->loop, &monitor->calm);
    uv_poll_init(engine->backend->loop, &monitor->poll, monitor->fd);
    monitor->calm.data = monitor->poll.data = monitor;
    placement->monitor = monitor;
    return -uv_poll_start(&monitor->poll, UV_READABLE, on_news);
}

/* -- Life ------------------------------------------------------------------------------------- */

struct ipvs_placement *ipvs_placement_new(struct ipvs_engine *engine)
{
    struct ipvs_placement *placement = calloc(1, sizeof *placement);
    if (placement && uv_mutex_init(&placement->lock) != 0) {
        free(placement);
        placement = NULL;
    }
    if (placement) {
        placement->engine = engine;
        placement->requests = -1;
    }
    return placement;
}

void ipvs_placement_drop(struct ipvs_placement *placement)
{
    drop_monitor(placement);
    if (placement->requests >= 0)
        close(placement->requests);
    placement->requests = -1;
}

void ipvs_placement_free(struct ipvs_placement *placement)
{
    if (!placement)
        return;
    free(placement->wishes.list);
    uv_mutex_destroy(&placement->lock);
    free(placement);
}

static int open_sockets(struct ipvs_placement *placement, bool wanted)
{
    int error = 0;
    if (placement->requests < 0)
        error = ipvs_route_open(placement->engine->path, 0, &placement->requests);
    if (!error && wanted && !placement->monitor)
        error = start_monitor(placement); /* before the reading, so that nothing is missed */
    if (!wanted)
        drop_monitor(placement);
    return error;
}

static enum outcome bring_about(struct ipvs_placement *placement, struct wishes *wishes,
                                struct error *err)
{
    struct ipvs_addresses held = {0};
    enum outcome outcome = DONE;
    int error = open_sockets(placement, wishes->count != 0);
    if (!error)
        error = ipvs_route_addresses(placement->requests, &held);
    if (error) {
        free(held.list);
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "The addresses of the director %s cannot be read: %s", placement->engine->name,
                    strerrordesc_np(error));
    }
    if (held.count > 1)
        qsort(held.list, held.count, sizeof *held.list, order_held);
    clear_unwanted(placement, wishes, &held);
    for (size_t i = 0; i < wishes->count; i++)
        if (place(placement, &wishes->list[i], &held, err) != DONE)
            outcome = FAILED;
    free(held.list);
    return outcome;
}

enum outcome ipvs_placement_reconcile(struct ipvs_placement *placement, struct error *err)
{
    struct ipvs_engine *engine = placement->engine;
    struct wishes wishes = {0};
    enum outcome outcome = DONE;
    if (!engine->sock)
        return DONE; /* when it is up again */
    /* An engine that is out of the set has nothing left to place. */
    if (engine->member && wish_all(engine, engine->directors->running, &wishes, NULL) == FAILED)
        outcome = fail_memory(err);
    if (outcome == DONE)
        outcome = bring_about(placement, &wishes, err);
    for (size_t i = 0; i < wishes.count; i++)
        wishes.list[i].node = NULL;
    uv_mutex_lock(&placement->lock);
    struct wishes old = placement->wishes;
    placement->wishes = wishes;
    uv_mutex_unlock(&placement->lock);
    tell(placement, &old, &placement->wishes);
    free(old.list);
    return outcome;
}

enum ipvs_placed ipvs_placement_state(struct ipvs_placement *placement, const struct lyd_node *node)
{
    struct wishes asked = {0};
    enum ipvs_placed worst = IPVS_PLACED;
    if (!add_wishes(node, &asked))
        worst = IPVS_UNKNOWN;
    uv_mutex_lock(&placement->lock);
    for (size_t i = 0; i < asked.count; i++) {
        const struct wish *wish = find_wish(&placement->wishes, &asked.list[i].address);
        enum ipvs_placed state = wish ? wish->state : IPVS_UNKNOWN;
        worst = state > worst ? state : worst;
    }
    uv_mutex_unlock(&placement->lock);
    free(asked.list);
    return worst;
}
