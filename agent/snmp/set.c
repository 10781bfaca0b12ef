/*
 * SET.
 */
#include "agent/snmp/set.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "agent/log.h"
#include "agent/snmp/access.h"
#include "agent/snmp/action.h"
#include "agent/snmp/target.h"
#include "agent/transaction/operations.h"

/* A variable of the PDU, and what of the configuration it stands for. */
struct assignment {
    oid name[MAX_OID_LEN];
    size_t length;
    bool action;       /* It asks for one, which the path is of. */
    const char *input; /* Of an rpc, the name of its input's leaf; else NULL. */
    char *argument;    /* That leaf's value, or NULL. Owned. */
    char *path;        /* Of the leaf. Owned. */
    char *before;      /* What was set of it, or NULL. Owned. */
    char *after;       /* What it is set to. Owned. */
};

/* How far the PDU at hand has come. */
enum stage { STAGE_NONE, STAGE_RESERVED, STAGE_TESTED, STAGE_MADE };

struct snmp_set {
    struct snmp_set_context context;
    enum stage stage;
    const netsnmp_agent_session *asp; /* Of RESERVE1: tells one PDU from the next. */
    struct snmp_targets targets;
    struct lyd_node *edit, *undo; /* Trees of the change, and of what takes it back. Owned. */
    struct assignment *variables; /* Owned. */
    size_t count, room;
    char *user; /* Owned. */
    char host[INET6_ADDRSTRLEN];
    int status;                       /* What the stage came to. */
    const struct assignment *culprit; /* The action that failed, or NULL. */
};

struct snmp_set *snmp_set_new(const struct snmp_set_context *context)
{
    struct snmp_set *set = calloc(1, sizeof(*set));
    if (set)
        set->context = *context;
    return set;
}

static void assignment_clear(struct assignment *variable)
{
    free(variable->argument);
    free(variable->path);
    free(variable->before);
    free(variable->after);
}

static void forget(struct snmp_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        assignment_clear(&set->variables[i]);
    free(set->variables);
    free(set->user);
    lyd_free_all(set->edit);
    lyd_free_all(set->undo);
    snmp_targets_clear(&set->targets);
    *set = (struct snmp_set){.context = set->context};
}

void snmp_set_free(struct snmp_set *set)
{
    if (!set)
        return;
    forget(set);
    free(set);
}

/* RESERVE1: each variable alone. */

static void begin(struct snmp_set *set, netsnmp_agent_request_info *info)
{
    const struct snmp_settings *settings = *set->context.settings;
    const char *user = settings ? snmp_access_writer(settings, info->asp->pdu) : NULL;
    forget(set);
    set->asp = info->asp;
    set->stage = STAGE_RESERVED;
    set->user = user ? strdup(user) : NULL;
    snmp_access_host(info->asp->pdu, set->host, sizeof(set->host));
    snmp_targets_begin(&set->targets, set->context.agent);
}

static bool add_metadata(struct lyd_node *leaf, const char *operation)
{
    return !lyd_new_meta(NULL, leaf, NULL, "ietf-netconf:operation", operation, 0, NULL);
}

/* A container that is there for its own sake comes and goes with its leaf. */
static bool add_presence(const struct lyd_node *leaf, const char *operation)
{
    struct lyd_node *parent = (struct lyd_node *)lyd_parent(leaf);
    if (!parent || parent->schema->nodetype != LYS_CONTAINER ||
        !(parent->schema->flags & LYS_PRESENCE) || parent->meta)
        return true;
    return add_metadata(parent, operation);
}

/* Add a leaf to a tree, whose other nodes must be there already (operation none). */
static bool add_leaf(const struct ly_ctx *ctx, struct lyd_node **tree, const char *path,
                     const char *value, const char *operation)
{
    struct lyd_node *leaf = NULL, *top = NULL;
    if (*tree && lyd_find_path(*tree, path, 0, &leaf) == LY_SUCCESS)
        return !lyd_change_term(leaf, value) || true; /* given twice: the last one counts */
    ly_err_clean((struct ly_ctx *)ctx, NULL);
    if (lyd_new_path2(*tree, ctx, path, value, 0, 0, 0, &top, &leaf) || !leaf)
        return false;
    if (!*tree)
        *tree = top;
    return add_metadata(leaf, operation) && add_presence(leaf, operation);
}

/* Add what takes the container of a leaf away. */
static bool add_removal(const struct ly_ctx *ctx, struct lyd_node **tree, const char *path)
{
    char *container = strndup(path, (size_t)(strrchr(path, '/') - path));
    bool well = container && add_leaf(ctx, tree, container, NULL, "remove");
    free(container);
    return well;
}

/* Where a variable leads to. @return Whether there is such a row, and memory. */
static bool find_target(struct snmp_set *set, const struct snmp_rows *rows, size_t column,
                        const oid *suffix, size_t length, struct assignment *variable)
{
    if (!snmp_target_is_rpc(rows, column))
        return snmp_target_find(&set->targets, rows, column, suffix, length, &variable->path,
                                &variable->before);
    rows = snmp_cache_rows(set->context.cache, rows->table);
    variable->input = strrchr(rows->table->columns[column].leaf, '/') + 1;
    return snmp_target_rpc(rows, column, suffix, length, &variable->path, &variable->argument);
}

static int reserve(struct snmp_set *set, const struct snmp_rows *rows, const oid *root,
                   size_t root_length, const netsnmp_variable_list *var)
{
    char text[SNMP_TEXT_MAX + 1];
    struct assignment variable = {.length = var->name_length};
    size_t column;
    if (var->name_length <= root_length || var->name_length > MAX_OID_LEN)
        return SNMP_ERR_NOCREATION;
    int status =
        snmp_target_column(rows, var->name + root_length, var->name_length - root_length, &column);
    if (status == SNMP_ERR_NOERROR)
        status = snmp_target_value(rows, column, var, text);
    if (status != SNMP_ERR_NOERROR)
        return status;
    if (!find_target(set, rows, column, var->name + root_length, var->name_length - root_length,
                     &variable)) {
        assignment_clear(&variable);
        return SNMP_ERR_NOCREATION;
    }
    memcpy(variable.name, var->name, var->name_length * sizeof(oid));
    variable.after = strdup(text);
    if (!variable.after ||
        !array_grow(&set->variables, set->count, &set->room, sizeof(*set->variables))) {
        assignment_clear(&variable);
        return SNMP_ERR_RESOURCEUNAVAILABLE;
    }
    set->variables[set->count++] = variable;
    enum snmp_kind kind = rows->table->columns[column].kind;
    set->variables[set->count - 1].action = kind == KIND_ACTION;
    if (kind == KIND_ACTION)
        return SNMP_ERR_NOERROR;
    const struct ly_ctx *ctx = set->context.agent->schema->ctx;
    bool none = kind == KIND_ENUM_OR_NONE && !*text;
    bool well = none ? add_removal(ctx, &set->edit, variable.path)
                     : add_leaf(ctx, &set->edit, variable.path, text, "merge");
    return well ? SNMP_ERR_NOERROR : SNMP_ERR_RESOURCEUNAVAILABLE;
}

static void reserve_all(struct snmp_set *set, const struct snmp_rows *rows, const oid *root,
                        size_t root_length, netsnmp_agent_request_info *info,
                        netsnmp_request_info *requests)
{
    if (set->stage != STAGE_RESERVED || set->asp != info->asp)
        begin(set, info);
    for (netsnmp_request_info *request = requests; request; request = request->next) {
        int status = set->user ? reserve(set, rows, root, root_length, request->requestvb)
                               : SNMP_ERR_NOACCESS;
        if (status != SNMP_ERR_NOERROR) {
            netsnmp_set_request_error(info, request, status);
            return;
        }
    }
}

/* RESERVE2, ACTION and UNDO: all variables together. */

static int status_of(const struct error *error, int if_failed)
{
    if (error->outcome == FAILED)
        return if_failed;
    switch (error->tag) {
    case TAG_ACCESS_DENIED:
        return SNMP_ERR_NOACCESS;
    case TAG_IN_USE:
    case TAG_LOCK_DENIED:
    case TAG_RESOURCE_DENIED:
        return SNMP_ERR_RESOURCEUNAVAILABLE;
    case TAG_DATA_MISSING:
        return SNMP_ERR_INCONSISTENTNAME; /* the row was deleted since RESERVE1 */
    default:
        return SNMP_ERR_INCONSISTENTVALUE;
    }
}

/* The request of a variable; it may be another table's. */
static netsnmp_request_info *request_of(netsnmp_agent_request_info *info,
                                        const struct assignment *variable)
{
    netsnmp_agent_session *asp = info->asp;
    for (int i = 0; i <= asp->treecache_num; i++) {
        netsnmp_request_info *request = asp->treecache[i].requests_begin;
        for (; request; request = request->next)
            if (!snmp_oid_compare(request->requestvb->name, request->requestvb->name_length,
                                  variable->name, variable->length))
                return request;
    }
    return NULL;
}

/*
 * The variable that an error is about: the action that failed, or the one whose leaf is named, or
 * is below what is.
 */
static netsnmp_request_info *blamed(struct snmp_set *set, netsnmp_agent_request_info *info,
                                    const struct error *error)
{
    size_t length = error->path ? strlen(error->path) : 0;
    if (set->culprit)
        return request_of(info, set->culprit);
    for (size_t i = 0; length && i < set->count; i++) {
        const char *path = set->variables[i].path;
        if (strncmp(path, error->path, length) != 0)
            continue;
        if (!path[length] || path[length] == '/' || path[length] == '[')
            return request_of(info, &set->variables[i]);
    }
    return NULL;
}

static void blame(struct snmp_set *set, netsnmp_agent_request_info *info,
                  netsnmp_request_info *requests, const struct error *error)
{
    netsnmp_request_info *request = blamed(set, info, error);
    netsnmp_set_request_error(info, request ? request : requests, set->status);
}

static struct origin origin_of(const struct snmp_set *set)
{
    return (struct origin){
        .user = set->user, .protocol = "snmp", .host = *set->host ? set->host : NULL};
}

/* @param tree NULL: there is nothing to change. */
static enum outcome commit(struct snmp_set *set, struct lyd_node *tree, bool test_only,
                           struct error *err)
{
    const struct snmp_set_context *context = &set->context;
    struct origin origin = origin_of(set);
    if (!tree)
        return DONE;
    if (!context->begin_change(context->owner))
        return refuse(err, TAG_IN_USE, NULL, "The settings of SNMP are being changed: try again.");
    enum outcome outcome = datastore_edit(context->agent, DATASTORE_RUNNING, &origin, tree,
                                          DEFAULT_NONE, test_only, err);
    context->end_change(context->owner);
    return outcome;
}

/* Actions cannot be taken back, so they come behind the commit; one that fails undoes that. */
static enum outcome act_all(struct snmp_set *set, bool test_only, struct error *err)
{
    struct agent *agent = set->context.agent;
    struct origin origin = origin_of(set);
    enum outcome outcome = DONE;
    for (size_t i = 0; i < set->count && outcome == DONE; i++) {
        const struct assignment *at = &set->variables[i];
        if (!at->action || !*at->after)
            continue;
        const struct snmp_action action = {at->path, at->input, at->argument};
        outcome = test_only ? snmp_action_check(agent, &origin, &action, err)
                            : snmp_action_run(agent, &origin, &action, err);
        if (outcome != DONE)
            set->culprit = at;
    }
    return outcome;
}

static enum outcome change(struct snmp_set *set, bool test_only, struct error *err)
{
    struct error error = {0};
    enum outcome outcome = commit(set, set->edit, test_only, err);
    if (outcome != DONE)
        return outcome;
    outcome = act_all(set, test_only, err);
    if (outcome != DONE && !test_only && commit(set, set->undo, false, &error) != DONE)
        log_error(AREA_SNMP, "a SET of user %s cannot be taken back: %s", set->user,
                  error_message(&error));
    error_clear(&error);
    if (!test_only)
        snmp_cache_expire(set->context.cache);
    return outcome;
}

/*
 * Once for the PDU, when the first table is asked. An error is that of one variable, of whichever
 * table: Net-SNMP finds it there.
 */
static void run(struct snmp_set *set, enum stage stage, bool test_only, int if_failed,
                netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    struct error error = {0};
    if (set->stage >= stage)
        return;
    set->stage = stage;
    if (change(set, test_only, &error) != DONE) {
        set->status = status_of(&error, if_failed);
        log_info(AREA_SNMP, "a SET of user %s is not done: %s: %s", set->user,
                 set->culprit ? set->culprit->path
                 : error.path ? error.path
                              : "",
                 error_message(&error));
        blame(set, info, requests, &error);
    }
    error_clear(&error);
}

/* What takes the change back: the values of now, or nothing where there was none set. */
static bool make_undo(struct snmp_set *set)
{
    const struct ly_ctx *ctx = set->context.agent->schema->ctx;
    bool well = true;
    for (size_t i = 0; i < set->count && well; i++) {
        const struct assignment *at = &set->variables[i];
        if (at->action || (!at->before && !*at->after))
            continue; /* there was none, and is none */
        well = at->before ? add_leaf(ctx, &set->undo, at->path, at->before, "merge")
                          : add_leaf(ctx, &set->undo, at->path, at->after, "remove");
    }
    return well;
}

static void act(struct snmp_set *set, netsnmp_agent_request_info *info,
                netsnmp_request_info *requests)
{
    if (set->stage < STAGE_MADE && !make_undo(set)) {
        netsnmp_set_request_error(info, requests, SNMP_ERR_RESOURCEUNAVAILABLE);
        return;
    }
    run(set, STAGE_MADE, false, SNMP_ERR_COMMITFAILED, info, requests);
}

/* Whether there is what cannot be taken back. */
static bool has_acted(const struct snmp_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        if (set->variables[i].action && *set->variables[i].after)
            return true;
    return false;
}

static int take_back(struct snmp_set *set)
{
    struct error error = {0};
    bool made = set->stage == STAGE_MADE && set->status == SNMP_ERR_NOERROR;
    int status = made && has_acted(set) ? SNMP_ERR_UNDOFAILED : SNMP_ERR_NOERROR;
    if (made && commit(set, set->undo, false, &error) != DONE) {
        log_error(AREA_SNMP, "a SET of user %s cannot be taken back: %s", set->user,
                  error_message(&error));
        status = SNMP_ERR_UNDOFAILED;
    }
    snmp_cache_expire(set->context.cache);
    error_clear(&error);
    forget(set);
    return status;
}

int snmp_set_phase(struct snmp_set *set, const struct snmp_rows *rows, const oid *root,
                   size_t root_length, netsnmp_agent_request_info *info,
                   netsnmp_request_info *requests)
{
    switch (info->mode) {
    case MODE_SET_RESERVE1:
        reserve_all(set, rows, root, root_length, info, requests);
        return SNMP_ERR_NOERROR;
    case MODE_SET_RESERVE2:
        run(set, STAGE_TESTED, true, SNMP_ERR_GENERR, info, requests);
        return SNMP_ERR_NOERROR;
    case MODE_SET_ACTION:
        act(set, info, requests);
        return SNMP_ERR_NOERROR;
    case MODE_SET_UNDO:
        return take_back(set);
    default: /* COMMIT, FREE */
        forget(set);
        return SNMP_ERR_NOERROR;
    }
}
