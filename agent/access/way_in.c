/*
 * Ways in: who can reach the agent over SSH, log in, and mend access control.
 *
 * Root can always do so on the node. But who manages a fleet from afar does not want to drive there
 * for one wrong commit, so a commit from afar that would take away the last way in is refused.
 */
#include <string.h>

#include "agent/access/access.h"

#define LISTEN "/noria-agent:netconf-server/listen"
#define USERS "/noria-agent:netconf-server/user"
#define RULES "/ietf-netconf-acm:nacm"

/* Whether the entries of a unit are the same ones. */
static bool is_same(const struct schema *schema, const char *path, const struct snapshot *before,
                    const struct snapshot *after)
{
    const struct unit *unit = schema_unit_find(schema, path);
    size_t count, others, first = snapshot_range(before, unit, &count),
                          other = snapshot_range(after, unit, &others);
    return count == others && (!count || !memcmp(before->entries + first, after->entries + other,
                                                 count * sizeof(*before->entries)));
}

/* Whether a user may change the rules, and so get every other right. */
static enum outcome rules_change(struct access_rules *rules, const struct schema *schema,
                                 const struct lyd_node *nacm, const char *user, bool *may,
                                 struct error *err)
{
    struct access access;
    enum outcome outcome = access_begin_with(rules, schema->unit_count, user, false, &access, err);
    *may = outcome == DONE && access_allows(&access, nacm, ACCESS_CREATE) &&
           access_allows(&access, nacm, ACCESS_UPDATE);
    access_end(&access);
    return outcome;
}

/* Whether a user of the configuration can log in and change the rules. */
static enum outcome has_administrator(const struct schema *schema, const struct snapshot *snapshot,
                                      bool *has, struct error *err)
{
    const struct entry *nacm = snapshot_find(snapshot, schema_unit_find(schema, RULES), "");
    size_t count, first = snapshot_range(snapshot, schema_unit_find(schema, USERS), &count);
    struct access_rules *rules = NULL;
    *has = false;
    enum outcome outcome = access_rules_new(nacm->node, &rules, err);
    for (size_t i = first; i < first + count && outcome == DONE && !*has; i++) {
        const struct lyd_node *user = snapshot->entries[i]->node;
        if (leaf_value(user, "password") || leaf_value(user, "authorized-key"))
            outcome = rules_change(rules, schema, nacm->node, leaf_value(user, "name"), has, err);
    }
    access_rules_unref(rules);
    return outcome;
}

static enum outcome has_way_in(const struct schema *schema, const struct snapshot *snapshot,
                               bool *has, struct error *err)
{
    size_t listeners;
    snapshot_range(snapshot, schema_unit_find(schema, LISTEN), &listeners);
    *has = false;
    return listeners ? has_administrator(schema, snapshot, has, err) : DONE;
}

enum outcome access_check_way_in(const struct schema *schema, const struct snapshot *before,
                                 const struct snapshot *after, struct error *err)
{
    static const char *const paths[] = {LISTEN, USERS, RULES};
    const char *changed = NULL;
    bool had, has;
    for (size_t i = 0; i < 3 && !changed; i++)
        if (!is_same(schema, paths[i], before, after))
            changed = paths[i];
    if (!changed)
        return DONE;
    enum outcome outcome = has_way_in(schema, after, &has, err);
    if (outcome != DONE || has)
        return outcome;
    outcome = has_way_in(schema, before, &had, err);
    if (outcome != DONE || !had)
        return outcome;
    return refuse(
        err, TAG_OPERATION_FAILED, changed,
        "This would leave no administrator a way in over SSH: keep a listener, and a user "
        "with a password or a key who may change " RULES
        "; or make this change as root over the local socket.");
}
