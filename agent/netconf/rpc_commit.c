/*
 * commit, discard-changes and validate (RFC 6241, 8.3.4 and 8.6.4).
 */
#include "agent/netconf/rpc.h"

enum outcome rpc_commit(struct rpc *rpc)
{
    return datastore_commit(rpc->agent, &rpc->origin, &rpc->error);
}

enum outcome rpc_discard_changes(struct rpc *rpc)
{
    return datastore_discard(rpc->agent, &rpc->origin, &rpc->error);
}

enum outcome rpc_validate(struct rpc *rpc)
{
    enum datastore source;
    const struct lyd_node *config = NULL;
    enum outcome outcome = rpc_datastore(rpc, "source", &source, &config);
    if (outcome != DONE)
        return outcome;
    if (!config)
        return datastore_validate(rpc->agent, source, &rpc->error);
    const struct lyd_node_any *any = (const struct lyd_node_any *)config;
    if (any->value_type != LYD_ANYDATA_DATATREE)
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "config",
                          "The element config must hold elements, not text.");
    return datastore_validate_config(rpc->agent, any->value.tree, &rpc->error);
}
