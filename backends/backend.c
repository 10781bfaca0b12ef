/*
 * What every backend uses: its status, and how it adds state to a reader's tree.
 */
#include "backends/backend.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/clock.h"
#include "agent/event/alarms.h"
#include "agent/event/notices.h"
#include "agent/log.h"
#include "agent/status.h"
#include "agent/steering/standing.h"

/* Takes reason. */
static bool set_status(struct backend *backend, bool up, char *reason)
{
    uv_mutex_lock(&backend->lock);
    bool same_reason =
        reason && backend->reason ? !strcmp(reason, backend->reason) : reason == backend->reason;
    bool news = !backend->last_change || backend->up != up || !same_reason;
    if (!backend->last_change || backend->up != up)
        backend->last_change = clock_now();
    free(backend->reason);
    backend->up = up;
    backend->reason = reason;
    uv_mutex_unlock(&backend->lock);
    return news;
}

/* Raise the alarm that a backend is down, or clear it. */
static void set_alarm(struct backend *backend, const char *reason)
{
    char resource[128];
    struct alarm_id id = {.resource = resource, .type = "backend-down"};
    snprintf(resource, sizeof(resource), "/noria-agent:agent/backend[name='%s']",
             backend->ops->name);
    if (reason)
        alarm_raise(backend->agent, &id, ALARM_MAJOR, "%s", reason);
    else
        alarm_clear(backend->agent, &id, NULL);
}

void backend_report_up(struct backend *backend)
{
    if (!set_status(backend, true, NULL))
        return;
    standing_set(backend->agent, STANDING_BACKEND, backend->ops->name, 1);
    log_notice(AREA_AGENT, "backend %s is up", backend->ops->name);
    set_alarm(backend, NULL);
    event_backend_status(backend->agent, backend->ops->name, true, NULL);
    status_tell(backend->agent);
}

void backend_report_down(struct backend *backend, const char *format, ...)
{
    char *reason;
    va_list args;
    va_start(args, format);
    if (vasprintf(&reason, format, args) < 0)
        reason = NULL;
    va_end(args);
    char *copy = reason ? strdup(reason) : NULL;
    if (set_status(backend, false, reason)) {
        standing_set(backend->agent, STANDING_BACKEND, backend->ops->name, 0);
        log_warning(AREA_AGENT, "backend %s is down: %s", backend->ops->name, copy ? copy : "?");
        event_backend_status(backend->agent, backend->ops->name, false, copy);
        set_alarm(backend, copy ? copy : "The reason is not known.");
        status_tell(backend->agent);
    }
    free(copy);
}

/* The container of a name, which need not end with a zero, below a node; made if it is not there.
 */
static struct lyd_node *container_of(struct lyd_node *node, const char *name, size_t length)
{
    char made[64];
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (child->schema && !strncmp(child->schema->name, name, length) &&
            !child->schema->name[length])
            return child;
    }
    snprintf(made, sizeof(made), "%.*s", (int)length, name);
    return lyd_new_inner(node, NULL, made, 0, &child) ? NULL : child;
}

/* @param make How libyang makes a leaf of a text: lyd_new_term() or lyd_new_term_canon(). */
static enum outcome add_leaf(struct lyd_node *node, const char *name, const char *value,
                             LY_ERR (*make)(struct lyd_node *, const struct lys_module *,
                                            const char *, const char *, ly_bool,
                                            struct lyd_node **),
                             struct error *err)
{
    const char *slash;
    while ((slash = strchr(name, '/'))) {
        node = container_of(node, name, (size_t)(slash - name));
        if (!node)
            return fail_memory(err);
        name = slash + 1;
    }
    if (make(node, NULL, name, value, 0, NULL))
        return fail(err, TAG_OPERATION_FAILED, NULL, "The state %s cannot hold \"%s\".", name,
                    value);
    return DONE;
}

enum outcome state_add(struct lyd_node *node, const char *name, const char *value,
                       struct error *err)
{
    return add_leaf(node, name, value, lyd_new_term, err);
}

enum outcome state_add_number(struct lyd_node *node, const char *name, uint64_t value,
                              struct error *err)
{
    /* A large read makes 100,000s of these: no printf() here, and none in libyang after it. */
    char text[24], *at = text + sizeof(text);
    *--at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while (value /= 10);
    return add_leaf(node, name, at, lyd_new_term_canon, err);
}

enum outcome state_add_time(struct lyd_node *node, const char *name, int64_t nanoseconds,
                            struct error *err)
{
    char text[CLOCK_TEXT_SIZE];
    return state_add(node, name, clock_text(nanoseconds, text), err);
}
