/*
 * Requests: the way to the operations, and back.
 */
#include "agent/netconf/rpc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"

/* An operation that the agent has. */
struct operation {
    const char *module;
    const char *name;
    enum outcome (*run)(struct rpc *rpc);
};

static const struct operation operations[] = {
    {"ietf-netconf", "get", rpc_get},
    {"ietf-netconf", "get-config", rpc_get_config},
    {"ietf-netconf", "edit-config", rpc_edit_config},
    {"ietf-netconf", "copy-config", rpc_copy_config},
    {"ietf-netconf", "delete-config", rpc_delete_config},
    {"ietf-netconf", "lock", rpc_lock},
    {"ietf-netconf", "unlock", rpc_unlock},
    {"ietf-netconf", "close-session", rpc_close_session},
    {"ietf-netconf", "kill-session", rpc_kill_session},
    {"ietf-netconf", "commit", rpc_commit},
    {"ietf-netconf", "cancel-commit", rpc_cancel_commit},
    {"ietf-netconf", "discard-changes", rpc_discard_changes},
    {"ietf-netconf", "validate", rpc_validate},
    {"ietf-netconf-monitoring", "get-schema", rpc_get_schema},
    {"ietf-netconf-nmda", "get-data", rpc_get_data},
    {"ietf-netconf-nmda", "edit-data", rpc_edit_data},
    {"notifications", "create-subscription", rpc_create_subscription},
    {"noria-agent", "emit-self-test", rpc_emit_self_test},
};

static enum outcome run(struct rpc *rpc)
{
    for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++)
        if (!strcmp(operations[i].name, LYD_NAME(rpc->request)) &&
            !strcmp(operations[i].module, rpc->request->schema->module->name))
            return operations[i].run(rpc);
    return rpc_backend(rpc);
}

/* RFC 8341, 3.1.3: whether the user may ask for this at all. */
static enum outcome check_access(struct rpc *rpc)
{
    struct session *session = rpc->session;
    const struct lysc_node *operation = rpc->request->schema;
    const char *module = operation->module->name;
    char *what;
    if (access_begin(rpc->agent, session->user, rpc->origin.recovery, &rpc->access, &rpc->error) !=
        DONE)
        return FAILED;
    if (access_executes(&rpc->access, rpc->request))
        return DONE;
    if (asprintf(&what, "execute %s:%s", module, operation->name) < 0)
        return fail_memory(&rpc->error);
    access_denied(&rpc->access, DENIED_OPERATIONS, what);
    free(what);
    rpc_refuse(rpc, TAG_ACCESS_DENIED, NULL,
               "The user %s may not execute %s: ask for a rule in /ietf-netconf-acm:nacm that "
               "permits it.",
               session->user, operation->name);
    if (lyd_parent(rpc->request))
        rpc->error.path = lyd_path(rpc->request, LYD_PATH_STD, NULL, 0);
    else if (asprintf(&rpc->error.path, "/ietf-netconf:rpc/%s:%s", module, operation->name) < 0)
        rpc->error.path = NULL;
    return REFUSED;
}

/* libyang does not mind, RFC 6241, 4.1, does. */
static enum outcome refuse_without_id(struct rpc *rpc)
{
    rpc_refuse(rpc, TAG_MISSING_ATTRIBUTE, "rpc", "The element rpc lacks its message-id.");
    rpc->error.detail = strdup("message-id");
    return REFUSED;
}

/* The node of the operation: the request itself, or the action that is somewhere in it. */
static const struct lyd_node *operation_in(const struct lyd_node *request)
{
    const struct lyd_node *node = request;
    LYD_TREE_DFS_BEGIN(request, node)
    {
        if (node->schema && node->schema->nodetype & (LYS_RPC | LYS_ACTION))
            return node;
        LYD_TREE_DFS_END(request, node);
    }
    return request;
}

/* Carry a request out, and reply. */
static void serve(struct session *session, const struct lyd_node *envelope,
                  const struct lyd_node *request, struct text *reply)
{
    struct netconf_server *server = session->server;
    struct rpc rpc = {.session = session, .agent = server->agent, .request = operation_in(request)};
    rpc.origin = session_origin(session);
    bool without_id;
    link_message(session->link, &without_id);
    log_debug(AREA_NETCONF, "session %u: %s", session->id, LYD_NAME(rpc.request));

    enum outcome outcome;
    session_count(session, without_id ? COUNT_IN_BAD_RPCS : COUNT_IN_RPCS);
    if (without_id)
        outcome = refuse_without_id(&rpc);
    else if ((outcome = check_access(&rpc)) == DONE)
        outcome = run(&rpc);
    if (outcome != DONE)
        session_count(session, COUNT_OUT_RPC_ERRORS);
    if (outcome != DONE)
        log_info(AREA_NETCONF, "session %u: %s: %s: %s", session->id, LYD_NAME(rpc.request),
                 error_tag_name(rpc.error.tag), error_message(&rpc.error));
    session->closed = rpc.close;
    reply_write(&rpc, outcome, envelope, reply);
    free(rpc.data);
    lyd_free_all(rpc.output);
    access_end(&rpc.access);
    error_clear(&rpc.error);
}

/*
 * An error with what libyang's message has in quotes, a name or a namespace, and the place that its
 * "Data location" has; there are no codes for it.
 */
static void refuse_named(struct rpc *rpc, enum error_tag tag, const struct ly_err_item *item)
{
    char *name = NULL, *path = NULL;
    if (sscanf(item->msg, "%*[^\"]\"%m[^\"]", &name) != 1)
        name = NULL;
    if (!item->path || sscanf(item->path, "Data location \"%m[^\"]", &path) != 1)
        path = NULL;
    refuse(&rpc->error, tag, path, "%s", item->msg);
    *(tag == TAG_UNKNOWN_ELEMENT ? &rpc->error.element : &rpc->error.detail) = name;
    free(path);
}

static bool begins(const char *message, const char *beginning)
{
    return !strncmp(message, beginning, strlen(beginning));
}

static bool tells_of_attribute(const char *message)
{
    return begins(message, "Missing mandatory prefix for XML metadata") ||
           begins(message, "Annotation definition for attribute") ||
           (begins(message, "Unknown (or not implemented) YANG module") &&
            strstr(message, " for metadata "));
}

/* The request without regard to a schema, for who explains it; NULL: it is malformed. */
static struct lyd_node *parse_bare(const struct rpc *rpc)
{
    struct lyd_node *message = NULL;
    bool without_id;
    const char *xml = link_message(rpc->session->link, &without_id)->data;
    if (lyd_parse_data_mem(rpc->session->server->bare, xml, LYD_XML,
                           LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &message))
        return NULL;
    return message;
}

/* The attribute is what the message has in quotes last; where it is libyang does not always say. */
static void refuse_attribute(struct rpc *rpc, const struct ly_err_item *item)
{
    const char *end = strrchr(item->msg, '"'), *start = end;
    while (start && start > item->msg && start[-1] != '"')
        start--;
    refuse_named(rpc, TAG_UNKNOWN_ATTRIBUTE, item);
    free(rpc->error.detail);
    rpc->error.detail = start ? strndup(start, (size_t)(end - start)) : NULL;
    struct lyd_node *message = rpc->error.path ? NULL : parse_bare(rpc);
    if (message && lyd_child(message))
        rpc->error.element = strdup(LYD_NAME(lyd_child(message)));
    lyd_free_all(message);
}

/* An attribute of edits whose value can be no such one (RFC 6241, 7.2; RFC 7950, 7.8.6). */
static bool is_bad(const struct lyd_attr *attr)
{
    static const struct {
        const char *space, *name, *values[6];
    } known[] = {{"urn:ietf:params:xml:ns:netconf:base:1.0",
                  "operation",
                  {"merge", "replace", "create", "delete", "remove"}},
                 {"urn:ietf:params:xml:ns:yang:1", "insert", {"first", "last", "before", "after"}}};
    const char *space = attr->name.module_ns ? attr->name.module_ns : "";
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        if (strcmp(known[i].space, space) != 0 || strcmp(known[i].name, attr->name.name) != 0)
            continue;
        const char *const *value = known[i].values;
        while (*value && strcmp(*value, attr->value) != 0)
            value++;
        return !*value;
    }
    return false;
}

static const struct lyd_attr *bad_attribute(const struct lyd_node *message)
{
    const struct lyd_node *node;
    LYD_TREE_DFS_BEGIN(message, node)
    {
        const struct lyd_attr *attr = ((const struct lyd_node_opaq *)node)->attr;
        for (; attr; attr = attr->next)
            if (is_bad(attr))
                return attr;
        LYD_TREE_DFS_END(message, node);
    }
    return NULL;
}

/* To libyang it is a value like any other, and it does not say where. */
static bool refuse_bad_attribute(struct rpc *rpc)
{
    struct lyd_node *message = parse_bare(rpc);
    const struct lyd_attr *bad = message ? bad_attribute(message) : NULL;
    if (bad) {
        rpc_refuse(rpc, TAG_BAD_ATTRIBUTE, LYD_NAME(&bad->parent->node),
                   "The attribute %s of <%s> cannot be \"%s\".", bad->name.name,
                   LYD_NAME(&bad->parent->node), bad->value);
        rpc->error.detail = strdup(bad->name.name);
    }
    lyd_free_all(message);
    return bad != NULL;
}

/*
 * Why libyang could not parse a request. Returns whether there is anything to be said of it beyond
 * that it is malformed.
 */
static bool explain_parse(struct rpc *rpc)
{
    const struct ly_err_item *item = ly_err_first(rpc->agent->schema->ctx);
    while (item && item->level != LY_LLERR)
        item = item->next;
    const char *message = item && item->msg ? item->msg : "";
    bool inside = item && item->path && strstr(item->path, "Data location");
    if (tells_of_attribute(message))
        refuse_attribute(rpc, item);
    else if (begins(message, "Unexpected child element"))
        refuse_named(rpc, TAG_UNKNOWN_ELEMENT, item);
    else if (begins(message, "Missing the operation"))
        rpc_refuse(rpc, TAG_MISSING_ELEMENT, "rpc", "The element rpc has no operation in it.");
    else if (!item || item->vecode == LYVE_SYNTAX || item->vecode == LYVE_SYNTAX_XML ||
             begins(message, "Missing NETCONF <rpc>"))
        return false;
    else if (item->vecode == LYVE_REFERENCE && !inside)
        rpc_refuse(rpc, TAG_OPERATION_NOT_SUPPORTED, NULL, "There is no such operation here: %s",
                   message);
    else if (begins(message, "No module with namespace"))
        refuse_named(rpc, TAG_UNKNOWN_NAMESPACE, item);
    else if (item->vecode == LYVE_REFERENCE && begins(message, "Node \""))
        refuse_named(rpc, TAG_UNKNOWN_ELEMENT, item);
    else if (!refuse_bad_attribute(rpc))
        schema_refuse(rpc->agent->schema, NULL, &rpc->error, message);
    rpc->protocol = true;
    return true;
}

/*
 * Reply to a request that libyang could not parse. Where not even its envelope could be, base:1.0
 * has no reply. @return Whether there is one.
 */
static bool explain(struct session *session, const struct lyd_node *envelope, struct text *reply)
{
    struct agent *agent = session->server->agent;
    const struct ly_ctx *ctx = agent->schema->ctx;
    struct rpc rpc = {.session = session, .agent = agent};
    struct lyd_node *node = NULL;
    bool without_id, answers = envelope || session->chunked;
    link_message(session->link, &without_id);
    bool sound = explain_parse(&rpc);
    if (sound && without_id) {
        error_clear(&rpc.error);
        refuse_without_id(&rpc);
    }
    session_count(session, COUNT_IN_BAD_RPCS);
    log_info(AREA_NETCONF, "session %u: bad request: %s", session->id,
             sound ? error_message(&rpc.error) : "not well-formed");
    if (!sound && !session->chunked) /* base:1.0 has no malformed-message */
        rpc_refuse(&rpc, TAG_OPERATION_FAILED, NULL, "The request is not well-formed: %s",
                   ly_errmsg(ctx) ? ly_errmsg(ctx) : "it is no XML");
    if (sound || !session->chunked)
        node = reply_error_node(ctx, &rpc.error, rpc.protocol);
    else
        node = nc_err(ctx, NC_ERR_MALFORMED_MSG);
    if (answers) {
        session_count(session, COUNT_OUT_RPC_ERRORS);
        reply_write_error(ctx, envelope, node, reply);
    } else {
        lyd_free_all(node);
    }
    error_clear(&rpc.error);
    return answers;
}

static bool is_well_formed(void *arg)
{
    const struct session *session = arg;
    bool without_id;
    struct lyd_node *tree = NULL;
    LY_ERR error =
        lyd_parse_data_mem(session->server->bare, link_message(session->link, &without_id)->data,
                           LYD_XML, LYD_PARSE_ONLY | LYD_PARSE_OPAQ, 0, &tree);
    lyd_free_all(tree);
    ly_err_clean(session->server->bare, NULL);
    return !error;
}

/* An attribute that is there twice: no XML, but libyang has no complaint. */
static bool has_twins(const struct lyd_node *envelope)
{
    const struct lyd_attr *one, *other;
    LY_LIST_FOR(((const struct lyd_node_opaq *)envelope)->attr, one)
    {
        LY_LIST_FOR(one->next, other)
        {
            const char *a = one->name.module_ns, *b = other->name.module_ns;
            if (!strcmp(one->name.name, other->name.name) && !strcmp(a ? a : "", b ? b : ""))
                return true;
        }
    }
    return false;
}

bool rpc_serve(struct session *session, struct text *reply)
{
    struct lyd_node *envelope = NULL, *request = NULL;
    struct ly_in *in = NULL;
    bool without_id, answered = true;
    const struct text *message = link_message(session->link, &without_id);
    if (ly_in_new_memory(message->data, &in))
        return false;
    /* Of a message that is blank libyang has no complaint. */
    if (!frame_is_safe(message->data, message->length, is_well_formed, session) ||
        lyd_parse_op(session->server->agent->schema->ctx, NULL, in, LYD_XML, LYD_TYPE_RPC_NETCONF,
                     &envelope, &request) ||
        !request)
        answered = explain(session, envelope, reply);
    else if (has_twins(envelope))
        answered = explain(session, NULL, reply);
    else
        serve(session, envelope, request, reply);
    ly_in_free(in, 0);
    lyd_free_tree(envelope);
    lyd_free_all(request);
    return answered;
}
