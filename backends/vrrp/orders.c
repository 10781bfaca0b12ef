/*
 * Orders: fail-over, another priority, and their end.
 *
 * An order is stored before its giver is told that it holds, and is then a number in a file that
 * keepalived watches: nothing is reloaded for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/datastore/file.h"
#include "agent/log.h"
#include "agent/transaction/operations.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/vrrp.h"

#define ORDERS "vrrp-orders"
#define FILE_MAX ((size_t)1 << 20)
#define SECOND INT64_C(1000000000)

/* The longest sleep until an order's end, so that a clock that was set is noticed. */
#define SLEEP_MS 60000

/* The stored file: a line each, with tabs between its words. */

static char *print_orders(struct vrrp *vrrp)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    for (size_t i = 0; out && i < vrrp->states.count; i++) {
        const struct vrrp_item *item = &vrrp->states.items[i];
        const struct vrrp_order *order = &item->order;
        if (order->kind != VRRP_ORDER_NONE)
            fprintf(out, "%s\t%d\t%d\t%" PRId64 "\t%" PRId64 "\t%s\t%s\n", item->name, order->kind,
                    order->priority, order->since, order->until, order->owner, order->reason);
    }
    if (out && fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

static void read_order(struct vrrp *vrrp, char *line)
{
    char *words[7], *rest = line;
    for (size_t i = 0; i < 7; i++)
        if (!(words[i] = strsep(&rest, "\t")))
            return;
    struct vrrp_item *item = vrrp_states_find(&vrrp->states, false, words[0], true);
    long kind = strtol(words[1], NULL, 10);
    if (!item || kind < VRRP_ORDER_FAIL_OVER || kind > VRRP_ORDER_PRIORITY)
        return;
    item->order = (struct vrrp_order){.kind = (enum vrrp_order_kind)kind,
                                      .priority = (int)strtol(words[2], NULL, 10),
                                      .since = strtoll(words[3], NULL, 10),
                                      .until = strtoll(words[4], NULL, 10)};
    snprintf(item->order.owner, sizeof(item->order.owner), "%s", words[5]);
    snprintf(item->order.reason, sizeof(item->order.reason), "%s", words[6]);
}

static int open_state(const struct vrrp *vrrp)
{
    return open(vrrp->backend->agent->options.state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void vrrp_orders_load(struct vrrp *vrrp)
{
    char *data = NULL, *rest, *line;
    size_t size;
    int folder = open_state(vrrp);
    int fd = folder >= 0 ? openat(folder, ORDERS, O_RDONLY | O_CLOEXEC) : -1;
    if (fd >= 0 && file_read(fd, FILE_MAX, &data, &size))
        for (rest = data; (line = strsep(&rest, "\n"));)
            read_order(vrrp, line);
    else if (fd >= 0 || errno != ENOENT)
        log_error(AREA_VRRP, "the stored orders cannot be read: %s", strerror(errno));
    free(data);
    if (fd >= 0)
        close(fd);
    if (folder >= 0)
        close(folder);
}

/* What holds, in the files. */

static int configured_priority(const struct vrrp *vrrp, const char *name)
{
    const struct lyd_node *node =
        vrrp_node_of(vrrp->backend->schema, vrrp->running, VRRP_INSTANCE, name);
    const char *priority = node ? leaf_value(node, "priority") : NULL;
    return priority ? (int)strtol(priority, NULL, 10) : 0;
}

static int number_of(const struct vrrp *vrrp, const struct vrrp_item *item)
{
    switch (item->order.kind) {
    case VRRP_ORDER_FAIL_OVER:
        return VRRP_ORDER_FAULT;
    case VRRP_ORDER_PRIORITY:
        return item->order.priority - configured_priority(vrrp, item->name);
    case VRRP_ORDER_NONE:
        break;
    }
    return 0;
}

/* One that was put there before is not put there again: there are hundreds. */
static void put(const struct vrrp *vrrp, struct vrrp_item *item, int number)
{
    const char *kind = item->group ? VRRP_GROUP_ORDER : VRRP_ORDER;
    if (item->filed && item->filed_as == number)
        return;
    item->filed = vrrp_file_set(vrrp->folder, kind, item->name, number);
    item->filed_as = number;
    if (!item->filed)
        log_error(AREA_VRRP, "cannot write %s/%s.%s: %s", vrrp->folder, kind, item->name,
                  strerror(errno));
}

/* A group is in its fault state while any of its members is to be. */
static int group_number(const struct vrrp *vrrp, const struct lyd_node *group)
{
    for (size_t i = 0; i < vrrp->states.count; i++) {
        const struct vrrp_item *item = &vrrp->states.items[i];
        if (!item->group && item->order.kind == VRRP_ORDER_FAIL_OVER &&
            vrrp_group_of(vrrp->backend->schema, vrrp->running, item->name) == group)
            return 1;
    }
    return 0;
}

static void write_groups(struct vrrp *vrrp)
{
    const struct unit *unit = schema_unit_find(vrrp->backend->schema, VRRP_GROUP);
    size_t count = 0, first = unit ? snapshot_range(vrrp->running, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++) {
        const struct lyd_node *node = vrrp->running->entries[i]->node;
        struct vrrp_item *item =
            vrrp_states_find(&vrrp->states, true, leaf_value(node, "name"), false);
        if (item)
            put(vrrp, item, group_number(vrrp, node));
    }
}

static void on_order_due(uv_timer_t *timer);

/* The timer runs until the first order ends. */
static void await_end(struct vrrp *vrrp)
{
    int64_t first = 0;
    for (size_t i = 0; i < vrrp->states.count; i++) {
        int64_t until = vrrp->states.items[i].order.until;
        if (until && (!first || until < first))
            first = until;
    }
    int64_t rest = (first - clock_now()) / 1000000 + 1;
    rest = rest < 0 ? 0 : rest > SLEEP_MS ? SLEEP_MS : rest;
    uv_update_time(vrrp->backend->loop);
    if (first)
        uv_timer_start(&vrrp->order_due, on_order_due, (uint64_t)rest, 0);
    else
        uv_timer_stop(&vrrp->order_due);
}

static bool end_those_due(struct vrrp *vrrp)
{
    bool any = false;
    int64_t now = clock_now();
    uv_mutex_lock(&vrrp->states.lock);
    for (size_t i = 0; i < vrrp->states.count; i++) {
        struct vrrp_item *item = &vrrp->states.items[i];
        if (!item->order.until || item->order.until > now)
            continue;
        log_notice(AREA_VRRP, "instance %s: what %s ordered has come to its end", item->name,
                   item->order.owner);
        item->order = (struct vrrp_order){0};
        item->order_ended = now;
        any = true;
    }
    uv_mutex_unlock(&vrrp->states.lock);
    return any;
}

void vrrp_orders_write(struct vrrp *vrrp)
{
    end_those_due(vrrp);
    for (size_t i = 0; i < vrrp->states.count; i++) {
        struct vrrp_item *item = &vrrp->states.items[i];
        if (!item->group)
            put(vrrp, item, number_of(vrrp, item));
    }
    write_groups(vrrp);
    await_end(vrrp);
}

/* Storing: one after the other, as all are to the same file. */

struct vrrp_storing {
    uv_work_t work;
    struct vrrp *vrrp;
    struct backend_call *call; /* NULL: nobody waits */
    struct vrrp_storing *next;
    char *text;
    int folder;
    int error; /* an errno */
};

static void store_work(uv_work_t *work)
{
    struct vrrp_storing *storing = work->data;
    if (!storing->text)
        storing->error = ENOMEM;
    else if (storing->folder < 0 || !file_replace(storing->folder, ORDERS, ORDERS ".new",
                                                  storing->text, strlen(storing->text)))
        storing->error = errno;
}

static void store_done(uv_work_t *work, int status);

static void store_first(struct vrrp *vrrp)
{
    struct vrrp_storing *storing = vrrp->storing;
    storing->work.data = storing;
    storing->text = print_orders(vrrp);
    storing->folder = open_state(vrrp);
    uv_queue_work(vrrp->backend->loop, &storing->work, store_work, store_done);
}

static void store_done(uv_work_t *work, int status)
{
    struct vrrp_storing *storing = work->data;
    struct vrrp *vrrp = storing->vrrp;
    struct backend_call *call = storing->call;
    enum outcome outcome = DONE;
    if (storing->error && call)
        outcome = fail(&call->error, TAG_OPERATION_FAILED, NULL,
                       "The order holds, but cannot be stored: %s. A restart forgets it.",
                       strerror(storing->error));
    else if (storing->error)
        log_error(AREA_VRRP, "the orders cannot be stored: %s", strerror(storing->error));
    vrrp->storing = storing->next;
    if (vrrp->storing)
        store_first(vrrp);
    if (storing->folder >= 0)
        close(storing->folder);
    free(storing->text);
    free(storing);
    if (call)
        call_done(call, outcome);
}

static void store(struct vrrp *vrrp, struct backend_call *call)
{
    struct vrrp_storing *storing = calloc(1, sizeof(*storing)), **last = &vrrp->storing;
    if (!storing) {
        if (call)
            call_done(call, fail_memory(&call->error));
        return;
    }
    storing->vrrp = vrrp;
    storing->call = call;
    while (*last)
        last = &(*last)->next;
    *last = storing;
    if (vrrp->storing == storing)
        store_first(vrrp);
}

void vrrp_orders_store(struct vrrp *vrrp)
{
    store(vrrp, NULL);
}

void vrrp_orders_finish(struct vrrp *vrrp)
{
    while (vrrp->storing)
        uv_run(vrrp->backend->loop, UV_RUN_ONCE);
}

static void on_order_due(uv_timer_t *timer)
{
    struct vrrp *vrrp = timer->data;
    bool any = end_those_due(vrrp);
    vrrp_orders_write(vrrp);
    if (any)
        vrrp_orders_store(vrrp);
}

/* The actions. */

static const char *input(const struct backend_call *call, const char *leaf)
{
    return leaf_value(call->request, leaf);
}

static struct vrrp_order new_order(const struct backend_call *call, enum vrrp_order_kind kind,
                                   const char *seconds)
{
    struct vrrp_order order = {.kind = kind, .since = clock_now()};
    const char *reason = input(call, "reason");
    if (seconds)
        order.until = order.since + strtoll(seconds, NULL, 10) * SECOND;
    snprintf(order.owner, sizeof(order.owner), "%s", call->origin->user);
    snprintf(order.reason, sizeof(order.reason), "%s", reason ? reason : "");
    for (char *at = order.reason; *at; at++)
        if ((unsigned char)*at < ' ') /* the file has lines of words */
            *at = ' ';
    return order;
}

static void give(struct backend *backend, struct backend_call *call, const struct vrrp_order *order)
{
    struct vrrp *vrrp = backend->data;
    const char *name = leaf_value(lyd_parent(call->request), "name");
    const char *reason = input(call, "reason");
    if (reason && strlen(reason) >= sizeof(order->reason)) { /* it has 255 characters at most */
        call_done(call,
                  refuse(&call->error, TAG_INVALID_VALUE, NULL,
                         "The reason has %zu octets, of which there may be %zu: say it in fewer "
                         "words.",
                         strlen(reason), sizeof(order->reason) - 1));
        return;
    }
    uv_mutex_lock(&vrrp->states.lock);
    struct vrrp_item *item = vrrp_states_find(&vrrp->states, false, name, true);
    if (item && order->kind == VRRP_ORDER_NONE && item->order.kind != VRRP_ORDER_NONE)
        item->order_ended = clock_now();
    if (item)
        item->order = *order;
    uv_mutex_unlock(&vrrp->states.lock);
    if (!item) {
        call_done(call, fail_memory(&call->error));
        return;
    }
    log_notice(AREA_VRRP, "instance %s: %s by %s: %s", name,
               order->kind == VRRP_ORDER_NONE        ? "orders are taken back"
               : order->kind == VRRP_ORDER_FAIL_OVER ? "fail-over"
                                                     : "another priority",
               call->origin->user, order->reason);
    vrrp_orders_write(vrrp);
    store(vrrp, call);
}

void vrrp_fail_over(struct backend *backend, struct backend_call *call)
{
    struct vrrp_order order = new_order(call, VRRP_ORDER_FAIL_OVER, input(call, "hold-time"));
    give(backend, call, &order);
}

void vrrp_override_priority(struct backend *backend, struct backend_call *call)
{
    struct vrrp *vrrp = backend->data;
    const struct lyd_node *instance = lyd_parent(call->request);
    const char *name = leaf_value(instance, "name");
    struct vrrp_order order = new_order(call, VRRP_ORDER_PRIORITY, input(call, "duration"));
    const struct lyd_node *group = vrrp_group_of(backend->schema, vrrp->running, name);
    order.priority = (int)strtol(input(call, "priority"), NULL, 10);
    if (group)
        call_done(call, refuse(&call->error, TAG_OPERATION_FAILED, NULL,
                               "The instance is in the group %s, whose members have no priorities "
                               "of their own for a time: use fail-over, or change the "
                               "configuration.",
                               leaf_value(group, "name")));
    else if (configured_priority(vrrp, name) == 255)
        call_done(call, refuse(&call->error, TAG_OPERATION_FAILED, NULL,
                               "This node owns the addresses (priority 255), which it cannot do "
                               "with another priority: use fail-over."));
    else
        give(backend, call, &order);
}

void vrrp_resume(struct backend *backend, struct backend_call *call)
{
    struct vrrp_order order = {.kind = VRRP_ORDER_NONE};
    give(backend, call, &order);
}
