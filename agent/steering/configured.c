/*
 * What of steering is configured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/steering/internal.h"
#include "agent/transaction/transaction.h"

#define UNIT "/noria-virtual-server:virtual-servers/virtual-server"

static const struct lyd_node *find_virtual(const struct agent *agent, const char *name)
{
    char key[300];
    const struct unit *unit = schema_unit_find(agent->schema, UNIT);
    if (!unit || snprintf(key, sizeof(key), "[name='%s']", name) >= (int)sizeof(key))
        return NULL;
    const struct entry *entry = snapshot_find(agent->running, unit, key);
    return entry ? entry->node : NULL;
}

struct steering_key steering_key_of(const struct lyd_node *real, const char *virtual_server)
{
    return (struct steering_key){.virtual_server = virtual_server,
                                 .address = leaf_value(real, "address"),
                                 .port = (uint16_t)strtoul(leaf_value(real, "port"), NULL, 10)};
}

const struct lyd_node *steering_configured_in(const struct lyd_node *server,
                                              const struct steering_key *key)
{
    char predicate[STEERING_ADDRESS_SIZE + 40];
    struct lyd_node *found = NULL;
    const struct lysc_node *list =
        lys_find_child(server->schema, server->schema->module, "real-server", 0, 0, 0);
    int length = snprintf(predicate, sizeof(predicate), "[address='%s'][port='%u']", key->address,
                          (unsigned)key->port);
    if (!list || length >= (int)sizeof(predicate) ||
        lyd_find_sibling_val(lyd_child(server), list, predicate, (size_t)length, &found))
        return NULL;
    return found;
}

bool steering_is_configured(const struct agent *agent, const struct steering_key *key)
{
    const struct lyd_node *server = find_virtual(agent, key->virtual_server);
    return server && (!key->address || steering_configured_in(server, key));
}

bool steering_is_known(struct steering *steering, const struct steering_key *key, bool *unconfirmed)
{
    struct agent *agent = steering->agent;
    *unconfirmed = !steering_is_configured(agent, key);
    if (*unconfirmed && !transactions_unsettled(agent->transactions))
        return false;
    steering->unconfirmed = steering->unconfirmed || *unconfirmed;
    return true;
}

struct steering_record *steering_record_for(struct steering *steering,
                                            const struct steering_key *key)
{
    bool unconfirmed;
    struct steering_record *record = steering_table_find(&steering->table, key);
    if (record || !steering_is_known(steering, key, &unconfirmed))
        return record;
    uv_mutex_lock(&steering->lock);
    record = steering_table_add(&steering->table, key);
    if (record)
        record->unconfirmed = unconfirmed;
    uv_mutex_unlock(&steering->lock);
    return record;
}

static bool is_enabled(const struct lyd_node *node)
{
    const char *value = node ? leaf_value(node, "enabled") : NULL;
    return node && (!value || !strcmp(value, "true"));
}

bool steering_is_enabled(const struct agent *agent, const struct steering_key *key)
{
    const struct lyd_node *server = find_virtual(agent, key->virtual_server);
    return is_enabled(server) && (!key->address || is_enabled(steering_configured_in(server, key)));
}

static enum steering_order_kind kind_of(const char *name)
{
    static const enum steering_order_kind kinds[] = {STEERING_ORDER_UP, STEERING_ORDER_DOWN,
                                                     STEERING_ORDER_DRAIN};
    for (size_t i = 0; name && i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(name, steering_order_name(kinds[i])))
            return kinds[i];
    return STEERING_ORDER_NONE;
}

/* Copy a text, and cut it between two characters if it is too long. */
static void copy_text(char *to, size_t size, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    if (length >= size)
        for (length = size - 1; length && ((unsigned char)text[length] & 0xc0) == 0x80; length--)
            continue;
    memcpy(to, text ? text : "", length);
    to[length] = '\0';
}

struct steering_order steering_order_in(const struct lyd_node *real)
{
    const struct lyd_node *node = real ? child_node(real, "maintenance") : NULL;
    const char *owner = node ? leaf_value(node, "owner") : NULL;
    const char *reason = node ? leaf_value(node, "reason") : NULL;
    struct steering_order order = {.kind = kind_of(node ? leaf_value(node, "order") : NULL)};
    if (order.kind == STEERING_ORDER_NONE)
        return order;
    order.configured = true;
    order.since = clock_now();
    copy_text(order.owner, sizeof(order.owner), owner);
    copy_text(order.reason, sizeof(order.reason), reason);
    return order;
}

/* The node of a real server in running, or NULL. Borrowed. */
static const struct lyd_node *find_real(const struct agent *agent, const struct steering_key *key)
{
    const struct lyd_node *server = find_virtual(agent, key->virtual_server);
    return server ? steering_configured_in(server, key) : NULL;
}

void steering_configured_order(const struct agent *agent, const struct steering_key *key,
                               struct steering_order *order)
{
    *order = steering_order_in(find_real(agent, key));
}
