/*
 * The list of alarms.
 */
#include "agent/event/alarm_list.h"

#include <stdlib.h>
#include <string.h>

#include "agent/array.h"

#define MILLISECOND INT64_C(1000000)

/* Versions. */

struct alarm *alarm_ref(struct alarm *alarm)
{
    atomic_fetch_add(&alarm->refs, 1);
    return alarm;
}

void alarm_unref(struct alarm *alarm)
{
    if (!alarm || atomic_fetch_sub(&alarm->refs, 1) != 1)
        return;
    for (size_t i = 0; i < alarm->change_count; i++)
        free(alarm->changes[i].text);
    for (size_t i = 0; i < alarm->action_count; i++) {
        free(alarm->actions[i].who);
        free(alarm->actions[i].text);
    }
    free(alarm->changes);
    free(alarm->actions);
    free(alarm->resource);
    free(alarm->type);
    free(alarm->qualifier);
    free(alarm);
}

struct alarm *alarm_new(const struct alarm_id *id, int64_t now)
{
    struct alarm *alarm = calloc(1, sizeof(*alarm));
    if (!alarm)
        return NULL;
    atomic_init(&alarm->refs, 1);
    alarm->created = alarm->raised = alarm_time(NULL, now);
    alarm->severity = ALARM_INDETERMINATE;
    alarm->resource = strdup(id->resource);
    alarm->type = strdup(id->type);
    alarm->qualifier = strdup(id->qualifier ? id->qualifier : "");
    if (alarm->resource && alarm->type && alarm->qualifier)
        return alarm;
    alarm_unref(alarm);
    return NULL;
}

bool alarm_add_change(struct alarm *alarm, int64_t time, int severity, const char *text)
{
    struct alarm_change *more =
        realloc(alarm->changes, (alarm->change_count + 1) * sizeof(*alarm->changes));
    if (!more)
        return false;
    alarm->changes = more;
    more[alarm->change_count] = (struct alarm_change){time, severity, strdup(text)};
    if (!more[alarm->change_count].text)
        return false;
    alarm->change_count++;
    return true;
}

bool alarm_add_action(struct alarm *alarm, const struct alarm_action *action)
{
    struct alarm_action *more =
        realloc(alarm->actions, (alarm->action_count + 1) * sizeof(*alarm->actions));
    if (!more)
        return false;
    alarm->actions = more;
    struct alarm_action *own = &more[alarm->action_count++];
    *own = *action;
    own->who = strdup(action->who);
    own->text = action->text ? strdup(action->text) : NULL;
    return own->who && (own->text || !action->text);
}

struct alarm *alarm_copy(const struct alarm *from, size_t limit)
{
    struct alarm_id id = {from->resource, from->type, from->qualifier};
    struct alarm *copy = alarm_new(&id, from->created);
    size_t change = from->change_count > limit ? from->change_count - limit : 0;
    size_t action = from->action_count > limit ? from->action_count - limit : 0;
    if (!copy)
        return NULL;
    copy->number = from->number;
    copy->raised = from->raised;
    copy->cleared = from->cleared;
    copy->severity = from->severity;
    bool whole = true;
    for (; change < from->change_count && whole; change++)
        whole = alarm_add_change(copy, from->changes[change].time, from->changes[change].severity,
                                 from->changes[change].text);
    for (; action < from->action_count && whole; action++)
        whole = alarm_add_action(copy, &from->actions[action]);
    if (whole)
        return copy;
    alarm_unref(copy);
    return NULL;
}

const struct alarm_change *alarm_last(const struct alarm *alarm)
{
    return &alarm->changes[alarm->change_count - 1];
}

int64_t alarm_time(const struct alarm *alarm, int64_t now)
{
    int64_t time = now - now % MILLISECOND;
    if (alarm && alarm->change_count && time <= alarm_last(alarm)->time)
        time = alarm_last(alarm)->time + MILLISECOND;
    return time;
}

/* The list. */

static size_t hash_text(size_t hash, const char *text)
{
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 1099511628211U;
    return (hash ^ 0xff) * 1099511628211U;
}

static size_t hash_id(const struct alarm_id *id)
{
    size_t hash = hash_text(14695981039346656037U, id->resource);
    return hash_text(hash_text(hash, id->type), id->qualifier ? id->qualifier : "");
}

static bool is(const struct alarm *alarm, const struct alarm_id *id)
{
    return !strcmp(alarm->resource, id->resource) && !strcmp(alarm->type, id->type) &&
           !strcmp(alarm->qualifier, id->qualifier ? id->qualifier : "");
}

/* The slot that an alarm is in, or is to be put in. */
static size_t *slot_of(const struct alarm_list *list, const struct alarm_id *id)
{
    size_t at = hash_id(id) & (list->slot_count - 1);
    while (list->slots[at] && !is(list->alarms[list->slots[at] - 1], id))
        at = (at + 1) & (list->slot_count - 1);
    return &list->slots[at];
}

struct alarm **alarm_list_find(const struct alarm_list *list, const struct alarm_id *id)
{
    size_t place = list->slot_count ? *slot_of(list, id) : 0;
    return place ? &list->alarms[place - 1] : NULL;
}

/* Make the hash table anew, with room for more. */
static bool index_again(struct alarm_list *list)
{
    size_t count = 64;
    while (count < 2 * (list->count + 1))
        count *= 2;
    size_t *slots = calloc(count, sizeof(*slots));
    if (!slots)
        return false;
    free(list->slots);
    list->slots = slots;
    list->slot_count = count;
    for (size_t i = 0; i < list->count; i++) {
        const struct alarm *alarm = list->alarms[i];
        struct alarm_id id = {alarm->resource, alarm->type, alarm->qualifier};
        *slot_of(list, &id) = i + 1;
    }
    return true;
}

bool alarm_list_put(struct alarm_list *list, struct alarm *alarm)
{
    struct alarm_id id = {alarm->resource, alarm->type, alarm->qualifier};
    struct alarm **place = alarm_list_find(list, &id);
    if (place) {
        list->cleared += alarm->cleared;
        list->cleared -= (*place)->cleared;
        alarm_unref(*place);
        *place = alarm;
        return true;
    }
    if (!array_grow(&list->alarms, list->count, &list->room, sizeof(*list->alarms)) ||
        (2 * (list->count + 1) > list->slot_count && !index_again(list))) {
        alarm_unref(alarm);
        return false;
    }
    if (!alarm->number)
        alarm->number = list->last_number + 1;
    if (list->last_number < alarm->number)
        list->last_number = alarm->number;
    list->alarms[list->count++] = alarm;
    list->cleared += alarm->cleared;
    *slot_of(list, &id) = list->count;
    return true;
}

size_t alarm_list_remove(struct alarm_list *list,
                         bool (*unwanted)(const struct alarm *alarm, void *arg), void *arg)
{
    size_t kept = 0, count = list->count;
    for (size_t i = 0; i < count; i++) {
        struct alarm *alarm = list->alarms[i];
        if (!unwanted(alarm, arg)) {
            list->alarms[kept++] = alarm;
            continue;
        }
        list->cleared -= alarm->cleared;
        alarm_unref(alarm);
    }
    list->count = kept;
    /* Without memory for a smaller table the old one, made anew in place, will do. */
    if (kept < count && !index_again(list)) {
        memset(list->slots, 0, list->slot_count * sizeof(*list->slots));
        for (size_t i = 0; i < kept; i++) {
            struct alarm *alarm = list->alarms[i];
            struct alarm_id id = {alarm->resource, alarm->type, alarm->qualifier};
            *slot_of(list, &id) = i + 1;
        }
    }
    return count - kept;
}

void alarm_list_clear(struct alarm_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        alarm_unref(list->alarms[i]);
    free(list->alarms);
    free(list->slots);
    *list = (struct alarm_list){0};
}
