/*
 * Adoption of what a director has beside its table: time-outs, parameters, daemons.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "backends/ipvs/adopt.h"

#define MODULE "noria-director"
#define UNIT "/noria-director:directors/director"

/* One adoption; the nodes are made when there is something to go into them. */
struct work {
    const struct lys_module *module;
    const char *director;
    const struct lyd_node *configured; /* or NULL */
    struct lyd_node *container, *node;
    bool complete; /* there was memory */
};

/* The director, or a container in it. */
static struct lyd_node *place(struct work *work, const char *container, const char *below)
{
    struct lyd_node *node, *inner = NULL;
    if (!work->node &&
        (lyd_new_inner(NULL, work->module, "directors", 0, &work->container) ||
         lyd_new_list(work->container, NULL, "director", 0, &work->node, work->director))) {
        work->complete = false;
        return NULL;
    }
    node = work->node;
    for (const char *name = container; name; name = name == below ? NULL : below) {
        if (lyd_find_sibling_val(lyd_child(node),
                                 lys_find_child(node->schema, work->module, name, 0, 0, 0), NULL, 0,
                                 &inner) &&
            lyd_new_inner(node, NULL, name, 0, &inner)) {
            work->complete = false;
            return NULL;
        }
        node = inner;
    }
    return node;
}

static bool is_configured(const struct work *work, const char *container, const char *leaf)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", container, leaf);
    return work->configured && leaf_value(work->configured, path);
}

static void put(struct work *work, struct lyd_node *parent, const char *leaf, const char *value)
{
    if (parent && lyd_new_term(parent, NULL, leaf, value, 0, NULL))
        work->complete = false;
}

static void put_number(struct work *work, struct lyd_node *parent, const char *leaf,
                       unsigned number)
{
    char text[16];
    snprintf(text, sizeof text, "%u", number);
    put(work, parent, leaf, text);
}

static void adopt_timeouts(struct work *work, const struct ipvs_settings *held)
{
    for (size_t i = 0; i < IPVS_TIMEOUTS; i++) {
        const char *name = ipvs_timeout_names[i];
        if (held->timeouts[i] && held->timeouts[i] != ipvs_standard_timeouts[i] &&
            !is_configured(work, "timeouts", name))
            put_number(work, place(work, "timeouts", NULL), name, held->timeouts[i]);
    }
}

/* A parameter as its leaf has it; what its type does not take is left as it is in the kernel. */
static void adopt_parameter(struct work *work, const char *name, const char *value)
{
    struct lyd_node *parameters = place(work, "parameters", NULL);
    const struct lysc_node *leaf =
        parameters ? lys_find_child(parameters->schema, work->module, name, 0, 0, 0) : NULL;
    if (!leaf)
        return;
    if (((const struct lysc_node_leaf *)leaf)->type->basetype == LY_TYPE_BOOL)
        value = strcmp(value, "0") == 0 ? "false" : "true";
    if (!lyd_value_validate(leaf->module->ctx, leaf, value, strlen(value), NULL, NULL, NULL))
        put(work, parameters, name, value);
}

static void adopt_parameters(struct work *work, const struct ipvs_settings *held)
{
    for (size_t i = 0; i < IPVS_PARAMETERS; i++) {
        const struct ipvs_parameter *parameter = &ipvs_parameters[i];
        const char *value = held->parameters[i];
        if (value && parameter->standard && !ipvs_parameter_same(i, value, parameter->standard) &&
            !is_configured(work, "parameters", parameter->name))
            adopt_parameter(work, parameter->name, value);
    }
}

static void adopt_daemon(struct work *work, enum ipvs_role role, const struct ipvs_daemon *held)
{
    const char *name = ipvs_role_names[role];
    char at[64], group[INET6_ADDRSTRLEN] = "?";
    snprintf(at, sizeof at, "sync-daemon/%s", name);
    if (!held->on || is_configured(work, at, "interface"))
        return;
    struct lyd_node *node = place(work, "sync-daemon", name);
    inet_ntop(held->family, held->group, group, sizeof group);
    put(work, node, "interface", held->interface);
    put_number(work, node, "sync-id", held->sync_id);
    put(work, node, "multicast-group", group);
    put_number(work, node, "port", held->port);
    put_number(work, node, "ttl", held->ttl);
    if (held->max_length)
        put_number(work, node, "max-length", held->max_length);
}

enum outcome ipvs_adopt_settings(const struct schema *schema, const struct snapshot *running,
                                 const char *director, const struct ipvs_settings *held,
                                 struct lyd_node **tree, struct error *err)
{
    char key[128];
    const struct unit *unit = schema_unit_find(schema, UNIT);
    struct work work = {.module = ly_ctx_get_module_implemented(schema->ctx, MODULE),
                        .director = director,
                        .complete = true};
    if (!unit || !work.module)
        return fail_memory(err);
    snprintf(key, sizeof key, "[name='%s']", director);
    const struct entry *entry = running ? snapshot_find(running, unit, key) : NULL;
    work.configured = entry ? entry->node : NULL;
    adopt_timeouts(&work, held);
    adopt_parameters(&work, held);
    for (enum ipvs_role role = 0; role < IPVS_ROLES; role++)
        adopt_daemon(&work, role, &held->daemons[role]);
    if (!work.complete || (work.container && lyd_insert_sibling(*tree, work.container, tree))) {
        lyd_free_all(work.container);
        return fail_memory(err);
    }
    return DONE;
}
