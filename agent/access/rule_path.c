/*
 * The paths of rules: node-instance-identifiers (RFC 8341, 3.3), in which keys may be left out.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/access/rules.h"

/* A path that is being read. */
struct reader {
    struct rule *rule;
    const char *at;
    const struct ly_ctx *ctx;
    const struct lys_module *module; /* Of the last name. */
    const struct lyd_node *leaf;     /* Where the path is, for errors. */
    struct error *err;
};

static enum outcome refuse_path(const struct reader *reader, const char *what)
{
    char *path = lyd_path(reader->leaf, LYD_PATH_STD, NULL, 0);
    refuse(reader->err, TAG_INVALID_VALUE, path, "The rule's path is wrong at \"%s\": %s",
           reader->at, what);
    free(path);
    return REFUSED;
}

static size_t name_length(const char *name)
{
    size_t length = 0;
    while (isalnum((unsigned char)name[length]) || (name[length] && strchr("_-.", name[length])))
        length++;
    return length;
}

/* Read "name" or "module:name"; a name without a module is of that of the name before it. */
static enum outcome read_name(struct reader *reader, char **name)
{
    size_t length = name_length(reader->at);
    if (length && reader->at[length] == ':') {
        char *module = strndup(reader->at, length);
        if (!module)
            return fail_memory(reader->err);
        reader->module = ly_ctx_get_module_implemented(reader->ctx, module);
        free(module);
        if (!reader->module)
            return refuse_path(reader, "the agent has no such module.");
        reader->at += length + 1;
        length = name_length(reader->at);
    }
    if (!length || !reader->module)
        return refuse_path(reader, "the name of a node with its module is expected.");
    *name = strndup(reader->at, length);
    return *name ? DONE : fail_memory(reader->err);
}

/* Read the step's name and go to its node. */
static enum outcome read_node(struct reader *reader)
{
    struct rule *rule = reader->rule;
    char *name = NULL;
    enum outcome outcome = read_name(reader, &name);
    if (outcome != DONE)
        return outcome;
    const struct lysc_node *parent = rule->where, *node;
    node = lys_find_child(parent, reader->module, name, 0, 0, 0);
    size_t length = strlen(name);
    free(name);
    if (!node)
        return refuse_path(reader, "the data models have no such node there.");
    rule->where = node;
    reader->at += length;
    return DONE;
}

/* The node that a predicate is about: a key of the list, or "." for the leaf-list itself. */
static enum outcome read_key(struct reader *reader, struct rule_predicate *predicate)
{
    const struct lysc_node *where = reader->rule->where;
    char *name = NULL;
    if (reader->at[0] == '.' && where->nodetype == LYS_LEAFLIST) {
        predicate->key = where;
        reader->at++;
        return DONE;
    }
    const char *start = reader->at;
    enum outcome outcome = read_name(reader, &name);
    if (outcome != DONE)
        return outcome;
    if (where->nodetype == LYS_LIST)
        predicate->key = lys_find_child(where, where->module, name, 0, LYS_LEAF, 0);
    if (predicate->key && lysc_is_key(predicate->key))
        reader->at += strlen(name);
    else
        predicate->key = NULL, reader->at = start;
    free(name);
    return predicate->key ? DONE : refuse_path(reader, "only keys of the list may be named here.");
}

static enum outcome read_value(struct reader *reader, struct rule_predicate *predicate)
{
    static const char user[] = "$USER";
    if (!strncmp(reader->at, user, sizeof(user) - 1)) {
        reader->at += sizeof(user) - 1;
        return DONE;
    }
    char quote = *reader->at;
    const char *end = quote == '\'' || quote == '"' ? strchr(reader->at + 1, quote) : NULL;
    if (!end)
        return refuse_path(reader, "a value in quotes or $USER is expected.");
    const char *canonical = NULL;
    size_t length = (size_t)(end - reader->at - 1);
    if (lyd_value_validate(reader->ctx, predicate->key, reader->at + 1, length, NULL, NULL,
                           &canonical)) {
        ly_err_clean((struct ly_ctx *)reader->ctx, NULL);
        return refuse_path(reader, "that is no value of this key.");
    }
    predicate->value = canonical ? strdup(canonical) : strndup(reader->at + 1, length);
    lydict_remove(reader->ctx, canonical);
    reader->at = end + 1;
    return predicate->value ? DONE : fail_memory(reader->err);
}

static void skip_space(struct reader *reader)
{
    while (isspace((unsigned char)*reader->at))
        reader->at++;
}

/* Read "[key='value']". */
static enum outcome read_predicate(struct reader *reader)
{
    struct rule *rule = reader->rule;
    struct rule_predicate *more =
        realloc(rule->predicates, (rule->predicate_count + 1) * sizeof(*more));
    if (!more)
        return fail_memory(reader->err);
    rule->predicates = more;
    struct rule_predicate *predicate = &more[rule->predicate_count++];
    *predicate = (struct rule_predicate){0};
    reader->at++;
    skip_space(reader);
    enum outcome outcome = read_key(reader, predicate);
    if (outcome != DONE)
        return outcome;
    skip_space(reader);
    if (*reader->at != '=')
        return refuse_path(reader, "= is expected.");
    reader->at++;
    skip_space(reader);
    outcome = read_value(reader, predicate);
    if (outcome != DONE)
        return outcome;
    skip_space(reader);
    if (*reader->at != ']')
        return refuse_path(reader, "] is expected.");
    reader->at++;
    return DONE;
}

enum outcome rule_compile_path(struct rule *rule, const char *path, const struct lyd_node *at,
                               struct error *err)
{
    struct reader reader = {.rule = rule, .at = path, .ctx = LYD_CTX(at), .leaf = at, .err = err};
    enum outcome outcome = DONE;
    rule->where = NULL;
    if (!strcmp(path, "/"))
        return DONE;
    if (!*path)
        return refuse_path(&reader, "it is empty; / stands for everything.");
    while (*reader.at && outcome == DONE) {
        if (*reader.at != '/')
            return refuse_path(&reader, "/ is expected.");
        reader.at++;
        outcome = read_node(&reader);
        while (outcome == DONE && *reader.at == '[')
            outcome = read_predicate(&reader);
    }
    return outcome;
}
