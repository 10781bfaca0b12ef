/*
 * create-subscription (RFC 5277, 2.1.1) and emit-self-test (noria-agent).
 */
#include <string.h>

#include "agent/clock.h"
#include "agent/event/notices.h"
#include "agent/netconf/rpc.h"
#include "agent/netconf/subscription.h"

/* A parameter that is a time. Returns whether it is there. */
static bool read_time(const struct rpc *rpc, const char *name, int64_t *time)
{
    const char *value = rpc_value(rpc, name, NULL);
    return value && clock_of_text(value, time);
}

static enum outcome read_times(struct rpc *rpc, struct subscription_terms *terms)
{
    terms->replay = read_time(rpc, "startTime", &terms->start);
    terms->stops = read_time(rpc, "stopTime", &terms->stop);
    if (terms->replay && terms->start > clock_now())
        return rpc_refuse(rpc, TAG_BAD_ELEMENT, "startTime",
                          "The startTime is in the future: name one that is past, or none.");
    if (terms->stops && !terms->replay)
        return rpc_refuse(rpc, TAG_MISSING_ELEMENT, "startTime",
                          "A stopTime needs a startTime beside it.");
    if (terms->stops && terms->stop < terms->start)
        return rpc_refuse(rpc, TAG_BAD_ELEMENT, "stopTime",
                          "The stopTime is before the startTime.");
    return DONE;
}

/* An XPath is tried once, so that one that cannot be evaluated is told now. */
static enum outcome try_xpath(struct rpc *rpc, const struct filter *filter)
{
    const struct ly_ctx *ctx = rpc->agent->schema->ctx;
    struct lyd_node *example = notice_events_lost(ctx, 0);
    ly_bool selected;
    enum outcome outcome = DONE;
    if (!example)
        return fail_memory(&rpc->error);
    if (lyd_eval_xpath(example, filter->xpath, &selected))
        outcome = rpc_refuse(rpc, TAG_INVALID_VALUE, "filter", "The filter's XPath is wrong: %s",
                             ly_errmsg(ctx) ? ly_errmsg(ctx) : "see XPath 1.0");
    lyd_free_all(example);
    return outcome;
}

static enum outcome read_filter(struct rpc *rpc, struct filter *filter)
{
    bool without_id;
    const struct text *message = link_message(rpc->session->link, &without_id);
    enum outcome outcome =
        filter_read(rpc->agent->schema, rpc_parameter(rpc, "filter"), message->data,
                    rpc->session->server->bare, filter, &rpc->error);
    rpc->protocol = outcome != DONE;
    if (outcome == DONE && filter->kind == FILTER_XPATH)
        outcome = try_xpath(rpc, filter);
    return outcome;
}

enum outcome rpc_create_subscription(struct rpc *rpc)
{
    struct subscription_terms terms = {0};
    const char *stream = rpc_value(rpc, "stream", "NETCONF");
    if (strcmp(stream, "NETCONF") != 0)
        return rpc_refuse(rpc, TAG_INVALID_VALUE, "stream",
                          "There is no stream %s: the only one is NETCONF.", stream);
    if (rpc->session->subscription)
        return rpc_refuse(rpc, TAG_IN_USE, NULL,
                          "The session has a subscription already: use another session.");
    if (read_times(rpc, &terms) != DONE)
        return REFUSED;
    enum outcome outcome = read_filter(rpc, &terms.filter);
    if (outcome == DONE)
        return subscription_begin(rpc->session, &terms, &rpc->error);
    filter_free(&terms.filter);
    return outcome;
}

enum outcome rpc_emit_self_test(struct rpc *rpc)
{
    event_self_test(rpc->agent, rpc_value(rpc, "message", "This is a test."));
    return DONE;
}
