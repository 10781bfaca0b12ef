/*
 * Alarms as ietf-alarms has them: for readers, for the file, and for subscribers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarm_internal.h"

#define TYPES "noria-alarms"

/* Names. */

static const char *const severities[] = {
    [ALARM_CLEARED] = "cleared", [ALARM_INDETERMINATE] = "indeterminate",
    [ALARM_WARNING] = "warning", [ALARM_MINOR] = "minor",
    [ALARM_MAJOR] = "major",     [ALARM_CRITICAL] = "critical",
};

static const char *const states[] = {
    [ALARM_NONE] = "none", [ALARM_ACK] = "ack", [ALARM_CLOSED] = "closed"};

const char *alarm_severity_name(int severity)
{
    return severities[severity];
}

int alarm_severity_of(const char *name)
{
    for (int i = ALARM_CLEARED; i <= ALARM_CRITICAL; i++)
        if (name && !strcmp(severities[i], name))
            return i;
    return 0;
}

const char *alarm_operator_state_name(enum alarm_operator_state state)
{
    return states[state];
}

/* Writing. A row of leaves; the first that fails ends it. */

static bool add(struct lyd_node *node, const char *name, const char *value)
{
    return !lyd_new_term(node, NULL, name, value, 0, NULL);
}

static bool add_time(struct lyd_node *node, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    return add(node, name, clock_text(time, text));
}

static bool add_number(struct lyd_node *node, const char *name, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRIu64, number);
    return add(node, name, text);
}

/* The leaf that noria-alarms adds to ietf-alarms. */
static bool add_own_number(struct lyd_node *node, uint32_t number)
{
    const struct lys_module *module = ly_ctx_get_module_implemented(LYD_CTX(node), TYPES);
    char text[16];
    snprintf(text, sizeof(text), "%" PRIu32, number);
    return module && !lyd_new_term(node, module, "number", text, 0, NULL);
}

static bool add_change(struct lyd_node *node, const struct alarm_change *change)
{
    return add_time(node, "time", change->time) &&
           add(node, "perceived-severity", severities[change->severity]) &&
           add(node, "alarm-text", change->text);
}

static bool add_action(struct lyd_node *node, const struct alarm_action *action)
{
    return add_time(node, "time", action->time) && add(node, "operator", action->who) &&
           add(node, "state", states[action->state]) &&
           (!action->text || add(node, "text", action->text));
}

/* With a list's key given to lyd_new_inner() one cannot do; what follows the key is added. */
static struct lyd_node *new_item(struct lyd_node *node, const char *name, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    struct lyd_node *item;
    return lyd_new_list(node, NULL, name, 0, &item, clock_text(time, text)) ? NULL : item;
}

static bool add_history(struct lyd_node *node, const struct alarm *alarm)
{
    struct lyd_node *item;
    for (size_t i = alarm->change_count; i-- > 0;) {
        const struct alarm_change *change = &alarm->changes[i];
        if (!(item = new_item(node, "status-change", change->time)) ||
            !add(item, "perceived-severity", severities[change->severity]) ||
            !add(item, "alarm-text", change->text))
            return false;
    }
    for (size_t i = alarm->action_count; i-- > 0;) {
        const struct alarm_action *action = &alarm->actions[i];
        if (!(item = new_item(node, "operator-state-change", action->time)) ||
            !add(item, "operator", action->who) || !add(item, "state", states[action->state]) ||
            (action->text && !add(item, "text", action->text)))
            return false;
    }
    return true;
}

/* The list instance with its keys; NULL for want of memory. */
static struct lyd_node *new_alarm(struct lyd_node *list, const struct alarm *alarm)
{
    char type[128];
    struct lyd_node *node;
    snprintf(type, sizeof(type), TYPES ":%s", alarm->type);
    return lyd_new_list(list, NULL, "alarm", 0, &node, alarm->resource, type, alarm->qualifier)
               ? NULL
               : node;
}

static bool add_alarm(struct lyd_node *list, const struct alarm *alarm)
{
    const struct alarm_change *last = alarm_last(alarm);
    struct lyd_node *node = new_alarm(list, alarm);
    return node && add_own_number(node, alarm->number) &&
           add_time(node, "time-created", alarm->created) &&
           add(node, "is-cleared", alarm->cleared ? "true" : "false") &&
           add_time(node, "last-raised", alarm->raised) &&
           add_time(node, "last-changed", last->time) &&
           add(node, "perceived-severity", severities[alarm->severity]) &&
           add(node, "alarm-text", last->text) && add_history(node, alarm);
}

enum outcome alarm_tree_add_list(struct lyd_node *top, struct alarm *const *alarms, size_t count,
                                 int64_t last_changed, struct error *err)
{
    struct lyd_node *list;
    if (lyd_new_inner(top, NULL, "alarm-list", 0, &list) ||
        !add_number(list, "number-of-alarms", count) ||
        (last_changed && !add_time(list, "last-changed", last_changed)))
        return fail_memory(err);
    for (size_t i = 0; i < count; i++)
        if (!add_alarm(list, alarms[i]))
            return fail(err, TAG_OPERATION_FAILED, NULL, "The alarm %s of %s cannot be shown.",
                        alarms[i]->type, alarms[i]->resource);
    return DONE;
}

/* What there may be, by the identities of the module, which say what is to be done. */
static enum outcome add_inventory(struct lyd_node *top, struct error *err)
{
    const struct lys_module *module = ly_ctx_get_module_implemented(LYD_CTX(top), TYPES);
    struct lyd_node *inventory, *node;
    if (!module || lyd_new_inner(top, NULL, "alarm-inventory", 0, &inventory))
        return fail_memory(err);
    LY_ARRAY_COUNT_TYPE i;
    LY_ARRAY_FOR(module->identities, i)
    {
        const struct lysc_ident *identity = &module->identities[i];
        char name[128];
        if (identity->derived) /* it is abstract */
            continue;
        snprintf(name, sizeof(name), TYPES ":%s", identity->name);
        if (lyd_new_list(inventory, NULL, "alarm-type", 0, &node, name, "") ||
            !add(node, "will-clear", "true") ||
            !add(node, "description", identity->dsc ? identity->dsc : ""))
            return fail_memory(err);
    }
    return DONE;
}

/* Counts of a severity: by whether it is cleared, and by whether an operator has closed it. */
struct tally {
    uint64_t alarms[2][2];
};

static bool is_closed(const struct alarm *alarm)
{
    return alarm->action_count && alarm->actions[alarm->action_count - 1].state == ALARM_CLOSED;
}

static bool add_tally(struct lyd_node *summary, int severity, const struct tally *tally)
{
    struct lyd_node *node;
    uint64_t active = tally->alarms[0][0] + tally->alarms[0][1];
    uint64_t cleared = tally->alarms[1][0] + tally->alarms[1][1];
    return !lyd_new_list(summary, NULL, "alarm-summary", 0, &node, severities[severity]) &&
           add_number(node, "total", active + cleared) && add_number(node, "not-cleared", active) &&
           add_number(node, "cleared", cleared) &&
           add_number(node, "cleared-not-closed", tally->alarms[1][0]) &&
           add_number(node, "cleared-closed", tally->alarms[1][1]) &&
           add_number(node, "not-cleared-closed", tally->alarms[0][1]) &&
           add_number(node, "not-cleared-not-closed", tally->alarms[0][0]);
}

static enum outcome add_summary(struct lyd_node *top, struct alarm *const *alarms, size_t count,
                                struct error *err)
{
    struct tally tallies[ALARM_CRITICAL + 1] = {0};
    struct lyd_node *summary;
    for (size_t i = 0; i < count; i++)
        tallies[alarms[i]->severity].alarms[alarms[i]->cleared][is_closed(alarms[i])]++;
    if (lyd_new_inner(top, NULL, "summary", 0, &summary))
        return fail_memory(err);
    for (int severity = ALARM_CRITICAL; severity >= ALARM_INDETERMINATE; severity--)
        if (!add_tally(summary, severity, &tallies[severity]))
            return fail_memory(err);
    return DONE;
}

enum outcome alarm_tree_add(struct lyd_node *top, struct alarm *const *alarms, size_t count,
                            int64_t last_changed, struct error *err)
{
    enum outcome outcome = add_inventory(top, err);
    if (outcome == DONE)
        outcome = add_summary(top, alarms, count, err);
    if (outcome == DONE)
        outcome = alarm_tree_add_list(top, alarms, count, last_changed, err);
    return outcome;
}

/* For subscribers. */

struct lyd_node *alarm_tree_notification(const struct ly_ctx *ctx, const struct alarm *alarm)
{
    const struct lys_module *module = ly_ctx_get_module_implemented(ctx, "ietf-alarms");
    struct lyd_node *node;
    char type[128];
    snprintf(type, sizeof(type), TYPES ":%s", alarm->type);
    if (!module || lyd_new_inner(NULL, module, "alarm-notification", 0, &node))
        return NULL;
    if (add(node, "resource", alarm->resource) && add(node, "alarm-type-id", type) &&
        (!*alarm->qualifier || add(node, "alarm-type-qualifier", alarm->qualifier)) &&
        add_change(node, alarm_last(alarm)))
        return node;
    lyd_free_all(node);
    return NULL;
}

struct lyd_node *alarm_tree_action(const struct ly_ctx *ctx, const struct alarm *alarm)
{
    struct lyd_node *top = NULL, *list, *node, *notification;
    if (lyd_new_path(NULL, ctx, "/ietf-alarms:alarms", NULL, 0, &top))
        return NULL;
    if (!lyd_new_inner(top, NULL, "alarm-list", 0, &list) && (node = new_alarm(list, alarm)) &&
        !lyd_new_inner(node, NULL, "operator-action", 0, &notification) &&
        add_action(notification, &alarm->actions[alarm->action_count - 1]))
        return top;
    lyd_free_all(top);
    return NULL;
}

/* Reading what was stored. */

static int64_t time_of(const struct lyd_node *node, const char *name)
{
    const char *text = leaf_value(node, name);
    int64_t time;
    return text && clock_of_text(text, &time) ? time : 0;
}

static int state_of(const char *name)
{
    for (int i = ALARM_NONE; i <= ALARM_CLOSED; i++)
        if (name && !strcmp(states[i], name))
            return i;
    return ALARM_NONE;
}

/* The file has the latest first, as the module wants it. */
static bool read_item(struct alarm *alarm, const struct lyd_node *item)
{
    const char *text = leaf_value(item, "alarm-text");
    int64_t time = time_of(item, "time");
    if (!strcmp(item->schema->name, "status-change")) {
        int severity = alarm_severity_of(leaf_value(item, "perceived-severity"));
        return severity && alarm_add_change(alarm, time, severity, text ? text : "");
    }
    if (strcmp(item->schema->name, "operator-state-change") != 0)
        return true;
    const char *who = leaf_value(item, "operator");
    struct alarm_action action = {
        .time = time,
        .state = (enum alarm_operator_state)state_of(leaf_value(item, "state")),
        .who = (char *)(who ? who : ""),
        .text = (char *)leaf_value(item, "text"),
    };
    return alarm_add_action(alarm, &action);
}

static bool read_history(struct alarm *alarm, const struct lyd_node *node)
{
    const struct lyd_node *first = lyd_child(node), *item;
    bool whole = first != NULL;
    for (item = first ? first->prev : NULL; item && whole; item = item == first ? NULL : item->prev)
        whole = !item->schema || read_item(alarm, item);
    return whole && alarm->change_count;
}

struct alarm *alarm_tree_read(const struct lyd_node *node)
{
    const char *resource = leaf_value(node, "resource"), *type = leaf_value(node, "alarm-type-id");
    const char *colon = type ? strchr(type, ':') : NULL;
    const char *cleared = leaf_value(node, "is-cleared");
    int severity = alarm_severity_of(leaf_value(node, "perceived-severity"));
    if (!resource || !type || !cleared || severity < ALARM_INDETERMINATE)
        return NULL;
    struct alarm_id id = {resource, colon ? colon + 1 : type,
                          leaf_value(node, "alarm-type-qualifier")};
    struct alarm *alarm = alarm_new(&id, time_of(node, "time-created"));
    if (!alarm)
        return NULL;
    const char *number = leaf_value(node, TYPES ":number");
    alarm->number = number ? (uint32_t)strtoul(number, NULL, 10) : 0;
    alarm->raised = time_of(node, "last-raised");
    alarm->cleared = !strcmp(cleared, "true");
    alarm->severity = (enum alarm_severity)severity;
    if (read_history(alarm, node))
        return alarm;
    alarm_unref(alarm);
    return NULL;
}
