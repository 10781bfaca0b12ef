/*
 * Maintenance: orders that the configuration gives.
 *
 * Such an order is one like any other, marked as configured. When a transaction changes what is
 * configured, it takes the place of whatever holds; an operator may give another order on top of
 * it, and when that is taken back or ends, the configured one holds again.
 */
#include <string.h>

#include "agent/steering/internal.h"
#include "agent/steering/notices.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"

/* Who gave an order that names nobody, for notifications. */
#define NOBODY "configuration"

static bool same_order(const struct steering_order *a, const struct steering_order *b)
{
    return a->kind == b->kind && !strcmp(a->owner, b->owner) && !strcmp(a->reason, b->reason);
}

static void put(struct steering *steering, const struct steering_key *key,
                const struct steering_order *order, const char *owner)
{
    steering_set_order(steering->agent, key, order, NULL, NULL);
    notice_order(steering->agent, key, order, *owner ? owner : NOBODY);
}

/* @param changed Whether its configuration is another one than before. */
static void bring_about(struct steering *steering, const struct steering_key *key,
                        const struct steering_order *wanted, bool changed)
{
    struct steering_server now;
    steering_read(steering->agent, key, &now);
    bool ours = now.order.configured, none = now.order.kind == STEERING_ORDER_NONE;
    if (wanted->kind && (none || (ours && !same_order(&now.order, wanted)) ||
                         (changed && !ours && now.order.kind != STEERING_ORDER_LEAVE)))
        put(steering, key, wanted, wanted->owner);
    else if (!wanted->kind && ours)
        put(steering, key, wanted, now.order.owner);
}

static bool is_real(const struct lyd_node *node)
{
    return node->schema && !strcmp(node->schema->name, "real-server");
}

static void check_servers(struct steering *steering, const struct entry *before,
                          const struct entry *after)
{
    const char *name = leaf_value(after->node, "name");
    const struct lyd_node *real;
    LY_LIST_FOR(lyd_child(after->node), real)
    {
        if (!is_real(real))
            continue;
        struct steering_key key = steering_key_of(real, name);
        struct steering_order wanted = steering_order_in(real);
        const struct steering_record *record = steering_table_find(&steering->table, &key);
        if (!wanted.kind && !(record && record->order))
            continue;
        struct steering_order was =
            steering_order_in(before ? steering_configured_in(before->node, &key) : NULL);
        bring_about(steering, &key, &wanted, !same_order(&was, &wanted));
    }
}

void steering_maintain(struct steering *steering, const struct change_set *changes)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *change = &changes->changes[i];
        if (change->after && !strcmp(change->unit->path, UNIT))
            check_servers(steering, change->before, change->after);
    }
}

void steering_maintain_all(struct steering *steering)
{
    const struct snapshot *running = steering->agent->running;
    const struct unit *unit = schema_unit_find(steering->agent->schema, UNIT);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++)
        check_servers(steering, running->entries[i], running->entries[i]);
}
