/*
 * edit-config, copy-config and delete-config (RFC 6241, 7.2 to 7.4).
 *
 * Whatever its error-option, an edit is made as a whole or not at all: that is rollback-on-error,
 * and nobody who asks for less is worse off.
 */
#include <string.h>

#include "agent/netconf/rpc.h"
#include "agent/transaction/url.h"

enum default_operation rpc_default_operation(const struct rpc *rpc)
{
    const char *name = rpc_value(rpc, "default-operation", "merge");
    return !strcmp(name, "replace") ? DEFAULT_REPLACE
           : !strcmp(name, "none")  ? DEFAULT_NONE
                                    : DEFAULT_MERGE;
}

static enum outcome make_edit(struct rpc *rpc, enum datastore target, struct lyd_node *edit)
{
    const char *test = rpc_value(rpc, "test-option", "set");
    enum default_operation operation = rpc_default_operation(rpc);
    bool only_test = !strcmp(test, "test-only");
    bool test_first = !strcmp(test, "test-then-set") && target == DATASTORE_CANDIDATE;
    enum outcome outcome = DONE;
    if (test_first)
        outcome =
            datastore_edit(rpc->agent, target, &rpc->origin, edit, operation, true, &rpc->error);
    if (outcome == DONE)
        outcome = datastore_edit(rpc->agent, target, &rpc->origin, edit, operation, only_test,
                                 &rpc->error);
    return outcome;
}

/*
 * An edit of running is always validated before it is made. One of candidate is if that was asked
 * for; by default it is not, so that a configuration can be built up in several edits (8.3).
 */
enum outcome rpc_edit_config(struct rpc *rpc)
{
    enum datastore target;
    struct lyd_node *owner = NULL, *edit = NULL;
    struct rpc_place place = {.config = rpc_parameter(rpc, "config"),
                              .url = rpc_value(rpc, "url", NULL)};
    enum outcome outcome = rpc_datastore(rpc, "target", &target, NULL);
    if (outcome == DONE && !place.config && !place.url)
        outcome = rpc_refuse(rpc, TAG_MISSING_ELEMENT, "config",
                             "The operation lacks its element config or url.");
    if (outcome == DONE && place.config && place.url)
        outcome = rpc_refuse(rpc, TAG_BAD_ELEMENT, "url",
                             "The operation has both config and url: give one.");
    if (outcome == DONE)
        outcome = rpc_place_config(rpc, &place, &owner, &edit);
    if (outcome == DONE)
        outcome = make_edit(rpc, target, edit);
    lyd_free_all(owner);
    return outcome;
}

static enum outcome copy_to_url(struct rpc *rpc, const struct rpc_place *target,
                                const struct rpc_place *source, const struct lyd_node *config)
{
    struct snapshot *snapshot = NULL;
    enum outcome outcome = source->is_datastore
                               ? datastore_fetch_visible(rpc->agent, source->datastore,
                                                         &rpc->origin, &snapshot, &rpc->error)
                               : datastore_fetch_config(rpc->agent, config, &snapshot, &rpc->error);
    if (outcome == DONE)
        outcome = url_write(rpc->agent, target->url, snapshot, &rpc->error);
    snapshot_unref(snapshot);
    return outcome;
}

enum outcome rpc_copy_config(struct rpc *rpc)
{
    struct rpc_place target, source;
    struct lyd_node *owner = NULL, *config = NULL;
    enum outcome outcome = rpc_place(rpc, "target", &target);
    if (outcome == DONE)
        outcome = rpc_place(rpc, "source", &source);
    if (outcome == DONE && target.config)
        outcome =
            rpc_refuse(rpc, TAG_BAD_ELEMENT, "config", "The target must be a datastore or a url.");
    if (outcome == DONE && target.url && source.url && !strcmp(target.url, source.url))
        outcome = rpc_refuse(rpc, TAG_INVALID_VALUE, "url",
                             "Source and target are the same file: name two different ones.");
    if (outcome == DONE && !source.is_datastore)
        outcome = rpc_place_config(rpc, &source, &owner, &config);
    if (outcome == DONE && target.url)
        outcome = copy_to_url(rpc, &target, &source, config);
    else if (outcome == DONE && source.is_datastore)
        outcome = datastore_copy(rpc->agent, target.datastore, source.datastore, &rpc->origin,
                                 &rpc->error);
    else if (outcome == DONE)
        outcome =
            datastore_replace(rpc->agent, target.datastore, &rpc->origin, config, &rpc->error);
    lyd_free_all(owner);
    return outcome;
}

enum outcome rpc_delete_config(struct rpc *rpc)
{
    struct rpc_place target;
    enum outcome outcome = rpc_place(rpc, "target", &target);
    if (outcome != DONE)
        return outcome;
    if (target.url)
        return url_delete(rpc->agent, target.url, &rpc->error);
    if (target.is_datastore && target.datastore == DATASTORE_STARTUP)
        return datastore_delete_startup(rpc->agent, &rpc->origin, &rpc->error);
    return rpc_refuse(rpc, TAG_OPERATION_NOT_SUPPORTED, "target",
                      "Only startup and files can be deleted.");
}
