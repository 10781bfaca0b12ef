/*
 * What operators do with alarms.
 */
#include "agent/event/alarm_operations.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarm_internal.h"
#include "agent/transaction/operations.h"

/* "noria-alarms:drift" without its prefix. */
static const char *bare_type(const char *type)
{
    const char *colon = type ? strchr(type, ':') : NULL;
    return colon ? colon + 1 : type;
}

static void answer_count(struct backend_call *call, const char *leaf, size_t count)
{
    char text[24];
    snprintf(text, sizeof(text), "%zu", count);
    if (lyd_new_term(call->reply, NULL, leaf, text, 1, NULL))
        call_done(call, fail_memory(&call->error));
    else
        call_done(call, DONE);
}

/* set-operator-state */

static enum alarm_operator_state state_of(const char *name)
{
    for (enum alarm_operator_state state = ALARM_NONE; state < ALARM_CLOSED; state++)
        if (!strcmp(name, alarm_operator_state_name(state)))
            return state;
    return ALARM_CLOSED;
}

void alarm_set_operator_state(struct backend *backend, struct backend_call *call)
{
    const struct lyd_node *alarm = lyd_parent(call->request);
    struct alarm_id id = {leaf_value(alarm, "resource"),
                          bare_type(leaf_value(alarm, "alarm-type-id")),
                          leaf_value(alarm, "alarm-type-qualifier")};
    struct alarm_action action = {.time = alarm_time(NULL, clock_now()),
                                  .state = state_of(leaf_value(call->request, "state")),
                                  .who = (char *)call->origin->user,
                                  .text = (char *)leaf_value(call->request, "text")};
    enum outcome outcome = alarms_act(backend->agent->alarms, &id, &action, &call->error);
    if (outcome == REFUSED)
        call->error.path = lyd_path(alarm, LYD_PATH_STD, NULL, 0);
    call_done(call, outcome);
}

/* purge-alarms */

/* What is to be purged. */
struct purge {
    const struct lyd_node *request;
    int64_t before; /* only what changed before, or 0 */
};

static int64_t age_of(const struct lyd_node *older)
{
    static const struct {
        const char *leaf;
        int64_t seconds;
    } units[] = {
        {"seconds", 1}, {"minutes", 60}, {"hours", 3600}, {"days", 86400}, {"weeks", 604800}};
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        const char *value = leaf_value(older, units[i].leaf);
        if (value)
            return strtoll(value, NULL, 10) * units[i].seconds * INT64_C(1000000000);
    }
    return 0;
}

static bool has_severity(const struct alarm *alarm, const struct lyd_node *filter)
{
    const char *below = leaf_value(filter, "below"), *is = leaf_value(filter, "is");
    const char *above = leaf_value(filter, "above");
    int severity = (int)alarm->severity;
    return (!below || severity < alarm_severity_of(below)) &&
           (!is || severity == alarm_severity_of(is)) &&
           (!above || severity > alarm_severity_of(above));
}

static bool has_operator(const struct alarm *alarm, const struct lyd_node *filter)
{
    const struct alarm_action *last =
        alarm->action_count ? &alarm->actions[alarm->action_count - 1] : NULL;
    const char *state = leaf_value(filter, "state"), *user = leaf_value(filter, "user");
    const char *is = alarm_operator_state_name(last ? last->state : ALARM_NONE);
    return (!state || !strcmp(state, is)) && (!user || (last && !strcmp(user, last->who)));
}

static bool is_unwanted(const struct alarm *alarm, void *arg)
{
    const struct purge *purge = arg;
    const char *clearance = leaf_value(purge->request, "alarm-clearance-status");
    const struct lyd_node *severity = child_node(purge->request, "severity");
    const struct lyd_node *person = child_node(purge->request, "operator-state-filter");
    if (strcmp(clearance, "any") != 0 && alarm->cleared != !strcmp(clearance, "cleared"))
        return false;
    return (!purge->before || alarm_last(alarm)->time < purge->before) &&
           (!severity || has_severity(alarm, severity)) && (!person || has_operator(alarm, person));
}

void alarm_purge(struct backend *backend, struct backend_call *call)
{
    struct purge purge = {.request = call->request};
    const struct lyd_node *older = child_node(call->request, "older-than");
    if (older)
        purge.before = clock_now() - age_of(older);
    answer_count(call, "purged-alarms", alarms_purge(backend->agent->alarms, is_unwanted, &purge));
}

/* compress-alarms */

static bool is_wanted(const struct alarm *alarm, void *arg)
{
    const struct lyd_node *request = arg;
    const char *resource = leaf_value(request, "resource");
    const char *type = bare_type(leaf_value(request, "alarm-type-id"));
    const char *qualifier = leaf_value(request, "alarm-type-qualifier");
    return (!resource || !strcmp(resource, alarm->resource)) &&
           (!type || !strcmp(type, alarm->type)) &&
           (!qualifier || !strcmp(qualifier, alarm->qualifier));
}

void alarm_compress(struct backend *backend, struct backend_call *call)
{
    answer_count(call, "compressed-alarms",
                 alarms_compress(backend->agent->alarms, is_wanted, (void *)call->request));
}
