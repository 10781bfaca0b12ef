/*
 * What steering tells.
 */
#include "agent/steering/notices.h"

#include <inttypes.h>
#include <stdio.h>

#include "agent/agent.h"
#include "agent/clock.h"
#include "agent/event/event.h"
#include "agent/log.h"

/* What cannot be added is left out: part of a notification is better than none. */
static void add(struct lyd_node *notice, const char *name, const char *value)
{
    if (notice && value && *value)
        lyd_new_term(notice, NULL, name, value, 0, NULL);
}

static void add_number(struct lyd_node *notice, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    add(notice, name, text);
}

static struct lyd_node *begin(const struct agent *agent, const char *name,
                              const struct steering_key *key)
{
    struct lyd_node *notice = NULL;
    const struct lys_module *module =
        agent->events ? ly_ctx_get_module_implemented(agent->schema->ctx, "noria-operations")
                      : NULL;
    if (!module || lyd_new_inner(NULL, module, name, 0, &notice))
        return NULL;
    add(notice, "virtual-server", key->virtual_server);
    if (key->address) {
        add(notice, "address", key->address);
        add_number(notice, "port", key->port);
    }
    return notice;
}

void notice_order(struct agent *agent, const struct steering_key *key,
                  const struct steering_order *order, const char *owner)
{
    char time[CLOCK_TEXT_SIZE];
    const char *kind = steering_order_name(order->kind);
    log_notice(AREA_STEERING, "%s, %s port %u: order %s by %s%s%s", key->virtual_server,
               key->address ? key->address : "all real servers,", (unsigned)key->port, kind,
               owner ? owner : "the end of its time", *order->reason ? ": " : "", order->reason);
    struct lyd_node *notice = begin(agent, "order-change", key);
    add(notice, "kind", kind);
    if (order->kind == STEERING_ORDER_WEIGHT && notice)
        add_number(notice, "weight", order->weight);
    add(notice, "owner", owner);
    add(notice, "reason", order->reason);
    if (order->until)
        add(notice, "until", clock_text(order->until, time));
    event_emit(agent, notice);
}

void notice_drain(struct agent *agent, const struct steering_key *key,
                  enum steering_order_kind kind, const char *event, int64_t connections)
{
    log_info(AREA_STEERING, "%s, %s port %u: %s: %s, %" PRId64 " connections left",
             key->virtual_server, key->address, (unsigned)key->port, steering_order_name(kind),
             event, connections);
    struct lyd_node *notice = begin(agent, "drain-progress", key);
    add(notice, "event", event);
    add(notice, "kind", steering_order_name(kind));
    if (connections >= 0 && notice)
        add_number(notice, "connections-left", connections);
    event_emit(agent, notice);
}
