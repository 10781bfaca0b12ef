/*
 * get-schema (RFC 6022, 3.1).
 *
 * The callback that libnetconf2 2.0.24 brings along gives libyang 2.1 a text that it has given to
 * its dictionary before, which frees it while it is in use.
 */
#include <string.h>

#include "agent/netconf/rpc.h"

static enum outcome find_format(struct rpc *rpc, LYS_OUTFORMAT *format)
{
    const char *name = rpc_value(rpc, "format", "ietf-netconf-monitoring:yang");
    if (!strcmp(name, "ietf-netconf-monitoring:yang"))
        *format = LYS_OUT_YANG;
    else if (!strcmp(name, "ietf-netconf-monitoring:yin"))
        *format = LYS_OUT_YIN;
    else
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "format",
                          "Schemas are to be had in the formats yang and yin.");
    return DONE;
}

static size_t count_modules(const struct ly_ctx *ctx, const char *name)
{
    const struct lys_module *module;
    uint32_t index = 0;
    size_t count = 0;
    while ((module = ly_ctx_get_module_iter(ctx, &index)))
        count += !strcmp(module->name, name);
    return count;
}

static enum outcome print_schema(struct rpc *rpc, const struct lys_module *module,
                                 const struct lysp_submodule *submodule, LYS_OUTFORMAT format)
{
    struct ly_out *out = NULL;
    char *text = NULL;
    if (ly_out_new_memory(&text, 0, &out))
        return fail_memory(&rpc->error);
    LY_ERR result = module ? lys_print_module(out, module, format, 0, 0)
                           : lys_print_submodule(out, submodule, format, 0, 0);
    ly_out_free(out, NULL, 0);
    rpc->data = text;
    rpc->data_is_text = true;
    return result || !text
               ? fail(&rpc->error, TAG_OPERATION_FAILED, NULL, "The schema cannot be printed: %s",
                      ly_errmsg(rpc->agent->schema->ctx))
               : DONE;
}

enum outcome rpc_get_schema(struct rpc *rpc)
{
    const struct ly_ctx *ctx = rpc->agent->schema->ctx;
    const char *name = rpc_value(rpc, "identifier", NULL), *version = rpc_value(rpc, "version", "");
    const struct lys_module *module = NULL;
    const struct lysp_submodule *submodule = NULL;
    LYS_OUTFORMAT format = LYS_OUT_YANG;
    if (!name)
        return rpc_refuse(rpc, TAG_MISSING_ELEMENT, "identifier",
                          "The operation lacks the identifier of a schema.");
    if (find_format(rpc, &format) != DONE)
        return REFUSED;
    if (*version) {
        module = ly_ctx_get_module(ctx, name, version);
        submodule = module ? NULL : ly_ctx_get_submodule(ctx, name, version);
    } else if (count_modules(ctx, name) > 1) {
        fail(&rpc->error, TAG_OPERATION_FAILED, NULL,
             "There are several versions of %s: name one by its revision.", name);
        error_set_app_tag(&rpc->error, "data-not-unique");
        return FAILED;
    } else {
        module = ly_ctx_get_module_latest(ctx, name);
        submodule = module ? NULL : ly_ctx_get_submodule_latest(ctx, name);
    }
    if (!module && !submodule)
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "identifier", "There is no schema %s%s%s here.",
                          name, *version ? " of revision " : "", version);
    return print_schema(rpc, module, submodule, format);
}
