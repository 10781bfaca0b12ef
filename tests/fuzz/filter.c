/*
 * Filters: an input that begins with '<' is the content of a subtree filter, any other an XPath.
 */
#include "tests/fuzz/fuzz.h"

#include <sanitizer/lsan_interface.h>

#include "agent/netconf/filter.h"
#include "agent/netconf/frame.h"
#include "agent/netconf/text.h"

#define HEAD                                                                                       \
    "<rpc xmlns=\"urn:ietf:params:xml:ns:netconf:base:1.0\" message-id=\"1\"><get-config>"         \
    "<source><running/></source><filter xmlns:v=\"urn:noria:yang:noria-virtual-server\" "          \
    "xmlns:n=\"urn:noria:yang:noria-null\" "

static struct ly_ctx *bare;

/* The request that holds the input, as a client would send it. */
static char *request_of(const uint8_t *data, size_t size)
{
    struct text text = {0};
    bool subtree = size && data[0] == '<';
    text_add_string(&text, subtree ? HEAD "type=\"subtree\">" : HEAD "type=\"xpath\" select=\"");
    for (size_t i = 0; i < size; i++) {
        const char *quoted = subtree          ? NULL
                             : data[i] == '<' ? "&lt;"
                             : data[i] == '&' ? "&amp;"
                             : data[i] == '"' ? "&quot;"
                                              : NULL;
        text_add(&text, quoted ? quoted : (const char *)data + i, quoted ? strlen(quoted) : 1);
    }
    text_add_string(&text, subtree ? "</filter></get-config></rpc>" : "\"/></get-config></rpc>");
    return text_take(&text);
}

static void by_subtree(const struct filter *filter)
{
    struct filter_set set = {0};
    for (size_t i = 0; i < base->count; i++) {
        const struct entry *entry = base->entries[i];
        struct lyd_node *part = NULL;
        if (!entry->unit->list) {
            filter_set_free(&set);
            filter_top(filter, entry->tree, &set);
        }
        filter_select(filter, entry->node, entry->unit->list ? &set : NULL, &part);
        lyd_free_tree(part);
    }
    filter_set_free(&set);
}

static void by_xpath(const struct filter *filter, struct error *err)
{
    for (size_t i = 0; i < base->count; i++) {
        struct lyd_node *tree = NULL;
        if (lyd_dup_single(base->entries[i]->tree, NULL, LYD_DUP_RECURSIVE, &tree))
            abort();
        /* libyang 2.1.30 leaks where it cannot compare: "*[a = (*) = 0]". */
        __lsan_disable();
        filter_xpath_prune(filter, &tree, err);
        __lsan_enable();
        lyd_free_all(tree);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lyd_node *envelope = NULL, *request = NULL, *node;
    struct ly_in *in = NULL;
    struct filter filter = {0};
    struct error error = {0};
    char *message = request_of(data, size);
    if (!bare && ly_ctx_new(NULL, LY_CTX_NO_YANGLIBRARY, &bare))
        abort();
    if (!frame_look(message, strlen(message)).wild && !ly_in_new_memory(message, &in) &&
        !lyd_parse_op(schema->ctx, NULL, in, LYD_XML, LYD_TYPE_RPC_NETCONF, &envelope, &request) &&
        !lyd_find_path(request, "filter", 0, &node) &&
        filter_read(schema, node, message, bare, &filter, &error) == DONE)
        filter.kind == FILTER_XPATH ? by_xpath(&filter, &error) : by_subtree(&filter);
    filter_free(&filter);
    error_clear(&error);
    ly_in_free(in, 0);
    lyd_free_all(request);
    lyd_free_all(envelope);
    ly_err_clean(schema->ctx, NULL);
    ly_err_clean(bare, NULL);
    free(message);
    return 0;
}
