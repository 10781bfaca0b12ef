/*
 * The YANG modules, and how their data is cut into units.
 */
#include "agent/datastore/schema.h"

#include <stdlib.h>
#include <string.h>

#include "agent/datastore/modules.h"
#include "agent/datastore/sample.h"
#include "agent/log.h"

/* A module to load, with the features that the agent has. */
struct module {
    const char *name;
    const char *features[8];
};

static const struct module modules[] = {
    {.name = "ietf-netconf",
     .features = {"writable-running", "candidate", "confirmed-commit", "rollback-on-error",
                  "validate", "startup", "url", "xpath"}},
    {.name = "ietf-netconf-monitoring"},
    {.name = "ietf-netconf-with-defaults"},
    {.name = "noria-default-tag"},
    {.name = "ietf-datastores"},
    {.name = "ietf-origin"},
    {.name = "ietf-netconf-nmda", .features = {"origin", "with-defaults"}},
    {.name = "nc-notifications"},
    {.name = "notifications"},
    {.name = "ietf-netconf-notifications"},
    {.name = "ietf-netconf-acm"},
    {.name = "ietf-alarms", .features = {"operator-actions", "alarm-history", "alarm-summary"}},
    {.name = "noria-alarms"},
    {.name = "noria-agent"},
    {.name = "noria-director"},
    {.name = "noria-ipvs"},
    {.name = "noria-virtual-server"},
    {.name = "noria-operations"},
    {.name = "noria-health"},
    {.name = "noria-vrrp"},
    {.name = "noria-mail"},
};

static void libyang_log(LY_LOG_LEVEL level, const char *message, const char *path)
{
    log_line(level == LY_LLWRN ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, AREA_YANG, "%s%s%s", message,
             path ? " " : "", path ? path : "");
}

static enum outcome add_unit(struct schema *schema, const struct lysc_node *top,
                             const struct lysc_node *list, struct error *err)
{
    struct unit *units = realloc(schema->units, (schema->unit_count + 1) * sizeof(*units));
    if (!units)
        return fail_memory(err);
    schema->units = units;
    struct unit *unit = &units[schema->unit_count];
    *unit = (struct unit){.top = top, .list = list, .rank = schema->unit_count};
    unit->config = (list ? list : top)->flags & LYS_CONFIG_W;
    unit->path = lysc_path(list ? list : top, LYSC_PATH_LOG, NULL, 0);
    if (!unit->path)
        return fail_memory(err);
    schema->unit_count++;
    return DONE;
}

/*
 * A container's own unit comes before those of its lists, so that it is read and applied first.
 * Snapshots order entries by their keys: a list whose order is the user's stays in the container's
 * own unit, which keeps it.
 */
static enum outcome add_units_of(struct schema *schema, const struct lysc_node *top,
                                 struct error *err)
{
    if (add_unit(schema, top, NULL, err) != DONE)
        return FAILED;
    if (!(top->flags & LYS_CONFIG_W))
        return DONE;
    const struct lysc_node *child;
    LY_LIST_FOR(lysc_node_child(top), child)
    {
        if (child->nodetype == LYS_LIST && (child->flags & LYS_CONFIG_W) &&
            !(child->flags & LYS_KEYLESS) && !lysc_is_userordered(child) &&
            add_unit(schema, top, child, err) != DONE)
            return FAILED;
    }
    return DONE;
}

/*
 * Our own modules, and the standard ones that configure the agent. Those with state of their own
 * (yang-library, monitoring) are not ours to store.
 */
static bool is_ours(const struct lys_module *module)
{
    static const char *const standard[] = {"ietf-netconf-acm", "ietf-alarms"};
    for (size_t i = 0; i < sizeof(standard) / sizeof(*standard); i++)
        if (module->implemented && !strcmp(module->name, standard[i]))
            return true;
    return module->implemented && !strncmp(module->name, "noria-", 6);
}

static enum outcome make_units(struct schema *schema, struct error *err)
{
    const struct lys_module *module;
    uint32_t index = 0;
    while ((module = ly_ctx_get_module_iter(schema->ctx, &index))) {
        const struct lysc_node *node;
        if (!is_ours(module))
            continue;
        LY_LIST_FOR(module->compiled->data, node)
        {
            if (node->nodetype != LYS_CONTAINER)
                return fail(err, TAG_OPERATION_FAILED, NULL,
                            "Module %s has the top-level node %s, which is no container.",
                            module->name, node->name);
            if (add_units_of(schema, node, err) != DONE)
                return FAILED;
        }
    }
    return DONE;
}

/* Have libyang deal with some types in our way. */
static enum outcome mend_types(struct schema *schema, const char *const *search,
                               struct modules *files, struct error *err)
{
    struct sample sample = {0};
    enum outcome outcome = sample_make(search, files, &sample, err);
    if (outcome == DONE)
        outcome = schema_relax_paths(schema->ctx, &sample, err);
    if (outcome == DONE)
        schema_quicken_values(schema->ctx, &sample);
    sample_free(&sample);
    return outcome;
}

static enum outcome load_modules(struct schema *schema, bool with_null, struct error *err)
{
    for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++) {
        const char *features[9] = {NULL};
        memcpy(features, modules[i].features, sizeof(modules[i].features));
        if (!ly_ctx_load_module(schema->ctx, modules[i].name, NULL, features))
            return fail(err, TAG_OPERATION_FAILED, NULL,
                        "Cannot load the YANG module %s (%s): install its package (libyang2, "
                        "libyuma-base) or name its folder by --yang-dirs.",
                        modules[i].name, ly_errmsg(schema->ctx));
    }
    if (with_null && !ly_ctx_load_module(schema->ctx, "noria-null", NULL, NULL))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot load the YANG module noria-null: %s",
                    ly_errmsg(schema->ctx));
    return DONE;
}

enum outcome schema_load(const char *const *search, bool with_null, struct schema **result,
                         struct error *err)
{
    ly_log_options(LY_LOLOG | LY_LOSTORE);
    ly_set_log_clb(libyang_log, 1);
    struct schema *schema = calloc(1, sizeof(*schema));
    struct modules *files = modules_new(search);
    if (!schema || !files) {
        free(schema);
        modules_free(files);
        return fail_memory(err);
    }
    if (ly_ctx_new(NULL, LY_CTX_DISABLE_SEARCHDIR_CWD, &schema->ctx)) {
        fail_memory(err);
        goto out;
    }
    for (const char *const *folder = search; *folder; folder++) {
        /* A folder that is not there is no error: the modules may be in another. */
        if (ly_ctx_set_searchdir(schema->ctx, *folder))
            log_info(AREA_YANG, "no folder %s", *folder);
    }
    ly_ctx_set_module_imp_clb(schema->ctx, modules_give, files);
    if (load_modules(schema, with_null, err) != DONE ||
        mend_types(schema, search, files, err) != DONE || make_units(schema, err) != DONE ||
        rules_find(schema, &schema->rules, err) != DONE ||
        fingerprint_take(schema->ctx, files, schema->fingerprint, err) != DONE)
        goto out;
    ly_ctx_set_module_imp_clb(schema->ctx, NULL, NULL);
    modules_free(files);
    ly_err_clean(schema->ctx, NULL);
    *result = schema;
    return DONE;
out:
    modules_free(files);
    schema_free(schema);
    return FAILED;
}

void schema_free(struct schema *schema)
{
    if (!schema)
        return;
    rules_free(schema->rules, schema->unit_count);
    for (size_t i = 0; i < schema->unit_count; i++)
        free(schema->units[i].path);
    free(schema->units);
    ly_ctx_destroy(schema->ctx);
    free(schema);
}

/*
 * Where an error is: libyang says 'Data location "/m:a/b", line number 3.' or, for what is missing,
 * 'Schema location "/m:a/b/c".'; the latter is no instance, so the instance that lacks it is put in
 * front of the missing node's name.
 */
static char *location_of(const struct ly_err_item *item, const char *instance)
{
    const char *start = item->path ? strchr(item->path, '"') : NULL;
    const char *end = start ? strrchr(start + 1, '"') : NULL;
    if (!end || end == start)
        return instance ? strdup(instance) : NULL;
    char *path = strndup(start + 1, (size_t)(end - start - 1));
    if (!path || strncmp(item->path, "Schema", 6) || !instance)
        return path;
    const char *name = strrchr(path, '/');
    char *joined;
    if (asprintf(&joined, "%s%s", instance, name ? name : "") < 0)
        joined = NULL;
    free(path);
    return joined;
}

/* RFC 7950, 15, says what a constraint of the data model answers. */
static enum error_tag tag_of(const struct ly_err_item *item)
{
    if (item->apptag &&
        (!strcmp(item->apptag, "missing-choice") || !strcmp(item->apptag, "instance-required")))
        return TAG_DATA_MISSING;
    if (item->apptag || item->vecode == LYVE_OTHER)
        return TAG_OPERATION_FAILED;
    if (item->msg &&
        (!strncmp(item->msg, "Mandatory ", 10) || strstr(item->msg, "missing its key")))
        return TAG_MISSING_ELEMENT;
    return TAG_INVALID_VALUE;
}

bool schema_is_marked(const struct lysc_node *node, const char *extension)
{
    for (; node; node = node->parent) {
        LY_ARRAY_COUNT_TYPE i;
        LY_ARRAY_FOR(node->exts, i)
        {
            const struct lysc_ext *definition = node->exts[i].def;
            if (!strcmp(definition->name, extension) &&
                !strcmp(definition->module->name, "ietf-netconf-acm"))
                return true;
        }
    }
    return false;
}

/*
 * To what an operation is given libyang hands the mark of the operation down: of that, texts alone
 * can be secrets.
 */
static bool is_secret(const struct lysc_node *node)
{
    const struct lysc_node *operation = node;
    while (operation && !(operation->nodetype & (LYS_RPC | LYS_ACTION)))
        operation = operation->parent;
    bool text = !(node->nodetype & LYD_NODE_TERM) ||
                ((const struct lysc_node_leaf *)node)->type->basetype == LY_TYPE_STRING;
    return schema_is_marked(node, "default-deny-all") &&
           (text || !operation || !schema_is_marked(operation, "default-deny-all"));
}

/* Values are in quotes, behind what is wrong: 'Unsatisfied length - string "x" length is ...'. */
static char *told_of_secret(const struct lysc_node *node, const char *message)
{
    char *told;
    size_t length = strcspn(message, "\"");
    const char *dash = memmem(message, length, " - ", 3);
    length = dash ? (size_t)(dash - message) : length;
    while (length && message[length - 1] == ' ')
        length--;
    if (asprintf(&told, "The value of %s, which is not shown, is not valid: %.*s.", node->name,
                 (int)length, message) < 0)
        return NULL;
    return told;
}

char *schema_told_of_value(const struct lysc_node *node, const char *message)
{
    char *told, *allowed;
    if (!strchr(message, '"') || !node)
        return strdup(message);
    if (is_secret(node))
        return told_of_secret(node, message);
    allowed = schema_allowed(node, message);
    if (asprintf(&told, allowed ? "%s It may be %s." : "%s", message, allowed) < 0)
        told = NULL;
    free(allowed);
    return told;
}

/* The same of an error with its place; what a reference names is no secret. */
static char *told_of(const struct schema *schema, const struct ly_err_item *item, const char *path)
{
    const struct lysc_node *node = NULL;
    char *message = strdup(item->msg), *told;
    if (path && message && strchr(message, '"') &&
        (!item->apptag || strcmp(item->apptag, "instance-required") != 0))
        node = lys_find_path(schema->ctx, NULL, path, 0); /* the item is gone if that fails */
    told = message ? schema_told_of_value(node, message) : NULL;
    free(message);
    return told;
}

/* What is missing, if an error is about that: 'Schema location "/m:a/b/c".' */
static const struct lysc_node *missing_of(const struct schema *schema,
                                          const struct ly_err_item *item)
{
    char *path = item->path && !strncmp(item->path, "Schema", 6) &&
                         !strncmp(item->msg, "Mandatory ", strlen("Mandatory "))
                     ? location_of(item, NULL)
                     : NULL;
    const struct lysc_node *node = path ? schema_node_at(schema->ctx, path) : NULL;
    free(path);
    return node;
}

enum outcome schema_refuse_tree(const struct schema *schema, const struct lyd_node *tree,
                                const char *instance, struct error *err, const char *fallback)
{
    const struct ly_err_item *item = ly_err_first(schema->ctx);
    /* The first error is the cause; those after it follow from it. */
    while (item && item->level != LY_LLERR)
        item = item->next;
    if (!item)
        return refuse(err, TAG_OPERATION_FAILED, instance, "%s", fallback);
    const struct lysc_node *missing = missing_of(schema, item);
    char *path = missing ? schema_path_of_missing(tree, missing) : NULL;
    if (!path)
        path = location_of(item, instance);
    char *app_tag = item->apptag ? strdup(item->apptag) : NULL;
    enum error_tag tag = tag_of(item);
    char *told = missing ? schema_told_of_missing(missing) : told_of(schema, item, path);
    refuse(err, tag, path, "%s", told ? told : fallback);
    error_set_app_tag(err, app_tag);
    free(told);
    free(app_tag);
    free(path);
    ly_err_clean(schema->ctx, NULL);
    return REFUSED;
}

enum outcome schema_refuse(const struct schema *schema, const char *instance, struct error *err,
                           const char *fallback)
{
    return schema_refuse_tree(schema, NULL, instance, err, fallback);
}
