/*
 * commit, cancel-commit, discard-changes and validate (RFC 6241, 8.3.4, 8.4 and 8.6.4).
 */
#include <stdlib.h>

#include "agent/netconf/rpc.h"
#include "agent/transaction/confirmed.h"

enum outcome rpc_commit(struct rpc *rpc)
{
    struct commit_terms terms = {
        .confirmed = rpc_parameter(rpc, "confirmed"),
        .timeout = (uint32_t)strtoul(rpc_value(rpc, "confirm-timeout", "600"), NULL, 10),
        .persist = rpc_value(rpc, "persist", NULL),
        .persist_id = rpc_value(rpc, "persist-id", NULL),
    };
    /* Who says how long a commit is to be tried does not want it for good. */
    const struct lyd_node *timeout = rpc_parameter(rpc, "confirm-timeout");
    if (!terms.confirmed && (terms.persist || (timeout && !(timeout->flags & LYD_DEFAULT))))
        return rpc_refuse(rpc, TAG_MISSING_ELEMENT, "confirmed",
                          "A commit with confirm-timeout or persist must be confirmed: add the "
                          "element confirmed.");
    return datastore_commit(rpc->agent, &rpc->origin, &terms, &rpc->error);
}

enum outcome rpc_cancel_commit(struct rpc *rpc)
{
    return datastore_cancel_commit(rpc->agent, &rpc->origin, rpc_value(rpc, "persist-id", NULL),
                                   &rpc->error);
}

enum outcome rpc_discard_changes(struct rpc *rpc)
{
    return datastore_discard(rpc->agent, &rpc->origin, &rpc->error);
}

enum outcome rpc_validate(struct rpc *rpc)
{
    struct rpc_place source;
    struct lyd_node *owner = NULL, *config = NULL;
    enum outcome outcome = rpc_place(rpc, "source", &source);
    if (outcome != DONE)
        return outcome;
    if (source.is_datastore)
        return datastore_validate(rpc->agent, source.datastore, &rpc->error);
    outcome = rpc_place_config(rpc, &source, &owner, &config);
    if (outcome == DONE)
        outcome = datastore_validate_config(rpc->agent, config, &rpc->error);
    lyd_free_all(owner);
    return outcome;
}
