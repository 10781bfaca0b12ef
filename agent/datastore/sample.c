#include "agent/datastore/sample.h"

#include "agent/datastore/modules.h"

static const char model[] = "module x {"
                            "  namespace \"urn:x\";"
                            "  prefix x;"
                            "  import ietf-yang-types { prefix yang; }"
                            "  import ietf-inet-types { prefix inet; }"
                            "  leaf xpath { type yang:xpath1.0; }"
                            "  leaf ipv4 { type inet:ipv4-address-no-zone; }"
                            "  leaf any { type union { type string; type int8; } }"
                            "}";

static struct lysc_type *type_of(const struct lysc_node *leaf)
{
    return ((const struct lysc_node_leaf *)leaf)->type;
}

enum outcome sample_make(const char *const *search, struct modules *files, struct sample *sample,
                         struct error *err)
{
    struct lys_module *module = NULL;
    if (ly_ctx_new(NULL, LY_CTX_DISABLE_SEARCHDIR_CWD, &sample->ctx))
        return fail_memory(err);
    for (; *search; search++)
        ly_ctx_set_searchdir(sample->ctx, *search);
    if (files)
        ly_ctx_set_module_imp_clb(sample->ctx, modules_give, files);
    if (lys_parse_mem(sample->ctx, model, LYS_IN_YANG, &module))
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "Cannot find the types of ietf-yang-types and ietf-inet-types: %s",
                    ly_errmsg(sample->ctx));
    const struct lysc_node *first = module->compiled->data;
    sample->xpath = type_of(first);
    sample->ipv4 = type_of(first->next);
    sample->any = type_of(first->next->next);
    return DONE;
}

void sample_free(struct sample *sample)
{
    ly_ctx_destroy(sample->ctx);
    *sample = (struct sample){0};
}
