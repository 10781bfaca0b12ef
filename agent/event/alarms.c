/*
 * Alarms: raising and clearing.
 */
#include "agent/event/alarms.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarm_internal.h"
#include "agent/event/alarm_text.h"
#include "agent/event/event.h"
#include "agent/log.h"

/* Which changes are told. */

static bool crosses(const struct alarm *before, const struct alarm *after, int level)
{
    bool was = before && !before->cleared && (int)before->severity >= level;
    return after->cleared || was || (int)after->severity >= level;
}

static bool is_told(const struct alarm_control *control, const struct alarm *before,
                    const struct alarm *after)
{
    bool turned = !before || before->cleared != after->cleared;
    switch (control->notify) {
    case ALARM_NOTIFY_ALL:
        return true;
    case ALARM_NOTIFY_RAISE_AND_CLEAR:
        return turned;
    case ALARM_NOTIFY_LEVEL:
        return crosses(before, after, (int)control->level);
    }
    return true;
}

static void write_log(const struct alarm *alarm)
{
    const char *gap = *alarm->qualifier ? " " : "";
    if (alarm->cleared)
        log_notice(AREA_EVENT, "alarm %s%s%s of %s is over", alarm->type, gap, alarm->qualifier,
                   alarm->resource);
    else
        log_warning(AREA_EVENT, "%s alarm %s%s%s of %s: %s", alarm_severity_name(alarm->severity),
                    alarm->type, gap, alarm->qualifier, alarm->resource, alarm_last(alarm)->text);
}

/* The list. All with the lock. */

static int by_change(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static bool is_old(const struct alarm *alarm, void *arg)
{
    return alarm->cleared && alarm_last(alarm)->time <= *(const int64_t *)arg;
}

/* Many at a time, so that it is seldom done. */
static void drop_oldest_cleared(struct alarm_list *list)
{
    int64_t *times = malloc((list->cleared + 1) * sizeof(*times));
    size_t count = 0;
    if (!times)
        return;
    for (size_t i = 0; i < list->count; i++)
        if (list->alarms[i]->cleared)
            times[count++] = alarm_last(list->alarms[i])->time;
    qsort(times, count, sizeof(*times), by_change);
    int64_t limit = times[count / 2];
    free(times);
    size_t gone = alarm_list_remove(list, is_old, &limit);
    log_notice(AREA_EVENT, "purged the %zu oldest of %zu cleared alarms", gone, count);
}

/* Put a new version in place, and tell of it. Takes it. */
static void publish(struct alarms *alarms, const struct alarm *before, struct alarm *after)
{
    bool told = is_told(&alarms->control, before, after);
    alarms->last_changed = alarm_last(after)->time;
    alarms->changed = true;
    write_log(after);
    if (told)
        event_emit(alarms->agent, alarm_tree_notification(alarms->agent->schema->ctx, after));
    alarm_list_put(&alarms->list, after);
    if (alarms->list.cleared > ALARM_CLEARED_MAX)
        drop_oldest_cleared(&alarms->list);
}

/* Change an alarm, or raise one that is not there. Returns whether anything is new. */
static bool change(struct alarms *alarms, const struct alarm_id *id, int severity, const char *text)
{
    struct alarm **place = alarm_list_find(&alarms->list, id);
    const struct alarm *before = place ? *place : NULL;
    if (place)
        (*place)->recalled = false;
    if (severity == ALARM_CLEARED
            ? !before || before->cleared
            : before && !before->cleared && (int)before->severity == severity &&
                  !strcmp(alarm_last(before)->text, text))
        return false;
    struct alarm *after =
        before ? alarm_copy(before, alarms->control.history - 1) : alarm_new(id, clock_now());
    int64_t time = alarm_time(before, clock_now());
    if (!after || !alarm_add_change(after, time, severity, text)) {
        log_error(AREA_EVENT, "alarm %s of %s is lost: no memory", id->type, id->resource);
        alarm_unref(after);
        return false;
    }
    if (severity != ALARM_CLEARED && (!before || before->cleared))
        after->raised = time;
    if (severity != ALARM_CLEARED)
        after->severity = (enum alarm_severity)severity;
    after->cleared = severity == ALARM_CLEARED;
    publish(alarms, before, after);
    return true;
}

/* What others call. */

static void change_and_store(struct alarms *alarms, const struct alarm_id *id, int severity,
                             const char *text)
{
    char clean[ALARM_TEXT_MAX * 2];
    snprintf(clean, sizeof(clean), "%s", text);
    alarm_text_clean(clean);
    uv_mutex_lock(&alarms->lock);
    bool news = change(alarms, id, severity, clean);
    uv_mutex_unlock(&alarms->lock);
    if (news)
        alarm_store_later(alarms);
}

void alarm_raise(struct agent *agent, const struct alarm_id *id, enum alarm_severity severity,
                 const char *format, ...)
{
    char *text;
    va_list args;
    if (!agent || !agent->alarms)
        return;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    change_and_store(agent->alarms, id, (int)severity, text ? text : "");
    free(text);
}

void alarm_clear(struct agent *agent, const struct alarm_id *id, const char *text)
{
    if (agent && agent->alarms)
        change_and_store(agent->alarms, id, ALARM_CLEARED, text ? text : "It is over.");
}

static bool is_below(const struct alarm *alarm, const void *arg)
{
    const char *resource = alarm->resource, *above = arg;
    size_t length = strlen(above);
    return !strncmp(resource, above, length) &&
           (!resource[length] || resource[length] == '/' || resource[length] == '[');
}

void alarm_clear_resource(struct agent *agent, const char *resource)
{
    if (agent && agent->alarms)
        alarms_clear_those(agent->alarms, is_below, resource, "It was deleted.");
}

/* Of other types somebody may speak just now. */
static bool is_left(const struct alarm *alarm, const void *arg)
{
    return !strcmp(alarm->type, arg) && alarm->recalled;
}

void alarm_clear_left(struct agent *agent, const char *type)
{
    if (agent && agent->alarms)
        alarms_clear_those(agent->alarms, is_left, type, "It is not looked for any more.");
}

/* What the other files call. */

struct alarm **alarms_take(struct alarms *alarms, size_t *count, int64_t *last_changed)
{
    uv_mutex_lock(&alarms->lock);
    *count = alarms->list.count;
    *last_changed = alarms->last_changed;
    struct alarm **taken = malloc((*count + 1) * sizeof(struct alarm *));
    for (size_t i = 0; taken && i < *count; i++)
        taken[i] = alarm_ref(alarms->list.alarms[i]);
    uv_mutex_unlock(&alarms->lock);
    return taken;
}

void alarms_give_back(struct alarm **taken, size_t count)
{
    for (size_t i = 0; taken && i < count; i++)
        alarm_unref(taken[i]);
    free(taken);
}

void alarms_set_control(struct alarms *alarms, const struct alarm_control *control)
{
    uv_mutex_lock(&alarms->lock);
    alarms->control = *control;
    uv_mutex_unlock(&alarms->lock);
}

void alarms_clear_those(struct alarms *alarms,
                        bool (*over)(const struct alarm *alarm, const void *arg), const void *arg,
                        const char *text)
{
    size_t count;
    struct alarm **taken = alarms_take(alarms, &count, &(int64_t){0});
    for (size_t i = 0; taken && i < count; i++) {
        struct alarm_id id = {taken[i]->resource, taken[i]->type, taken[i]->qualifier};
        if (!taken[i]->cleared && over(taken[i], arg))
            change_and_store(alarms, &id, ALARM_CLEARED, text);
    }
    if (taken)
        alarms_give_back(taken, count);
}

/* A version of an alarm with what an operator said; NULL for want of memory. */
static struct alarm *with_action(const struct alarms *alarms, const struct alarm *before,
                                 const struct alarm_action *action)
{
    struct alarm *after = alarm_copy(before, alarms->control.history);
    struct alarm_action own = *action;
    if (!after)
        return NULL;
    if (after->action_count && own.time <= after->actions[after->action_count - 1].time)
        own.time = after->actions[after->action_count - 1].time + 1000000;
    if (alarm_add_action(after, &own))
        return after;
    alarm_unref(after);
    return NULL;
}

enum outcome alarms_act(struct alarms *alarms, const struct alarm_id *id,
                        const struct alarm_action *action, struct error *err)
{
    enum outcome outcome = DONE;
    uv_mutex_lock(&alarms->lock);
    struct alarm **place = alarm_list_find(&alarms->list, id);
    struct alarm *after = place ? with_action(alarms, *place, action) : NULL;
    if (!place) {
        outcome = refuse(err, TAG_DATA_MISSING, NULL,
                         "There is no such alarm: it was purged, or never raised.");
    } else if (!after) {
        outcome = fail_memory(err);
    } else {
        alarms->last_changed = after->actions[after->action_count - 1].time;
        alarms->changed = true;
        event_emit(alarms->agent, alarm_tree_action(alarms->agent->schema->ctx, after));
        alarm_list_put(&alarms->list, after);
    }
    uv_mutex_unlock(&alarms->lock);
    if (outcome == DONE)
        alarm_store_later(alarms);
    return outcome;
}

size_t alarms_purge(struct alarms *alarms, bool (*unwanted)(const struct alarm *alarm, void *arg),
                    void *arg)
{
    uv_mutex_lock(&alarms->lock);
    size_t count = alarm_list_remove(&alarms->list, unwanted, arg);
    alarms->last_changed = count ? alarm_time(NULL, clock_now()) : alarms->last_changed;
    alarms->changed = alarms->changed || count;
    uv_mutex_unlock(&alarms->lock);
    if (count)
        alarm_store_later(alarms);
    return count;
}

size_t alarms_compress(struct alarms *alarms, bool (*wanted)(const struct alarm *alarm, void *arg),
                       void *arg)
{
    size_t compressed = 0;
    uv_mutex_lock(&alarms->lock);
    for (size_t i = 0; i < alarms->list.count; i++) {
        struct alarm *before = alarms->list.alarms[i], *after;
        if (before->change_count < 2 || !wanted(before, arg) || !(after = alarm_copy(before, 1)))
            continue;
        alarms->list.alarms[i] = after;
        alarm_unref(before);
        compressed++;
    }
    alarms->changed = alarms->changed || compressed;
    uv_mutex_unlock(&alarms->lock);
    if (compressed)
        alarm_store_later(alarms);
    return compressed;
}

/* Start and stop. */

enum outcome alarms_start(struct agent *agent, struct error *err)
{
    struct alarms *alarms = calloc(1, sizeof(*alarms));
    if (!alarms)
        return fail_memory(err);
    alarms->agent = agent;
    alarms->control = (struct alarm_control){.history = 32};
    uv_mutex_init(&alarms->lock);
    alarm_store_open(alarms);
    agent->alarms = alarms;
    return DONE;
}

void alarms_stop(struct agent *agent)
{
    struct alarms *alarms = agent->alarms;
    if (!alarms)
        return;
    agent->alarms = NULL;
    alarm_store_close(alarms);
}
