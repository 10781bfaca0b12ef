/*
 * What of steering is configured.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/steering/internal.h"

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

const struct lyd_node *steering_configured(const struct agent *agent,
                                           const struct steering_key *key)
{
    const struct lyd_node *server = find_virtual(agent, key->virtual_server);
    return server ? steering_configured_in(server, key) : NULL;
}
