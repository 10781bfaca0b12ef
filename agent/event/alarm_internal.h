/*
 * The inside of alarms, for the files that make them up.
 */
#ifndef NORIA_EVENT_ALARM_INTERNAL_H
#define NORIA_EVENT_ALARM_INTERNAL_H

#include <libyang/libyang.h>
#include <uv.h>

#include "agent/agent.h"
#include "agent/event/alarm_list.h"

/** Name of the file in the state folder: an alarm-list as ietf-alarms has it. */
#define ALARM_FILE "alarms"

/** Cleared alarms that are kept at most; then the oldest are purged. */
#define ALARM_CLEARED_MAX 4096

/** What an operator says of one alarm is kept so many times. */
#define ALARM_ACTIONS_MAX 32

/** Which changes are told (RFC 8632, notify-status-changes). */
enum alarm_notify { ALARM_NOTIFY_ALL, ALARM_NOTIFY_RAISE_AND_CLEAR, ALARM_NOTIFY_LEVEL };

/** The configuration (RFC 8632, control). */
struct alarm_control {
    size_t history; /**< Changes that are kept of each alarm. */
    enum alarm_notify notify;
    enum alarm_severity level; /**< For ALARM_NOTIFY_LEVEL. */
};

/** The service. */
struct alarms {
    struct agent *agent;
    uv_mutex_t lock; /**< Guards the next four. */
    struct alarm_list list;
    struct alarm_control control;
    int64_t last_changed; /**< Of the list, or 0. */
    bool changed;         /**< Since it was last stored. */
    atomic_bool posted;   /**< The core thread has been told so. */

    /* Core thread: */
    uv_timer_t store_due;
    uv_work_t store_work;
    bool storing, stopping;
};

/* alarms.c */

/** Take a configuration over. Core thread. */
void alarms_set_control(struct alarms *alarms, const struct alarm_control *control);

/** Clear those active ones of which a function says so. */
void alarms_clear_those(struct alarms *alarms,
                        bool (*over)(const struct alarm *alarm, const void *arg), const void *arg,
                        const char *text);

/** Note what an operator says of an alarm, and tell it. @return REFUSED if there is no such one. */
enum outcome alarms_act(struct alarms *alarms, const struct alarm_id *id,
                        const struct alarm_action *action, struct error *err);

/** Remove alarms of which a function says so. @return How many. Core thread. */
size_t alarms_purge(struct alarms *alarms, bool (*unwanted)(const struct alarm *alarm, void *arg),
                    void *arg);

/** Leave only the latest change of those of which a function says so. @return How many changed. */
size_t alarms_compress(struct alarms *alarms, bool (*wanted)(const struct alarm *alarm, void *arg),
                       void *arg);

/* alarm_tree.c */

/** The name of a severity, "major", or "cleared". A static string. */
const char *alarm_severity_name(int severity);

/** The severity of a name; 0 if there is none. */
int alarm_severity_of(const char *name);

/** The name of an operator's state, "ack". A static string. */
const char *alarm_operator_state_name(enum alarm_operator_state state);

/** Add alarm-list, alarm-inventory and summary to the container alarms. Any thread. */
enum outcome alarm_tree_add(struct lyd_node *top, struct alarm *const *alarms, size_t count,
                            int64_t last_changed, struct error *err);

/** Add alarm-list alone. */
enum outcome alarm_tree_add_list(struct lyd_node *top, struct alarm *const *alarms, size_t count,
                                 int64_t last_changed, struct error *err);

/** The alarm of a node of the list; NULL if it lacks something or for want of memory. */
struct alarm *alarm_tree_read(const struct lyd_node *node);

/** The notification of a change of an alarm, its last one. To be freed; NULL for want of memory. */
struct lyd_node *alarm_tree_notification(const struct ly_ctx *ctx, const struct alarm *alarm);

/** The notification of an operator's action, an alarm's last one, in its tree (its top). */
struct lyd_node *alarm_tree_action(const struct ly_ctx *ctx, const struct alarm *alarm);

/* alarm_store.c */

/** Read what is stored, and be ready to store. Core thread. */
void alarm_store_open(struct alarms *alarms);

/** Store soon. Any thread. */
void alarm_store_later(struct alarms *alarms);

/** Store what is not yet, now, and end. Core thread; the loop must run out afterwards. */
void alarm_store_close(struct alarms *alarms);

#endif
