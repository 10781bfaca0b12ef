/*
 * Requests held against rules (RFC 8341, 3.4).
 */
#include "agent/access/access.h"

#include <stdlib.h>
#include <string.h>

/* The access of a request. */

static bool is_among(const char *name, char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return true;
    return false;
}

static bool is_member(const struct rule_group *group, const char *user)
{
    return is_among(user, group->users, group->user_count);
}

/* Whether a list is for a user who is in some group. */
static bool is_for(const struct rule_list *list, const struct access_rules *rules, const char *user)
{
    for (size_t i = 0; i < rules->group_count && !list->any_group; i++)
        if (is_member(&rules->groups[i], user) &&
            is_among(rules->groups[i].name, list->groups, list->group_count))
            return true;
    return list->any_group;
}

static bool is_in_a_group(const struct access_rules *rules, const char *user)
{
    for (size_t i = 0; i < rules->group_count; i++)
        if (is_member(&rules->groups[i], user))
            return true;
    return false;
}

static enum outcome pick_rules(struct access *access, struct error *err)
{
    const struct access_rules *rules = access->rules;
    size_t room = 1;
    /* Who is in no group has no rules, also none of those for all groups (3.4.4, step 5). */
    if (!is_in_a_group(rules, access->user))
        return DONE;
    for (size_t i = 0; i < rules->list_count; i++)
        room += rules->lists[i].rule_count;
    access->own = calloc(room, sizeof(*access->own));
    if (!access->own)
        return fail_memory(err);
    for (size_t i = 0; i < rules->list_count; i++) {
        const struct rule_list *list = &rules->lists[i];
        if (!is_for(list, rules, access->user))
            continue;
        for (size_t r = 0; r < list->rule_count; r++)
            access->own[access->own_count++] = &list->rules[r];
    }
    return DONE;
}

enum outcome access_begin_with(struct access_rules *rules, size_t unit_count, const char *user,
                               bool recovery, struct access *access, struct error *err)
{
    *access = (struct access){.user = user, .rules = access_rules_ref(rules)};
    access->all = recovery || !rules->enabled;
    if (access->all)
        return DONE;
    access->known = calloc(unit_count + 1, 1);
    access->covered = calloc(unit_count + 1, 1);
    if (!access->known || !access->covered)
        return fail_memory(err);
    return pick_rules(access, err);
}

void access_end(struct access *access)
{
    access_rules_unref(access->rules);
    free(access->own);
    free(access->known);
    free(access->covered);
    *access = (struct access){0};
}

/* Rules and nodes. */

static bool in_module(const struct rule *rule, const struct lysc_node *node)
{
    return rule->any_module || rule->module == node->module;
}

static const struct lyd_node *at_or_above(const struct lyd_node *node,
                                          const struct lysc_node *schema)
{
    while (node && node->schema != schema)
        node = lyd_parent(node);
    return node;
}

static bool fits(const struct rule_predicate *predicate, const struct lyd_node *node,
                 const char *user)
{
    const struct lysc_node *key = predicate->key;
    bool list = key->nodetype == LYS_LEAF;
    const struct lyd_node *named = at_or_above(node, list ? key->parent : key);
    if (list && named) {
        const struct lyd_node *instance = named;
        LY_LIST_FOR(lyd_child(instance), named)
        {
            if (named->schema == key)
                break;
        }
    }
    return named && !strcmp(lyd_get_value(named), predicate->value ? predicate->value : user);
}

/* Whether a node is the one that a rule's path names, or below it. */
static bool is_within(const struct rule *rule, const struct lyd_node *node, const char *user)
{
    if (!rule->where)
        return true;
    if (!at_or_above(node, rule->where))
        return false;
    for (size_t i = 0; i < rule->predicate_count; i++)
        if (!fits(&rule->predicates[i], node, user))
            return false;
    return true;
}

/* The first rule that is about a node; type is what its rules may be of beside any and data. */
static const struct rule *find_rule(const struct access *access, const struct lyd_node *node,
                                    enum rule_type type, enum access_right right)
{
    for (size_t i = 0; i < access->own_count; i++) {
        const struct rule *rule = access->own[i];
        if (!(rule->rights & right) || !in_module(rule, node->schema))
            continue;
        if (rule->type == RULE_ANY)
            return rule;
        if (rule->type == type && type != RULE_DATA &&
            (!rule->name || !strcmp(rule->name, node->schema->name)))
            return rule;
        /* A path may name an action or a notification that belongs to data; or data itself. */
        bool in_data = type == RULE_DATA || lyd_parent(node);
        if (rule->type == RULE_DATA && in_data && is_within(rule, node, access->user))
            return rule;
    }
    return NULL;
}

static bool is_secret(const struct lysc_node *node)
{
    return schema_is_marked(node, "default-deny-all");
}

/* Where no rule says anything. */
static bool allows_by_default(const struct access *access, const struct lysc_node *node,
                              enum access_right right)
{
    if (is_secret(node))
        return false;
    if (right == ACCESS_READ)
        return access->rules->read_default;
    return access->rules->write_default && !schema_is_marked(node, "default-deny-write");
}

bool access_allows(const struct access *access, const struct lyd_node *node,
                   enum access_right right)
{
    if (access->all || !node->schema)
        return true;
    const struct rule *rule = find_rule(access, node, RULE_DATA, right);
    return rule ? rule->permit : allows_by_default(access, node->schema, right);
}

bool access_reads(const struct access *access, const struct lyd_node *node)
{
    for (; node; node = lyd_parent(node))
        if (!access_allows(access, node, ACCESS_READ))
            return false;
    return true;
}

static bool is_operation(const struct lyd_node *node, const char *name)
{
    return !strcmp(node->schema->name, name) && !strcmp(node->schema->module->name, "ietf-netconf");
}

bool access_executes(const struct access *access, const struct lyd_node *operation)
{
    if (access->all || is_operation(operation, "close-session"))
        return true;
    if (lyd_parent(operation) && !access_reads(access, lyd_parent(operation)))
        return false;
    const struct rule *rule = find_rule(access, operation, RULE_OPERATION, ACCESS_EXEC);
    if (rule)
        return rule->permit;
    if (is_secret(operation->schema) || is_operation(operation, "kill-session") ||
        is_operation(operation, "delete-config"))
        return false;
    return access->rules->exec_default;
}

bool access_receives(const struct access *access, const struct lyd_node *notification)
{
    const char *name = notification->schema->name;
    if (access->all)
        return true;
    /* They end a replay and a subscription, which the client must learn (3.4.6, step 3). */
    if (!strcmp(notification->schema->module->name, "nc-notifications") &&
        (!strcmp(name, "replayComplete") || !strcmp(name, "notificationComplete")))
        return true;
    if (lyd_parent(notification) && !access_reads(access, lyd_parent(notification)))
        return false;
    const struct rule *rule = find_rule(access, notification, RULE_NOTIFICATION, ACCESS_READ);
    if (rule)
        return rule->permit;
    return !is_secret(notification->schema) && access->rules->read_default;
}

/* Whole units. */

/* What of a unit a rule is about. */
enum reach { REACH_NONE, REACH_PART, REACH_ALL };

static bool is_at_or_above(const struct lysc_node *above, const struct lysc_node *node)
{
    while (node && node != above)
        node = node->parent;
    return node;
}

/* Facts about all nodes of a subtree of the schema. */
struct survey {
    const struct lys_module *module;
    bool inside, outside; /* Some nodes are of the module, some are not. */
    bool secret, guarded; /* Some are marked default-deny-all, default-deny-write. */
};

static LY_ERR survey_node(struct lysc_node *node, void *data, ly_bool *skip)
{
    struct survey *survey = data;
    /* Actions and notifications are not read. */
    if (node->nodetype & (LYS_ACTION | LYS_NOTIF)) {
        *skip = 1;
        return LY_SUCCESS;
    }
    *(node->module == survey->module ? &survey->inside : &survey->outside) = true;
    survey->secret |= is_secret(node);
    survey->guarded |= schema_is_marked(node, "default-deny-write");
    return LY_SUCCESS;
}

/* The unit's subtree, and its container, without which nothing in it can be read. */
static struct survey survey_unit(const struct unit *unit, const struct lys_module *module)
{
    struct survey survey = {.module = module};
    ly_bool skip = 0;
    survey_node((struct lysc_node *)unit->top, &survey, &skip);
    lysc_tree_dfs_full(unit->list ? unit->list : unit->top, survey_node, &survey);
    return survey;
}

static enum reach reach_of(const struct rule *rule, const struct unit *unit)
{
    enum reach reach = REACH_ALL;
    if (rule->type != RULE_ANY && rule->type != RULE_DATA)
        return REACH_NONE;
    if (rule->type == RULE_DATA && rule->where) {
        const struct lysc_node *node = unit->list ? unit->list : unit->top;
        if (is_at_or_above(rule->where, unit->top))
            reach = rule->predicate_count ? REACH_PART : REACH_ALL;
        else if (is_at_or_above(rule->where, node) || is_at_or_above(node, rule->where))
            reach = REACH_PART;
        else
            return REACH_NONE;
    }
    if (!rule->any_module) {
        struct survey survey = survey_unit(unit, rule->module);
        if (!survey.inside)
            return REACH_NONE;
        if (survey.outside)
            return REACH_PART;
    }
    return reach;
}

static bool find_cover(const struct access *access, const struct unit *unit,
                       enum access_right right)
{
    for (size_t i = 0; i < access->own_count; i++) {
        const struct rule *rule = access->own[i];
        enum reach reach = rule->rights & right ? reach_of(rule, unit) : REACH_NONE;
        if (reach != REACH_NONE && !rule->permit)
            return false;
        if (reach == REACH_ALL)
            return true;
    }
    struct survey survey = survey_unit(unit, NULL);
    if (survey.secret)
        return false;
    return right == ACCESS_READ ? access->rules->read_default
                                : access->rules->write_default && !survey.guarded;
}

bool access_covers(struct access *access, const struct unit *unit, enum access_right right)
{
    if (access->all)
        return true;
    if (!(access->known[unit->rank] & right)) {
        access->known[unit->rank] |= (unsigned char)right;
        if (find_cover(access, unit, right))
            access->covered[unit->rank] |= (unsigned char)right;
    }
    return access->covered[unit->rank] & right;
}

/* Trees. */

/* Returns whether the node itself is left; the caller frees it if not. */
static bool prune(const struct access *access, struct lyd_node *node)
{
    if (!access_allows(access, node, ACCESS_READ))
        return false;
    struct lyd_node *child, *next;
    LY_LIST_FOR_SAFE(lyd_child(node), next, child)
    {
        if (prune(access, child))
            continue;
        if (child->schema && lysc_is_key(child->schema))
            return false;
        lyd_free_tree(child);
    }
    return true;
}

bool access_prune(const struct access *access, struct lyd_node *top)
{
    if (access->all || prune(access, top))
        return true;
    lyd_free_tree(top);
    return false;
}
