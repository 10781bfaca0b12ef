/*
 * Synchronisation daemons that follow instances.
 */
#include "backends/vrrp/sync.h"

#include <string.h>

#include "backends/vrrp/generate.h"

#define DIRECTORS "/noria-director:directors/director"

/* The interface of the daemons that follow an instance, or NULL: none do. */
static const char *interface_of(const struct schema *schema, const struct snapshot *running,
                                const char *instance)
{
    const struct unit *unit = schema_unit_find(schema, DIRECTORS);
    size_t count = 0, first = unit ? snapshot_range(running, unit, &count) : 0;
    for (size_t i = first; i < first + count; i++) {
        const struct lyd_node *daemon = child_node(running->entries[i]->node, "sync-daemon");
        const char *followed = daemon ? leaf_value(daemon, "vrrp-instance") : NULL;
        if (!followed || strcmp(followed, instance) != 0)
            continue;
        const char *interface = leaf_value(daemon, "master/interface");
        return interface ? interface : leaf_value(daemon, "backup/interface");
    }
    return NULL;
}

enum outcome vrrp_sync_add(struct agent *agent, const struct state_request *request,
                           struct error *err)
{
    struct snapshot *running = agent_running(agent);
    enum outcome outcome = DONE;
    for (size_t i = 0; i < request->count && outcome == DONE; i++) {
        struct lyd_node *node = request->nodes[i];
        if (strcmp(request->entries[i]->unit->path, VRRP_INSTANCE) != 0)
            continue;
        const char *interface = interface_of(agent->schema, running, leaf_value(node, "name"));
        if (interface)
            outcome = state_add(node, "sync-interface", interface, err);
    }
    snapshot_unref(running);
    return outcome;
}
