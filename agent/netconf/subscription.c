/*
 * Subscriptions.
 */
#include "agent/netconf/subscription.h"
#include "agent/access/access.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/clock.h"
#include "agent/event/notices.h"
#include "agent/log.h"

/* Events that are looked at before the session looks for a request again. */
#define EVENTS_AT_ONCE 64

/* The sleep of a subscription that only the bell can wake. */
#define FOREVER_MS INT64_MAX

struct subscription {
    struct subscription_terms terms;
    struct event_subscriber *live;
    struct event_replay *past; /* until the replay is complete */
};

enum outcome subscription_begin(struct session *session, struct subscription_terms *terms,
                                struct error *err)
{
    struct subscription *subscription = calloc(1, sizeof(*subscription));
    char name[40];
    if (!subscription) {
        filter_free(&terms->filter);
        return fail_memory(err);
    }
    subscription->terms = *terms;
    session->subscription = subscription;
    snprintf(name, sizeof(name), "session %u", session->id);
    subscription->live = event_subscribe(session->server->agent, name, session->link->bell);
    if (subscription->live && terms->replay)
        subscription->past = event_replay_new(subscription->live);
    if (subscription->live && (subscription->past || !terms->replay))
        return DONE;
    subscription_end(session);
    return fail_memory(err);
}

void subscription_end(struct session *session)
{
    struct subscription *subscription = session->subscription;
    if (!subscription)
        return;
    event_replay_free(subscription->past);
    event_unsubscribe(subscription->live);
    filter_free(&subscription->terms.filter);
    free(subscription);
    session->subscription = NULL;
}

/* What it selects is not empty (RFC 5277, 3.6). */
static bool selects(const struct filter *filter, const struct lyd_node *notification)
{
    struct lyd_node *part = NULL;
    ly_bool selected = 1;
    if (filter->kind == FILTER_XPATH) {
        if (lyd_eval_xpath(notification, filter->xpath, &selected))
            selected = 0;
    } else if (filter->kind == FILTER_SUBTREE) {
        selected = filter_select(filter, notification, NULL, &part) != SELECT_NOTHING;
        lyd_free_tree(part);
    }
    return selected;
}

/* Send a notification (RFC 5277, 2.2.1). */
static void send_xml(struct session *session, int64_t time, const char *xml)
{
    struct text message = {0};
    char text[CLOCK_TEXT_SIZE];
    text_add_string(&message, "<notification xmlns=\"urn:ietf:params:xml:ns:netconf:notification:"
                              "1.0\"><eventTime>");
    text_add_string(&message, clock_text(time, text));
    text_add_string(&message, "</eventTime>");
    text_add_string(&message, xml);
    text_add_string(&message, "</notification>");
    session_count(session, COUNT_OUT_NOTIFICATIONS); /* so that who has it finds it counted */
    link_notify(session->link, &message);
    text_free(&message);
}

/* Send what only this session is told, whatever its filter; the node is taken. */
static void send_own(struct session *session, struct lyd_node *node)
{
    char *xml = NULL;
    if (node && !lyd_print_mem(&xml, node, LYD_XML, LYD_PRINT_SHRINK) && xml)
        send_xml(session, clock_now(), xml);
    else
        link_cut(session->link); /* a client must not wait for it for ever */
    free(xml);
    lyd_free_all(node);
}

/* RFC 8341, 3.4.6. The rules may have changed since the last event. */
static bool may_receive(const struct session *session, const struct event *event)
{
    struct access access;
    struct error error = {0};
    bool may = access_begin(session->server->agent, session->user, session->local, &access,
                            &error) == DONE &&
               access_receives(&access, event->node);
    if (!may)
        access_denied(&access, DENIED_NOTIFICATIONS, event->node->schema->name);
    access_end(&access);
    error_clear(&error);
    return may;
}

/* The one place where it is decided whether a session gets to see an event. */
static void offer(struct session *session, const struct event *event)
{
    const struct subscription_terms *terms = &session->subscription->terms;
    if (terms->replay && event->time < terms->start)
        return;
    if (terms->stops && event->time > terms->stop)
        return;
    if (!may_receive(session, event))
        return;
    if (selects(&terms->filter, event->tree))
        send_xml(session, event->time, event->xml);
}

/* Offer a past event, or say that there are no more. */
static void work_at_past(struct session *session)
{
    struct subscription *subscription = session->subscription;
    struct event *event = event_replay_next(subscription->past);
    if (event) {
        offer(session, event);
        event_unref(event);
        return;
    }
    event_replay_free(subscription->past);
    subscription->past = NULL;
    send_own(session, notice_complete(session->server->agent->schema->ctx, "replayComplete"));
}

/* Offer a live event. Returns false if there is none, or none that is early enough. */
static bool work_at_live(struct session *session)
{
    const struct subscription_terms *terms = &session->subscription->terms;
    struct event *event;
    uint64_t lost;
    if (!event_take(session->subscription->live, &event, &lost))
        return false;
    if (event)
        offer(session, event);
    else
        send_own(session, notice_events_lost(session->server->agent->schema->ctx, lost));
    bool at_end = event && terms->stops && event->time > terms->stop;
    event_unref(event);
    return !at_end;
}

/* Nothing is left to be sent: how long until there is, for sure? Ends what is at its end. */
static int64_t rest(struct session *session)
{
    struct subscription_terms *terms = &session->subscription->terms;
    int64_t now = clock_now();
    if (!terms->stops)
        return FOREVER_MS;
    if (terms->stop >= now)
        return (terms->stop - now) / 1000000 + 1;
    send_own(session, notice_complete(session->server->agent->schema->ctx, "notificationComplete"));
    subscription_end(session);
    log_info(AREA_NETCONF, "session %u: its subscription is at its end", session->id);
    return FOREVER_MS;
}

int64_t subscription_work(struct session *session)
{
    struct subscription *subscription = session->subscription;
    if (!subscription)
        return FOREVER_MS;
    for (int i = 0; i < EVENTS_AT_ONCE; i++) {
        if (!link_has_room(session->link))
            return FOREVER_MS;
        if (subscription->past)
            work_at_past(session);
        else if (!work_at_live(session))
            return rest(session);
    }
    return 0;
}
