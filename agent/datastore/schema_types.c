/*
 * A type that libyang has otherwise than its RFC.
 */
#include "agent/datastore/schema.h"

/* A leaf of the type that is wanted. */
static const char model[] = "module x {"
                            "  namespace \"urn:x\";"
                            "  prefix x;"
                            "  import ietf-yang-types { prefix yang; }"
                            "  leaf path { type yang:xpath1.0; }"
                            "}";

static struct lysc_type *type_of(const struct lysc_node *leaf)
{
    return leaf && leaf->nodetype == LYS_LEAF ? ((const struct lysc_node_leaf *)leaf)->type : NULL;
}

/*
 * In a node-instance-identifier (RFC 8341) keys may be left out, and a value may be $USER. libyang
 * 2.1 wants all keys or none and no variables. So its values are kept as those of the type that it
 * is derived from, XPath, and whoever uses them says what is wrong with them. What a type does is
 * libyang's own and constant; a context of its own is where to find it.
 */
enum outcome schema_relax_paths(struct ly_ctx *ctx, const char *const *search, struct error *err)
{
    struct lysc_type *path =
        type_of(lys_find_path(ctx, NULL, "/ietf-netconf-acm:nacm/rule-list/rule/path", 0));
    struct ly_ctx *own = NULL;
    struct lys_module *module = NULL;
    if (ly_ctx_new(NULL, LY_CTX_DISABLE_SEARCHDIR_CWD, &own))
        return fail_memory(err);
    for (; *search; search++)
        ly_ctx_set_searchdir(own, *search);
    lys_parse_mem(own, model, LYS_IN_YANG, &module);
    struct lysc_type *xpath = module ? type_of(module->compiled->data) : NULL;
    if (path && xpath)
        path->plugin = xpath->plugin;
    ly_ctx_destroy(own);
    return path && xpath ? DONE
                         : fail(err, TAG_OPERATION_FAILED, NULL,
                                "Cannot find the type of paths in ietf-netconf-acm.");
}
