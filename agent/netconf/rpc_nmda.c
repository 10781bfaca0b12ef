/*
 * get-data and edit-data (RFC 8526): datastores by the names of RFC 8342.
 *
 * There are running, candidate, startup and operational. The applied configuration is the running
 * one: a commit that an engine refuses is no commit.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/reading.h"

#define IS_OPERATIONAL(name) (!strcmp(name, "ietf-datastores:operational"))

static enum outcome refuse_missing(struct rpc *rpc, const char *name)
{
    return rpc_refuse(rpc, TAG_MISSING_ELEMENT, name, "The operation lacks its element %s.", name);
}

static enum outcome read_filter(struct rpc *rpc, struct filter *filter)
{
    const struct schema *schema = rpc->agent->schema;
    const struct ly_ctx *bare = rpc->session->server->bare;
    const struct lyd_node *xpath = rpc_parameter(rpc, "xpath-filter");
    bool without_id;
    enum outcome outcome;
    const char *message = link_message(rpc->session->link, &without_id)->data;
    if (rpc_parameter(rpc, "subtree-filter") && xpath)
        return rpc_refuse(rpc, TAG_BAD_ELEMENT, "xpath-filter",
                          "subtree-filter and xpath-filter exclude each other: give one of them.");
    if (rpc_parameter(rpc, "subtree-filter"))
        outcome = filter_read_subtree(schema, "subtree-filter", message, bare, filter, &rpc->error);
    else if (xpath)
        outcome = filter_read_xpath(schema, lyd_get_value(xpath), filter, &rpc->error);
    else
        outcome = filter_read(schema, NULL, message, bare, filter, &rpc->error);
    rpc->protocol = outcome == REFUSED;
    return outcome;
}

/* Which origins there are among those that a parameter lists. Returns whether it lists any. */
static bool listed_origins(const struct rpc *rpc, const char *name, bool *intended, bool *fallback)
{
    const struct lyd_node *child;
    bool any = false;
    *intended = *fallback = false;
    LY_LIST_FOR(lyd_child(rpc->request), child)
    {
        if (strcmp(LYD_NAME(child), name))
            continue;
        any = true;
        *intended |= !strcmp(lyd_get_value(child), "ietf-origin:intended");
        *fallback |= !strcmp(lyd_get_value(child), "ietf-origin:default");
    }
    return any;
}

static enum outcome read_origins(struct rpc *rpc, bool operational, struct view *view)
{
    bool intended, fallback;
    view->with_origin = rpc_parameter(rpc, "with-origin");
    if (view->with_origin && !operational)
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "with-origin",
                          "Only the datastore operational has origins: leave with-origin out.");
    bool filtered = listed_origins(rpc, "origin-filter", &intended, &fallback);
    if (filtered) {
        view->hides_intended = !intended;
        view->hides_default = !fallback;
    }
    if (listed_origins(rpc, "negated-origin-filter", &intended, &fallback)) {
        if (filtered)
            return rpc_refuse(rpc, TAG_BAD_ELEMENT, "negated-origin-filter",
                              "origin-filter and negated-origin-filter exclude each other.");
        filtered = true;
        view->hides_intended = intended;
        view->hides_default = fallback;
    }
    if (filtered && !operational)
        return rpc_refuse(rpc, TAG_UNKNOWN_ELEMENT, "origin-filter",
                          "Only the datastore operational has origins: leave the filter out.");
    return DONE;
}

static enum outcome read_view(struct rpc *rpc, bool operational, struct view *view)
{
    const char *nodes = rpc_value(rpc, "config-filter", NULL);
    const char *depth = rpc_value(rpc, "max-depth", "unbounded");
    if (nodes)
        view->nodes = !strcmp(nodes, "true") ? VIEW_CONFIG : VIEW_STATE;
    view->depth = (uint32_t)strtoul(depth, NULL, 10);
    /* What is in use by default is part of the operational state (RFC 8342, 5.3). */
    reading_defaults(rpc, operational ? LYD_PRINT_WD_ALL : LYD_PRINT_WD_EXPLICIT, view);
    return read_origins(rpc, operational, view);
}

enum outcome rpc_get_data(struct rpc *rpc)
{
    const struct lyd_node *leaf = rpc_parameter(rpc, "datastore");
    struct reading reading = {0};
    enum datastore datastore = DATASTORE_RUNNING;
    if (!leaf)
        return refuse_missing(rpc, "datastore");
    bool operational = IS_OPERATIONAL(lyd_get_value(leaf));
    if (!operational && rpc_datastore_named(rpc, leaf, "running, candidate, startup or operational",
                                            &datastore) != DONE)
        return REFUSED;
    enum outcome outcome = read_view(rpc, operational, &reading.view);
    if (outcome == DONE)
        outcome = read_filter(rpc, &reading.filter);
    if (outcome == DONE)
        outcome = operational ? reading_operational(rpc, &reading)
                              : reading_config(rpc, &reading, datastore);
    filter_free(&reading.filter);
    return outcome;
}

enum outcome rpc_edit_data(struct rpc *rpc)
{
    const struct lyd_node *leaf = rpc_parameter(rpc, "datastore");
    const struct lyd_node *config = rpc_parameter(rpc, "config");
    struct lyd_node *edit;
    enum datastore datastore;
    if (!leaf)
        return refuse_missing(rpc, "datastore");
    if (rpc_datastore_named(rpc, leaf, "running or candidate", &datastore) != DONE)
        return REFUSED;
    if (datastore == DATASTORE_STARTUP)
        return rpc_refuse_datastore(rpc, leaf, "running or candidate");
    if (!config)
        return refuse_missing(rpc, "config");
    if (rpc_inline(rpc, config, &edit) != DONE)
        return REFUSED;
    return datastore_edit(rpc->agent, datastore, &rpc->origin, edit, rpc_default_operation(rpc),
                          false, &rpc->error);
}
