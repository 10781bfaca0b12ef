/*
 * What <source> and <target> name: a datastore, an inline <config>, or a URL.
 */
#include <string.h>

#include "agent/netconf/rpc.h"
#include "agent/transaction/url.h"

static bool find_datastore(const char *name, enum datastore *datastore)
{
    static const char *const names[] = {[DATASTORE_RUNNING] = "running",
                                        [DATASTORE_CANDIDATE] = "candidate",
                                        [DATASTORE_STARTUP] = "startup"};
    for (size_t i = 0; i < DATASTORE_COUNT; i++) {
        if (!strcmp(names[i], name)) {
            *datastore = (enum datastore)i;
            return true;
        }
    }
    return false;
}

enum outcome rpc_refuse_datastore(struct rpc *rpc, const struct lyd_node *leaf, const char *good)
{
    return rpc_refuse(rpc, TAG_INVALID_VALUE, LYD_NAME(leaf),
                      "The datastore %s is not to be had here: use %s.", lyd_get_value(leaf), good);
}

enum outcome rpc_datastore_named(struct rpc *rpc, const struct lyd_node *leaf, const char *good,
                                 enum datastore *datastore)
{
    static const char module[] = "ietf-datastores:";
    const char *name = lyd_get_value(leaf);
    if (!strncmp(name, module, strlen(module)) && find_datastore(name + strlen(module), datastore))
        return DONE;
    return rpc_refuse_datastore(rpc, leaf, good);
}

enum outcome rpc_place(struct rpc *rpc, const char *parameter, struct rpc_place *place)
{
    const struct lyd_node *node = rpc_parameter(rpc, parameter);
    const struct lyd_node *choice = node ? lyd_child(node) : NULL;
    *place = (struct rpc_place){0};
    if (!choice)
        return rpc_refuse(rpc, TAG_MISSING_ELEMENT, parameter,
                          "The operation lacks the datastore in its %s.", parameter);
    if (choice->next)
        return rpc_refuse(rpc, TAG_BAD_ELEMENT, parameter,
                          "The %s names more than one datastore: name one.", parameter);
    if (find_datastore(LYD_NAME(choice), &place->datastore))
        place->is_datastore = true;
    else if (!strcmp(LYD_NAME(choice), "datastore")) {
        place->is_datastore = true;
        return rpc_datastore_named(rpc, choice, "running, candidate or startup", &place->datastore);
    } else if (!strcmp(LYD_NAME(choice), "config"))
        place->config = choice;
    else if (!strcmp(LYD_NAME(choice), "url"))
        place->url = lyd_get_value(choice);
    else
        return rpc_refuse(rpc, TAG_OPERATION_NOT_SUPPORTED, LYD_NAME(choice),
                          "There is no %s here: use running, candidate or startup.",
                          LYD_NAME(choice));
    return DONE;
}

enum outcome rpc_datastore(struct rpc *rpc, const char *parameter, enum datastore *datastore,
                           const struct lyd_node **inline_config)
{
    struct rpc_place place;
    enum outcome outcome = rpc_place(rpc, parameter, &place);
    if (outcome != DONE)
        return outcome;
    if (place.url || (place.config && !inline_config))
        return rpc_refuse(rpc, TAG_BAD_ELEMENT, parameter,
                          "The %s of this operation must be a datastore.", parameter);
    *datastore = place.datastore;
    if (inline_config)
        *inline_config = place.config;
    return DONE;
}

enum outcome rpc_inline(struct rpc *rpc, const struct lyd_node *config, struct lyd_node **data)
{
    const struct lyd_node_any *any = (const struct lyd_node_any *)config;
    /* libyang drops it, and what was to be deleted would be merged. */
    if (link_look(rpc->session->link)->has_operation) {
        rpc_refuse(rpc, TAG_UNKNOWN_ATTRIBUTE, "config",
                   "An attribute operation has no namespace: declare "
                   "xmlns:nc=\"urn:ietf:params:xml:ns:netconf:base:1.0\", and write nc:operation.");
        rpc->error.detail = strdup("operation");
        return REFUSED;
    }
    if (any->value_type == LYD_ANYDATA_DATATREE) {
        *data = any->value.tree;
        return DONE;
    }
    return rpc_refuse(rpc, TAG_INVALID_VALUE, "config",
                      "The element config must hold elements, not text.");
}

enum outcome rpc_place_config(struct rpc *rpc, const struct rpc_place *place,
                              struct lyd_node **owner, struct lyd_node **data)
{
    *owner = NULL;
    *data = NULL;
    if (place->config)
        return rpc_inline(rpc, place->config, data);
    return url_read(rpc->agent, place->url, owner, data, &rpc->error);
}
