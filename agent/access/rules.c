/*
 * Rules, from their configuration.
 */
#include "agent/access/rules.h"

#include <stdlib.h>
#include <string.h>

struct access_rules *access_rules_ref(struct access_rules *rules)
{
    atomic_fetch_add_explicit(&rules->refs, 1, memory_order_relaxed);
    return rules;
}

static void free_names(char **names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

static void free_rule(struct rule *rule)
{
    for (size_t i = 0; i < rule->predicate_count; i++)
        free(rule->predicates[i].value);
    free(rule->predicates);
    free(rule->name);
}

static void free_list(struct rule_list *list)
{
    for (size_t i = 0; i < list->rule_count; i++)
        free_rule(&list->rules[i]);
    free(list->rules);
    free_names(list->groups, list->group_count);
}

void access_rules_unref(struct access_rules *rules)
{
    if (!rules || atomic_fetch_sub_explicit(&rules->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < rules->group_count; i++) {
        free(rules->groups[i].name);
        free_names(rules->groups[i].users, rules->groups[i].user_count);
    }
    free(rules->groups);
    for (size_t i = 0; i < rules->list_count; i++)
        free_list(&rules->lists[i]);
    free(rules->lists);
    free(rules);
}

static size_t count_children(const struct lyd_node *node, const char *name)
{
    const struct lyd_node *child;
    size_t count = 0;
    LY_LIST_FOR(lyd_child(node), child)
    count += !strcmp(LYD_NAME(child), name);
    return count;
}

/* The values of a leaf-list. */
static enum outcome copy_names(const struct lyd_node *node, const char *name, char ***names,
                               size_t *count, struct error *err)
{
    const struct lyd_node *child;
    *names = calloc(count_children(node, name) + 1, sizeof(**names));
    if (!*names)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (strcmp(LYD_NAME(child), name) != 0)
            continue;
        if (!((*names)[*count] = strdup(lyd_get_value(child))))
            return fail_memory(err);
        (*count)++;
    }
    return DONE;
}

static enum outcome add_group(struct access_rules *rules, const struct lyd_node *node,
                              struct error *err)
{
    struct rule_group *group = &rules->groups[rules->group_count++];
    group->name = strdup(leaf_value(node, "name"));
    return group->name ? copy_names(node, "user-name", &group->users, &group->user_count, err)
                       : fail_memory(err);
}

static enum outcome add_groups(struct access_rules *rules, const struct lyd_node *nacm,
                               struct error *err)
{
    const struct lyd_node *groups, *node;
    enum outcome outcome = DONE;
    LY_LIST_FOR(lyd_child(nacm), groups)
    {
        if (!strcmp(LYD_NAME(groups), "groups"))
            break;
    }
    rules->groups =
        calloc(groups ? count_children(groups, "group") + 1 : 1, sizeof(*rules->groups));
    if (!rules->groups)
        return fail_memory(err);
    LY_LIST_FOR(groups ? lyd_child(groups) : NULL, node)
    {
        if (outcome == DONE && !strcmp(LYD_NAME(node), "group"))
            outcome = add_group(rules, node, err);
    }
    return outcome;
}

/* "*", or names of bits with spaces between them. */
static unsigned int read_rights(const char *text)
{
    static const struct {
        const char *name;
        enum access_right right;
    } bits[] = {{"create", ACCESS_CREATE},
                {"read", ACCESS_READ},
                {"update", ACCESS_UPDATE},
                {"delete", ACCESS_DELETE},
                {"exec", ACCESS_EXEC}};
    unsigned int rights = 0;
    if (!strcmp(text, "*"))
        return ACCESS_ANY;
    for (; *text; text += strcspn(text, " "), text += *text == ' ')
        for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
            if (strcspn(text, " ") == strlen(bits[i].name) &&
                !strncmp(text, bits[i].name, strlen(bits[i].name)))
                rights |= bits[i].right;
    return rights;
}

static enum outcome set_name(struct rule *rule, enum rule_type type, const char *name,
                             struct error *err)
{
    rule->type = type;
    if (!strcmp(name, "*"))
        return DONE;
    rule->name = strdup(name);
    return rule->name ? DONE : fail_memory(err);
}

static enum outcome add_rule(struct rule *rule, const struct lyd_node *node, struct error *err)
{
    const char *module = leaf_value(node, "module-name");
    rule->any_module = !strcmp(module, "*");
    if (!rule->any_module)
        rule->module = ly_ctx_get_module_implemented(LYD_CTX(node), module);
    rule->rights = read_rights(leaf_value(node, "access-operations"));
    rule->permit = !strcmp(leaf_value(node, "action"), "permit");
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        const char *name = LYD_NAME(child);
        /* At most one of them is there: they are cases of one choice. */
        if (!strcmp(name, "rpc-name"))
            return set_name(rule, RULE_OPERATION, lyd_get_value(child), err);
        if (!strcmp(name, "notification-name"))
            return set_name(rule, RULE_NOTIFICATION, lyd_get_value(child), err);
        if (!strcmp(name, "path")) {
            rule->type = RULE_DATA;
            return rule_compile_path(rule, lyd_get_value(child), child, err);
        }
    }
    return DONE;
}

static enum outcome add_list(struct rule_list *list, const struct lyd_node *node, struct error *err)
{
    const struct lyd_node *child;
    enum outcome outcome = copy_names(node, "group", &list->groups, &list->group_count, err);
    for (size_t i = 0; i < list->group_count; i++)
        list->any_group |= !strcmp(list->groups[i], "*");
    list->rules = calloc(count_children(node, "rule") + 1, sizeof(*list->rules));
    if (!list->rules)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (outcome == DONE && !strcmp(LYD_NAME(child), "rule"))
            outcome = add_rule(&list->rules[list->rule_count++], child, err);
    }
    return outcome;
}

static enum outcome add_lists(struct access_rules *rules, const struct lyd_node *nacm,
                              struct error *err)
{
    const struct lyd_node *node;
    enum outcome outcome = DONE;
    rules->lists = calloc(count_children(nacm, "rule-list") + 1, sizeof(*rules->lists));
    if (!rules->lists)
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(nacm), node)
    {
        if (outcome == DONE && !strcmp(LYD_NAME(node), "rule-list"))
            outcome = add_list(&rules->lists[rules->list_count++], node, err);
    }
    return outcome;
}

static bool permits(const struct lyd_node *nacm, const char *leaf)
{
    return !strcmp(leaf_value(nacm, leaf), "permit");
}

enum outcome access_rules_new(const struct lyd_node *nacm, struct access_rules **result,
                              struct error *err)
{
    struct access_rules *rules = calloc(1, sizeof(*rules));
    if (!rules)
        return fail_memory(err);
    atomic_init(&rules->refs, 1);
    rules->enabled = !strcmp(leaf_value(nacm, "enable-nacm"), "true");
    rules->read_default = permits(nacm, "read-default");
    rules->write_default = permits(nacm, "write-default");
    rules->exec_default = permits(nacm, "exec-default");
    enum outcome outcome = add_groups(rules, nacm, err);
    if (outcome == DONE)
        outcome = add_lists(rules, nacm, err);
    if (outcome == DONE)
        *result = rules;
    else
        access_rules_unref(rules);
    return outcome;
}
