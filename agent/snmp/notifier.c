/*
 * The notifier.
 */
#include "agent/snmp/notifier.h"

#include <net-snmp/agent/net-snmp-agent-includes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "agent/event/event.h"
#include "agent/log.h"
#include "agent/snmp/foreign_notification.h"
#include "agent/snmp/keepalived_trap.h"
#include "agent/snmp/notification.h"
#include "agent/snmp/notification_log.h"

/* So many seconds' worth may be sent at once after a time of silence. */
#define BURST_SECONDS 5

/* Informs that wait for one target: what it does not confirm is not gathered without end. */
#define WAITING_MAX 1000

/* Past events that are read for the log before requests have their turn again. */
#define REPLAYED_AT_ONCE 200

#define NANOSECONDS UINT64_C(1000000000)

static const oid notifications[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1, 0};
static const oid objects[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1, 1, 8};
static const oid up_time[] = {1, 3, 6, 1, 2, 1, 1, 3, 0};
static const oid trap_oid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
static const oid cold_start[] = {1, 3, 6, 1, 6, 3, 1, 1, 5, 1};

/* A destination at work. */
struct sink {
    netsnmp_session *session;
    char *name;     /* Owned. */
    char *identity; /* As snmp_destination_identity() says. A secret. Owned. */
    bool inform;
    bool lost;        /* What was sent last did not arrive, as far as is known; said once. */
    unsigned waiting; /* Informs that are not confirmed yet, nor given up. */
    unsigned left_out;
};

struct snmp_notifier {
    struct agent *agent;
    struct event_subscriber *subscriber;
    int wake; /* The caller's. */
    struct snmp_log *log;
    struct event_replay *replay; /* Past events that are not yet in the log; NULL: none. */
    struct sink **sinks;         /* Owned; sessions that wait for answers know them. */
    size_t count;
    bool subagent;   /* The master agent sends. */
    bool started;    /* The start was told. */
    unsigned rate;   /* A second. */
    unsigned kinds;  /* Of foreign notifications: enum snmp_foreign. */
    uint64_t filled; /* When there was last added to what may be sent, by uv_hrtime(). */
    uint64_t credit; /* What may be sent, in notifications times nanoseconds. */
    uint64_t suppressed;
};

struct snmp_notifier *snmp_notifier_new(struct agent *agent, int wake)
{
    struct snmp_notifier *notifier = calloc(1, sizeof(*notifier));
    if (!notifier)
        return NULL;
    notifier->agent = agent;
    notifier->wake = wake;
    notifier->log = snmp_log_new();
    notifier->subscriber = notifier->log ? event_subscribe(agent, "SNMP", wake) : NULL;
    if (!notifier->subscriber) {
        snmp_log_free(notifier->log);
        free(notifier);
        return NULL;
    }
    notifier->replay = event_replay_new(notifier->subscriber);
    return notifier;
}

void snmp_notifier_register(struct snmp_notifier *notifier, const struct snmp_engine_id *id)
{
    snmp_log_register(notifier->log, id);
}

static void forget(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

static void close_sink(struct sink *sink)
{
    if (!sink)
        return;
    if (sink->session)
        snmp_close(sink->session);
    forget(sink->identity);
    free(sink->name);
    free(sink);
}

void snmp_notifier_close(struct snmp_notifier *notifier)
{
    if (!notifier)
        return;
    for (size_t i = 0; i < notifier->count; i++)
        close_sink(notifier->sinks[i]);
    free(notifier->sinks);
    notifier->sinks = NULL;
    notifier->count = 0;
    notifier->subagent = false;
}

void snmp_notifier_free(struct snmp_notifier *notifier)
{
    if (!notifier)
        return;
    event_replay_free(notifier->replay);
    event_unsubscribe(notifier->subscriber);
    snmp_log_free(notifier->log);
    free(notifier);
}

/* Sending. */

/* @param reason Why what was sent last is lost; NULL: it is not. */
static void note_loss(struct sink *sink, const char *reason)
{
    if (reason && !sink->lost)
        log_warning(AREA_SNMP, "the target %s does not get notifications: %s", sink->name, reason);
    else if (!reason && sink->lost)
        log_notice(AREA_SNMP, "the target %s gets notifications again", sink->name);
    if (!reason && sink->left_out)
        log_notice(AREA_SNMP, "%u notifications were not sent to the target %s", sink->left_out,
                   sink->name);
    sink->left_out = reason ? sink->left_out : 0;
    sink->lost = reason;
}

/*
 * The answer to an inform, or that there is none. Of version 3 it may be a report: it says what the
 * target has against the inform, or only what time it is there, and Net-SNMP sends again.
 */
static int on_answer(int operation, netsnmp_session *session, int request, netsnmp_pdu *pdu,
                     void *magic)
{
    struct sink *sink = magic;
    const char *reason = NULL;
    if (operation == NETSNMP_CALLBACK_OP_TIMED_OUT) {
        reason = "it does not confirm them";
    } else if (operation != NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE) {
        return 1;
    } else if (pdu->command == SNMP_MSG_REPORT) {
        int report = snmpv3_get_report_type(pdu);
        if (report == SNMPERR_NOT_IN_TIME_WINDOW)
            return 1;
        reason = snmp_api_errstring(report);
    }
    sink->waiting -= sink->waiting > 0;
    note_loss(sink, reason);
    return 1;
}

static void send_to(struct sink *sink, netsnmp_variable_list *variables)
{
    if (sink->inform && sink->waiting >= WAITING_MAX) {
        note_loss(sink, "it confirms them too late");
        sink->left_out++;
        return;
    }
    netsnmp_pdu *pdu = snmp_pdu_create(sink->inform ? SNMP_MSG_INFORM : SNMP_MSG_TRAP2);
    if (!pdu)
        return;
    pdu->variables = snmp_clone_varbind(variables);
    int sent = sink->inform ? snmp_async_send(sink->session, pdu, on_answer, sink)
                            : snmp_send(sink->session, pdu);
    if (!sent) {
        note_loss(sink, snmp_api_errstring(sink->session->s_snmp_errno));
        snmp_free_pdu(pdu);
    } else if (sink->inform) {
        sink->waiting++;
    } else {
        note_loss(sink, NULL);
    }
}

/* Takes the variables, which begin with snmpTrapOID. */
static void send_all(struct snmp_notifier *notifier, netsnmp_variable_list *variables)
{
    long now = (long)(uint32_t)netsnmp_get_agent_uptime();
    netsnmp_variable_list *whole = NULL;
    if (notifier->subagent)
        send_v2trap(variables);
    snmp_varlist_add_variable(&whole, up_time, sizeof(up_time) / sizeof(oid), ASN_TIMETICKS, &now,
                              sizeof(now));
    if (whole) {
        whole->next_variable = variables;
        for (size_t i = 0; i < notifier->count; i++)
            send_to(notifier->sinks[i], whole);
        whole->next_variable = NULL;
    }
    snmp_free_varbind(whole);
    snmp_free_varbind(variables);
}

static netsnmp_variable_list *begin(const oid *name, size_t length)
{
    netsnmp_variable_list *variables = NULL;
    snmp_varlist_add_variable(&variables, trap_oid, sizeof(trap_oid) / sizeof(oid), ASN_OBJECT_ID,
                              name, length * sizeof(oid));
    return variables;
}

static netsnmp_variable_list *begin_own(unsigned id)
{
    oid name[sizeof(notifications) / sizeof(oid) + 1];
    memcpy(name, notifications, sizeof(notifications));
    name[sizeof(notifications) / sizeof(oid)] = id;
    return begin(name, sizeof(name) / sizeof(oid));
}

static void add_named(netsnmp_variable_list **variables, const oid *name, size_t length,
                      enum snmp_kind kind, const struct snmp_value *value)
{
    long number = (long)(value->number > UINT32_MAX ? UINT32_MAX : value->number);
    if (snmp_kind_is_text(kind))
        snmp_varlist_add_variable(variables, name, length, snmp_kind_type(kind), value->text,
                                  value->length);
    else
        snmp_varlist_add_variable(variables, name, length, snmp_kind_type(kind), &number,
                                  sizeof(number));
}

static void add(netsnmp_variable_list **variables, unsigned id, enum snmp_kind kind,
                const struct snmp_value *value)
{
    size_t length = sizeof(objects) / sizeof(oid);
    oid name[sizeof(objects) / sizeof(oid) + 2];
    memcpy(name, objects, sizeof(objects));
    name[length++] = id;
    name[length++] = 0;
    add_named(variables, name, length, kind, value);
}

static bool value_of(const struct snmp_notified *object, const struct lyd_node *event,
                     struct snmp_value *value)
{
    struct lyd_node *leaf = NULL;
    const char *const paths[] = {object->leaf, object->other};
    for (size_t i = 0; i < 2 && paths[i]; i++)
        if (lyd_find_path(event, paths[i], 0, &leaf) == LY_SUCCESS)
            return snmp_value_of(object->kind, leaf, value);
    return false;
}

/* All objects of a notification must be there (RFC 2578, 8.1): what is not known is 0 or empty. */
static netsnmp_variable_list *make(const struct snmp_notification *notification,
                                   const struct lyd_node *event)
{
    netsnmp_variable_list *variables = begin_own(notification->id);
    struct snmp_value value;
    for (const struct snmp_notified *object = notification->objects; variables && object->id;
         object++) {
        if (!value_of(object, event, &value))
            value = (struct snmp_value){0};
        add(&variables, object->id, object->kind, &value);
    }
    ly_err_clean((struct ly_ctx *)LYD_CTX(event), NULL);
    return variables;
}

/* What is past is told to nobody: it is for those who read the log. */
static void remember(struct snmp_notifier *notifier, const struct event *event, bool past)
{
    const struct snmp_notification *notification = snmp_notification_of(event->node);
    netsnmp_variable_list *variables = notification ? make(notification, event->node) : NULL;
    uint32_t uptime = past ? 0 : (uint32_t)netsnmp_get_agent_uptime();
    if (variables)
        snmp_log_add(notifier->log, event->number, event->time, uptime, variables);
}

/* @return Whether there is nothing left of the past. */
static bool replay(struct snmp_notifier *notifier)
{
    for (int i = 0; notifier->replay && i < REPLAYED_AT_ONCE; i++) {
        struct event *event = event_replay_next(notifier->replay);
        if (event) {
            remember(notifier, event, true);
            event_unref(event);
        } else {
            event_replay_free(notifier->replay);
            notifier->replay = NULL;
        }
    }
    if (notifier->replay)
        eventfd_write(notifier->wake, 1);
    return !notifier->replay;
}

static void tell_foreign(struct snmp_notifier *notifier,
                         const struct snmp_foreign_notification *notification,
                         const struct lyd_node *event)
{
    netsnmp_variable_list *variables = begin(notification->name, notification->length);
    oid name[SNMP_FOREIGN_NAME_MAX + SNMP_FOREIGN_INDEX_MAX];
    struct snmp_value value;
    for (const struct snmp_foreign_object *object = notification->objects;
         variables && object->length; object++) {
        snmp_foreign_value(object, event, &value);
        add_named(&variables, name, snmp_foreign_name(notification, object, event, name),
                  object->kind, &value);
    }
    if (variables)
        send_all(notifier, variables);
}

/* The limit. */

static void fill(struct snmp_notifier *notifier)
{
    uint64_t now = uv_hrtime(), most = notifier->rate * BURST_SECONDS * NANOSECONDS;
    uint64_t elapsed = now - notifier->filled;
    if (elapsed > BURST_SECONDS * NANOSECONDS)
        elapsed = BURST_SECONDS * NANOSECONDS;
    notifier->credit += elapsed * notifier->rate;
    if (notifier->credit > most)
        notifier->credit = most;
    notifier->filled = now;
}

static bool spend(struct snmp_notifier *notifier)
{
    if (notifier->credit < NANOSECONDS)
        return false;
    notifier->credit -= NANOSECONDS;
    return true;
}

/* The sum is worth a place only when others have one, too: else it would be one of many. */
static void tell_suppressed(struct snmp_notifier *notifier)
{
    struct snmp_value value = {.number = notifier->suppressed};
    if (!notifier->suppressed || notifier->credit < 2 * NANOSECONDS || !spend(notifier))
        return;
    netsnmp_variable_list *variables = begin_own(SNMP_SUPPRESSED);
    if (!variables)
        return;
    add(&variables, SNMP_SUPPRESSED_COUNT, KIND_UNSIGNED, &value);
    send_all(notifier, variables);
    log_notice(AREA_SNMP, "%llu notifications were not sent: there were too many at once",
               (unsigned long long)notifier->suppressed);
    notifier->suppressed = 0;
}

/* @return Whether a notification may be sent; else it is counted. */
static bool may_send(struct snmp_notifier *notifier)
{
    if (!notifier->suppressed && spend(notifier))
        return true;
    notifier->suppressed++;
    return false;
}

static void send_within_limit(struct snmp_notifier *notifier, netsnmp_variable_list *variables)
{
    if (!variables)
        return;
    if (may_send(notifier))
        send_all(notifier, variables);
    else
        snmp_free_varbind(variables);
}

static void tell(struct snmp_notifier *notifier, const struct event *event)
{
    const struct snmp_notification *own = snmp_notification_of(event->node);
    const struct snmp_foreign_notification *foreign = snmp_foreign_notifications;
    remember(notifier, event, false);
    if (!notifier->count && !notifier->subagent)
        return;
    if (own)
        send_within_limit(notifier, make(own, event->node));
    for (; foreign->module; foreign++)
        if (snmp_foreign_fits(foreign, notifier->kinds, event->node) && may_send(notifier))
            tell_foreign(notifier, foreign, event->node);
    if (notifier->kinds & SNMP_FOREIGN_KEEPALIVED)
        send_within_limit(notifier, keepalived_trap(notifier->agent, event->node));
}

void snmp_notifier_run(struct snmp_notifier *notifier)
{
    struct event *event;
    uint64_t lost;
    fill(notifier);
    tell_suppressed(notifier);
    if (!replay(notifier))
        return;
    while (event_take(notifier->subscriber, &event, &lost)) {
        notifier->suppressed += notifier->count || notifier->subagent ? lost : 0;
        if (event)
            tell(notifier, event);
        event_unref(event);
    }
}

/* Settings. */

/* Of those that were open, the one that is the same: its informs go on to wait for answers. */
static struct sink *take_sink(struct sink **sinks, size_t count, const char *identity)
{
    for (size_t i = 0; i < count; i++) {
        struct sink *sink = sinks[i];
        if (!sink || strcmp(sink->identity, identity) != 0)
            continue;
        sinks[i] = NULL;
        return sink;
    }
    return NULL;
}

/* @param identity Taken, also on failure. */
static struct sink *open_sink(const struct snmp_destination *destination,
                              const struct snmp_settings *settings, const struct snmp_engine_id *id,
                              char *identity)
{
    struct sink *sink = calloc(1, sizeof(*sink));
    if (!sink) {
        forget(identity);
        return NULL;
    }
    sink->identity = identity;
    sink->name = strdup(destination->name);
    sink->inform = destination->inform;
    sink->session = sink->name ? snmp_destination_open(destination, settings, id) : NULL;
    if (sink->session)
        return sink;
    close_sink(sink);
    return NULL;
}

static void add_sinks(struct snmp_notifier *notifier, const struct snmp_settings *settings,
                      const struct snmp_engine_id *id, struct sink **former, size_t former_count)
{
    for (size_t i = 0; i < settings->destination_count; i++) {
        const struct snmp_destination *destination = &settings->destinations[i];
        char *identity = snmp_destination_identity(destination, settings);
        struct sink *sink = identity ? take_sink(former, former_count, identity) : NULL;
        if (sink)
            forget(identity);
        else if (identity)
            sink = open_sink(destination, settings, id, identity);
        if (sink)
            notifier->sinks[notifier->count++] = sink;
    }
}

void snmp_notifier_open(struct snmp_notifier *notifier, const struct snmp_settings *settings,
                        const struct snmp_engine_id *id)
{
    struct sink **former = notifier->sinks;
    size_t former_count = notifier->count;
    notifier->subagent = settings->mode == SNMP_AGENTX;
    notifier->rate = settings->rate;
    notifier->kinds = settings->foreign;
    notifier->count = 0;
    notifier->sinks = calloc(settings->destination_count + 1, sizeof(*notifier->sinks));
    if (settings->mode == SNMP_MASTER && notifier->sinks)
        add_sinks(notifier, settings, id, former, former_count);
    for (size_t i = 0; i < former_count; i++)
        close_sink(former[i]);
    free(former);
    if (notifier->started || !notifier->count)
        return;
    notifier->started = true;
    netsnmp_variable_list *variables = begin(cold_start, sizeof(cold_start) / sizeof(oid));
    if (variables)
        send_all(notifier, variables);
}
