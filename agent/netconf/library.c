/*
 * The YANG library (RFC 8525), and the content-id that names it.
 *
 * libyang's own content-id counts what its context has seen. Ours is a hash of what the library
 * says, so that a client which knows the modules need not read them again after a restart.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/reading.h"

/* FNV-1a; the end of the string counts, too. */
static uint64_t hash_string(uint64_t hash, const char *string)
{
    do {
        hash = (hash ^ (unsigned char)*string) * UINT64_C(0x100000001b3);
    } while (*string++);
    return hash;
}

static uint64_t hash_module(uint64_t hash, const struct lys_module *module)
{
    const struct lysp_feature *feature = NULL;
    uint32_t index = 0;
    hash = hash_string(hash, module->name);
    hash = hash_string(hash, module->revision ? module->revision : "");
    hash = hash_string(hash, module->implemented ? "implemented" : "imported");
    while ((feature = lysp_feature_next(feature, module->parsed, &index)))
        if (feature->flags & LYS_FENABLED)
            hash = hash_string(hash, feature->name);
    for (LY_ARRAY_COUNT_TYPE i = 0; i < LY_ARRAY_COUNT(module->deviated_by); i++)
        hash = hash_string(hash, module->deviated_by[i]->name);
    return hash;
}

static char *content_id(void *agent)
{
    const struct lys_module *module;
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    uint32_t index = 0;
    char *text;
    while ((module = ly_ctx_get_module_iter(((struct agent *)agent)->schema->ctx, &index)))
        hash = hash_module(hash, module);
    return asprintf(&text, "%016" PRIx64, hash) < 0 ? NULL : text;
}

void library_register(struct agent *agent)
{
    nc_server_set_content_id_clb(content_id, agent, NULL);
}

/* libyang knows of the modules alone. */
static bool add_datastores(struct lyd_node *tree)
{
    static const char *const names[] = {"running", "candidate", "operational"};
    bool good = true;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && good; i++) {
        char path[128];
        snprintf(path, sizeof(path),
                 "/ietf-yang-library:yang-library/datastore[name='ietf-datastores:%s']/schema",
                 names[i]);
        good = !lyd_new_path(tree, NULL, path, "complete", LYD_NEW_PATH_UPDATE, NULL);
    }
    return good;
}

enum outcome library_read(struct rpc *rpc, struct lyd_node **tree)
{
    struct ly_ctx *ctx = rpc->agent->schema->ctx;
    char *id = content_id(rpc->agent);
    if (!id)
        return fail_memory(&rpc->error);
    LY_ERR result = ly_ctx_get_yanglib_data(ctx, tree, "%s", id);
    free(id);
    if (result) {
        *tree = NULL;
        ly_err_clean(ctx, NULL);
        return fail(&rpc->error, TAG_OPERATION_FAILED, NULL, "The YANG library cannot be made.");
    }
    *tree = lyd_first_sibling(*tree);
    return add_datastores(*tree) ? DONE : fail_memory(&rpc->error);
}
