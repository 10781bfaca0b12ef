/*
 * edit-config and copy-config (RFC 6241, 7.2 and 7.3).
 *
 * Whatever its error-option, an edit is made as a whole or not at all: that is rollback-on-error,
 * and nobody who asks for less is worse off. There is nothing that delete-config could delete:
 * running must not be, and there is no startup.
 */
#include <string.h>

#include "agent/netconf/rpc.h"

/* The configuration in <config>; NULL with DONE is an empty one. */
static enum outcome inline_data(struct rpc *rpc, const struct lyd_node *config,
                                const struct lyd_node **data)
{
    const struct lyd_node_any *any = (const struct lyd_node_any *)config;
    if (any->value_type == LYD_ANYDATA_DATATREE) {
        *data = any->value.tree;
        return DONE;
    }
    return rpc_refuse(rpc, TAG_INVALID_VALUE, "config",
                      "The element config must hold elements, not text.");
}

static enum default_operation default_operation(const struct rpc *rpc)
{
    const char *name = rpc_value(rpc, "default-operation", "merge");
    return !strcmp(name, "replace") ? DEFAULT_REPLACE
           : !strcmp(name, "none")  ? DEFAULT_NONE
                                    : DEFAULT_MERGE;
}

/*
 * An edit of running is always validated before it is made. One of candidate is if that was asked
 * for; by default it is not, so that a configuration can be built up in several edits (8.3).
 */
enum outcome rpc_edit_config(struct rpc *rpc)
{
    enum datastore target;
    const struct lyd_node *edit = NULL, *config = rpc_parameter(rpc, "config");
    const char *test = rpc_value(rpc, "test-option", "set");
    enum default_operation operation = default_operation(rpc);
    enum outcome outcome = rpc_datastore(rpc, "target", &target, NULL);
    if (outcome == DONE && !config)
        outcome = rpc_refuse(rpc, TAG_MISSING_ELEMENT, "config",
                             "The operation lacks its element config.");
    if (outcome == DONE)
        outcome = inline_data(rpc, config, &edit);
    bool only_test = !strcmp(test, "test-only");
    bool test_first = !strcmp(test, "test-then-set") && target == DATASTORE_CANDIDATE;
    if (outcome == DONE && test_first)
        outcome =
            datastore_edit(rpc->agent, target, &rpc->origin, edit, operation, true, &rpc->error);
    if (outcome == DONE)
        outcome = datastore_edit(rpc->agent, target, &rpc->origin, edit, operation, only_test,
                                 &rpc->error);
    return outcome;
}

enum outcome rpc_copy_config(struct rpc *rpc)
{
    enum datastore target, source;
    const struct lyd_node *config = NULL, *data = NULL;
    enum outcome outcome = rpc_datastore(rpc, "target", &target, NULL);
    if (outcome == DONE)
        outcome = rpc_datastore(rpc, "source", &source, &config);
    if (outcome != DONE)
        return outcome;
    if (!config)
        return datastore_copy(rpc->agent, target, source, &rpc->origin, &rpc->error);
    outcome = inline_data(rpc, config, &data);
    if (outcome == DONE)
        outcome = datastore_replace(rpc->agent, target, &rpc->origin, data, &rpc->error);
    return outcome;
}
