/*
 * Replies: an outcome as <ok/>, <data> or <rpc-error>.
 */
#include <string.h>

#include "agent/netconf/rpc.h"

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
 * libyang would read the XML that an anydata node is given, which takes its time and loses what is
 * empty. So libnetconf2 is told that all is well, and the link puts the text in place of it; it
 * needs a start tag, which repeats the request's attributes, of moderate size.
 */
static bool replace_reply(struct rpc *rpc)
{
    const struct lysc_node *operation = rpc->request->schema;
    const struct lysc_node *node =
        lys_find_child(operation, operation->module, "data", 0, 0, LYS_GETNEXT_OUTPUT);
    bool without_id;
    const struct text *message = link_message(rpc->session->link, &without_id);
    const char *end = message->length ? strstr(message->data, operation->name) : NULL;
    if (rpc->data_is_text || !node || node->nodetype != LYS_ANYDATA || !end ||
        end - message->data > 512 || memchr(message->data, '&', (size_t)(end - message->data)))
        return false;
    struct text content = {0};
    text_add_string(&content, "<data xmlns=\"");
    text_add_string(&content, node->module->ns);
    text_add_string(&content, "\">");
    text_add_string(&content, rpc->data);
    text_add_string(&content, "</data>");
    if (content.failed) {
        text_free(&content);
        return false;
    }
    link_replace(rpc->session->link, &content);
    return true;
}

static struct nc_server_reply *make_data(struct rpc *rpc)
{
    struct lyd_node *node = NULL;
    if (replace_reply(rpc))
        return nc_server_reply_ok();
    if (lyd_dup_single(rpc->request, NULL, 0, &node))
        return NULL;
    /* libyang's dictionary takes the text as it is, without a copy. */
    LYD_ANYDATA_VALUETYPE type = rpc->data_is_text ? LYD_ANYDATA_STRING : LYD_ANYDATA_XML;
    if (lyd_new_any(node, NULL, "data", rpc->data, 1, type, 1, NULL)) {
        lyd_free_tree(node);
        return NULL;
    }
    rpc->data = NULL;
    return nc_server_reply_data(node, NC_WD_EXPLICIT, NC_PARAMTYPE_FREE);
}

static struct nc_server_reply *make_output(struct rpc *rpc)
{
    struct lyd_node *output = rpc->output;
    rpc->output = NULL;
    return nc_server_reply_data(output, NC_WD_EXPLICIT, NC_PARAMTYPE_FREE);
}

struct nc_server_reply *reply_make(struct rpc *rpc, enum outcome outcome)
{
    if (outcome == DONE && rpc->output)
        return make_output(rpc);
    if (outcome == DONE)
        return rpc->data ? make_data(rpc) : nc_server_reply_ok();
    struct lyd_node *node = reply_error_node(rpc->agent->schema->ctx, &rpc->error, rpc->protocol);
    return node ? nc_server_reply_err(node) : NULL;
}
