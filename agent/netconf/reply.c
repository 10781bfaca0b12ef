/*
 * Replies: an outcome as <ok/>, <data> or <rpc-error>.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/netconf/rpc.h"

#define BASE "urn:ietf:params:xml:ns:netconf:base:1.0"

/* The error-tags as libnetconf2 numbers them. */
static NC_ERR library_tag(enum error_tag tag)
{
    static const NC_ERR tags[] = {
        [TAG_OPERATION_FAILED] = NC_ERR_OP_FAILED,
        [TAG_IN_USE] = NC_ERR_IN_USE,
        [TAG_INVALID_VALUE] = NC_ERR_INVALID_VALUE,
        [TAG_MISSING_ATTRIBUTE] = NC_ERR_MISSING_ATTR,
        [TAG_BAD_ATTRIBUTE] = NC_ERR_BAD_ATTR,
        [TAG_UNKNOWN_ATTRIBUTE] = NC_ERR_UNKNOWN_ATTR,
        [TAG_MISSING_ELEMENT] = NC_ERR_MISSING_ELEM,
        [TAG_BAD_ELEMENT] = NC_ERR_BAD_ELEM,
        [TAG_UNKNOWN_ELEMENT] = NC_ERR_UNKNOWN_ELEM,
        [TAG_UNKNOWN_NAMESPACE] = NC_ERR_UNKNOWN_NS,
        [TAG_ACCESS_DENIED] = NC_ERR_ACCESS_DENIED,
        [TAG_LOCK_DENIED] = NC_ERR_LOCK_DENIED,
        [TAG_RESOURCE_DENIED] = NC_ERR_RES_DENIED,
        [TAG_ROLLBACK_FAILED] = NC_ERR_ROLLBACK_FAILED,
        [TAG_DATA_EXISTS] = NC_ERR_DATA_EXISTS,
        [TAG_DATA_MISSING] = NC_ERR_DATA_MISSING,
        [TAG_OPERATION_NOT_SUPPORTED] = NC_ERR_OP_NOT_SUPPORTED,
    };
    return tags[tag];
}

/* bad-element is asked for by the tag: the last node of the path, if nothing else is known. */
static const char *bad_element(const struct error *err, char *room, size_t size)
{
    if (err->element)
        return err->element;
    const char *start = err->path ? err->path : "";
    for (const char *c = start, *quote = NULL; *c; c++) {
        if (quote)
            quote = *c == *quote ? NULL : quote;
        else if (*c == '\'' || *c == '"')
            quote = c;
        else if (*c == '/' || *c == ':')
            start = c + 1;
    }
    size_t length = strcspn(start, "[");
    length = length < size ? length : size - 1;
    memcpy(room, start, length);
    room[length] = '\0';
    return room;
}

/* What nc_err() wants beside the tag differs from tag to tag. */
static struct lyd_node *begin_error(const struct ly_ctx *ctx, const struct error *err,
                                    NC_ERR_TYPE type)
{
    char room[128];
    NC_ERR tag = library_tag(err->tag);
    const char *element = bad_element(err, room, sizeof(room));
    const char *detail = err->detail ? err->detail : "";
    switch (tag) {
    case NC_ERR_MISSING_ATTR:
    case NC_ERR_BAD_ATTR:
    case NC_ERR_UNKNOWN_ATTR:
        return nc_err(ctx, tag, type, detail, element);
    case NC_ERR_MISSING_ELEM:
    case NC_ERR_BAD_ELEM:
    case NC_ERR_UNKNOWN_ELEM:
        return nc_err(ctx, tag, type, element);
    case NC_ERR_UNKNOWN_NS:
        return nc_err(ctx, tag, type, element, detail);
    case NC_ERR_LOCK_DENIED:
        return nc_err(ctx, tag, err->session_id);
    case NC_ERR_DATA_EXISTS:
    case NC_ERR_DATA_MISSING:
        return nc_err(ctx, tag);
    default:
        return nc_err(ctx, tag, type);
    }
}

struct lyd_node *reply_error_node(const struct ly_ctx *ctx, const struct error *err, bool protocol)
{
    NC_ERR_TYPE type = protocol ? NC_ERR_TYPE_PROT : NC_ERR_TYPE_APP;
    if (err->tag == TAG_MISSING_ATTRIBUTE && protocol)
        type = NC_ERR_TYPE_RPC; /* RFC 6241, 4.3, of the message-id */
    struct lyd_node *node = begin_error(ctx, err, type);
    if (!node)
        return NULL;
    if (err->app_tag)
        nc_err_set_app_tag(node, err->app_tag);
    if (err->path)
        nc_err_set_path(node, err->path);
    nc_err_set_msg(node, error_message(err), "en");
    return node;
}

/*
 * Print a reply with the prefix and the attributes of its request (RFC 6241, 4.2).
 * @param content Its nodes, which are siblings; taken.
 */
static void print(const struct ly_ctx *ctx, const struct lyd_node *envelope,
                  struct lyd_node *content, struct text *reply)
{
    const struct lyd_node_opaq *rpc = (const struct lyd_node_opaq *)envelope;
    struct lyd_node *top = NULL, *node, *next;
    char *xml = NULL;
    if (lyd_new_opaq2(NULL, ctx, "rpc-reply", NULL, rpc ? rpc->name.prefix : NULL,
                      rpc ? rpc->name.module_ns : BASE, &top)) {
        lyd_free_all(content);
        reply->failed = true;
        return;
    }
    LY_LIST_FOR_SAFE(content, next, node)
    {
        lyd_insert_child(top, node);
    }
    ((struct lyd_node_opaq *)top)->attr = rpc ? rpc->attr : NULL; /* lent */
    if (lyd_print_mem(&xml, top, LYD_XML, LYD_PRINT_SHRINK | LYD_PRINT_WD_EXPLICIT) || !xml)
        reply->failed = true;
    else
        text_add_string(reply, xml);
    ((struct lyd_node_opaq *)top)->attr = NULL;
    lyd_free_tree(top);
    free(xml);
}

static void write_ok(const struct ly_ctx *ctx, const struct lyd_node *envelope, struct text *reply)
{
    const struct lyd_node_opaq *rpc = (const struct lyd_node_opaq *)envelope;
    struct lyd_node *ok = NULL;
    if (lyd_new_opaq2(NULL, ctx, "ok", NULL, rpc->name.prefix, rpc->name.module_ns, &ok))
        reply->failed = true;
    else
        print(ctx, envelope, ok, reply);
}

void reply_write_error(const struct ly_ctx *ctx, const struct lyd_node *envelope,
                       struct lyd_node *error, struct text *reply)
{
    if (error)
        print(ctx, envelope, error, reply);
    else
        reply->failed = true;
}

/*
 * libyang would read the XML that an anydata node is given, which takes its time and loses what is
 * empty. So an empty reply is printed, and the text put into it.
 */
static void write_data(const struct rpc *rpc, const struct lysc_node *node,
                       const struct lyd_node *envelope, struct text *reply)
{
    struct text empty = {0};
    print(rpc->agent->schema->ctx, envelope, NULL, &empty);
    if (empty.failed || empty.length < 3) {
        reply->failed = true;
    } else {
        text_add(reply, empty.data, empty.length - 2); /* without "/>" */
        text_add_string(reply, "><data xmlns=\"");
        text_add_string(reply, node->module->ns);
        text_add_string(reply, "\">");
        text_add_string(reply, rpc->data);
        text_add_string(reply, "</data></");
        text_add(reply, empty.data + 1, strcspn(empty.data + 1, " />"));
        text_add_string(reply, ">");
    }
    text_free(&empty);
}

/* The text of a leaf, or of what is not anydata. */
static void write_value(struct rpc *rpc, const struct lyd_node *envelope, struct text *reply)
{
    LYD_ANYDATA_VALUETYPE type = rpc->data_is_text ? LYD_ANYDATA_STRING : LYD_ANYDATA_XML;
    struct lyd_node *node = NULL;
    /* libyang's dictionary takes the text as it is, without a copy. */
    if (lyd_dup_single(rpc->request, NULL, 0, &node) ||
        lyd_new_any(node, NULL, "data", rpc->data, 1, type, 1, NULL)) {
        reply->failed = true;
    } else {
        rpc->data = NULL;
        print(rpc->agent->schema->ctx, envelope, lyd_child(node), reply);
    }
    lyd_free_tree(node);
}

void reply_write(struct rpc *rpc, enum outcome outcome, const struct lyd_node *envelope,
                 struct text *reply)
{
    const struct ly_ctx *ctx = rpc->agent->schema->ctx;
    const struct lysc_node *operation = rpc->request->schema;
    if (outcome != DONE) {
        reply_write_error(ctx, envelope, reply_error_node(ctx, &rpc->error, rpc->protocol), reply);
    } else if (rpc->output) {
        print(ctx, envelope, lyd_child(rpc->output), reply);
    } else if (rpc->data) {
        const struct lysc_node *node =
            lys_find_child(operation, operation->module, "data", 0, 0, LYS_GETNEXT_OUTPUT);
        if (!rpc->data_is_text && node && node->nodetype == LYS_ANYDATA)
            write_data(rpc, node, envelope, reply);
        else
            write_value(rpc, envelope, reply);
    } else {
        write_ok(ctx, envelope, reply);
    }
    if (reply->failed)
        log_error(AREA_NETCONF, "session %u: a reply cannot be written", rpc->session->id);
}
