/*
 * Virtual servers and real servers as health checks see them.
 *
 * A service is made from an entry by definition.c, without effect; service_begin() puts it to work
 * in place of another one. server.c turns results of checks into verdicts. Core thread; what
 * readers look at changes under health_engine.lock.
 */
#ifndef NORIA_HEALTH_SERVICE_H
#define NORIA_HEALTH_SERVICE_H

#include <stddef.h>

#include "backends/health/engine.h"
#include "backends/health/probe.h"
#include "backends/health/verdict.h"

/** Changes of a real server that are remembered. */
#define HEALTH_HISTORY 8

/** The highest weight that a check can give. */
#define HEALTH_WEIGHT_MAX 65535

/** A check of a real server. */
struct health_check {
    struct probe_subscriber subscriber; /**< Its probe is acquired. */
    struct health_server *server;
    char *name;      /**< Owned. */
    uint32_t number; /**< Unique in the virtual server, and kept. */
    struct verdict_rule rule;
    struct verdict_check verdict;
    int64_t since;     /**< Of the verdict's state, in nanoseconds since 1970 UTC; 0: not known. */
    bool alpha;        /**< It counts as failed until it has passed once. */
    bool log_failures; /**< Each failure is logged while it does not count as failed. */
    int32_t weight;    /**< What it wants the weight to be, or CHECK_WEIGHT_NONE. */
    int32_t adjust;    /**< What it wants to be added to the weight. */
};

/** Why a verdict changes. */
enum health_cause {
    HEALTH_BY_CHECK,         /**< A check has said so. */
    HEALTH_BY_CONFIGURATION, /**< What is configured has changed. */
    HEALTH_BY_DAMPING,       /**< It was flapping, and is steady again. */
    HEALTH_BY_STOP,          /**< The agent ends; only commands are told. */
};

/** A change of a verdict, and what has made it. */
struct health_occasion {
    enum health_cause cause;
    const struct health_check *check;  /**< Or NULL. */
    const struct probe_result *result; /**< Of the check, or NULL. */
    enum steering_health health;       /**< The new verdict. */
    bool first;                        /**< There was none before. */
};

/** A change of a quorum. */
struct health_quorum {
    bool lost;
    uint64_t weight_up; /**< Of servers that serve. */
};

/** A change of the verdict on a real server. */
struct health_change {
    int64_t time; /**< Nanoseconds since 1970 UTC; 0: none. */
    enum steering_health health;
    enum health_cause cause;
    uint32_t latency;    /**< Of the check's run, in microseconds; 0: there was none. */
    char *check, *error; /**< Or NULL. Owned. */
};

struct announcement;

/** A real server that is checked. */
struct health_server {
    struct health_service *service;
    char *address; /**< As configured. Owned. */
    uint16_t port;
    uint32_t weight;               /**< As configured. */
    bool inhibit;                  /**< It stays in the kernel while it is down. */
    char *notify_up, *notify_down; /**< Its own commands, or NULL: the service's. Owned. */
    size_t check_count;
    struct health_check *checks;    /**< Owned. */
    enum steering_health raw;       /**< What its checks come to. */
    enum steering_health health;    /**< The verdict: down, too, while it is flapping. */
    enum steering_order_kind order; /**< What an operator has ordered. */
    int32_t order_weight;           /**< Of an order of a weight. */
    int64_t since;                  /**< Of health, in nanoseconds since 1970 UTC. */
    uint64_t up_at;            /**< When it came up, for the slow start (uv_hrtime()); 0: long. */
    struct verdict_flap *flap; /**< NULL where flaps are not damped. Owned. */
    struct health_timer timer; /**< Next step of the slow start, end of flapping. */
    bool timer_reserved;
    struct health_change *history; /**< HEALTH_HISTORY, the newest first; NULL: none. Owned. */
    struct steering_verdict told;  /**< What the steering knows. */
    bool told_once;
};

/** A virtual server whose real servers are checked. */
struct health_service {
    struct text_link link; /**< In engine->services. */
    struct health_engine *engine;
    char *name; /**< Owned. */
    bool inhibit, alpha, omega;
    bool group;                 /**< It has members; its address is the first one's. */
    bool ha_suspend;            /**< It is checked while an address of it is held, and only then. */
    bool suspended;             /**< None is held. */
    struct address_range *held; /**< Its addresses, if ha_suspend. Owned. */
    size_t held_count;
    char *protocol;                       /**< "tcp", "udp", "sctp" or "fwm". Owned. */
    char *virtual_address, *virtual_port; /**< Or the firewall mark, and "0". Owned. */
    /** Commands that are run when something has changed, or NULL. Owned. */
    char *notify_up, *notify_down, *quorum_up, *quorum_down, *fallback_command;
    char *hook_user; /**< As whom they are run, or NULL. Owned. */
    unsigned needed; /**< Checks that must pass; 0: all. */
    uint32_t quorum, hysteresis;
    uint64_t slow_start; /**< Nanoseconds. */
    struct verdict_flap_rule flap_rule;
    size_t server_count;
    struct health_server *servers; /**< Ordered by address and port. Owned. */
    uint64_t weight_up;            /**< Of servers that serve. */
    unsigned down;                 /**< Servers that are down. */
    bool lost;                     /**< The quorum. */
    int64_t lost_since;            /**< Of lost, in nanoseconds since 1970 UTC; 0: never lost. */
    /** What is still to be announced of it, in the order in which it happened; announcements.c. */
    struct announcement *untold, *last_untold;
};

/**
 * Make a service from a virtual server; nothing runs yet. definition.c
 * @param[out] service NULL if its real servers are not checked.
 */
enum outcome service_new(struct health_engine *engine, const struct entry *entry,
                         struct health_service **service, struct error *err);

/** Free a service that is not at work; NULL is legal. */
void service_free(struct health_service *service);

/**
 * Put a service to work in place of another one of the same name, up to service_settle(); what both
 * have in common is carried over. Where nothing is known of a check, what another service has found
 * by the same one holds for it, too: so all services of a commit begin before one settles. Cannot
 * fail, and can be undone by the reverse. service.c
 * @param from At work, from then on at rest; NULL: there was none.
 * @param to NULL: the virtual server is not checked any more.
 */
void service_begin(struct health_engine *engine, struct health_service *from,
                   struct health_service *to);

/** What service_begin() has put to work is told, and what is at rest is checked no more. */
void service_settle(struct health_engine *engine, struct health_service *from,
                    struct health_service *to);

/** Stop its checks, since the agent ends; what the steering knows stays. service.c */
void service_rest(struct health_service *service);

/** The real server with an address and a port, or NULL. Under the lock, or core thread. quorum.c */
struct health_server *service_find(const struct health_service *service, const char *address,
                                   uint16_t port);

/** Order of real servers, for qsort. */
int server_compare(const void *a, const void *b);

/** The check that a subscriber is a part of. */
static inline struct health_check *check_of(struct probe_subscriber *subscriber)
{
    return (struct health_check *)((char *)subscriber - offsetof(struct health_check, subscriber));
}

/** Take a result of one of its checks in (probe_subscriber.noted). server.c */
bool check_noted(struct probe_subscriber *subscriber, const struct probe_result *result);

/** Its timer is due. server.c */
void server_tick(struct health_timer *timer);

/** What holds for it is to be worked out anew, since its definition has changed. server.c */
void server_review(struct health_server *server);

/** Tell the steering what holds for it, if that is new. server.c */
void server_tell(struct health_server *server);

/** Work out the quorum anew and tell it. quorum.c */
void service_note_quorum(struct health_service *service);

/** What it adds to the weight that the quorum is held against. quorum.c */
uint32_t server_weight_up(const struct health_server *server);

/** Count anew who is down, and the weight that serves. Under the lock. quorum.c */
void service_count_servers(struct health_service *service);

/** Ask for the orders on its real servers. @return Whether there are any, or were. quorum.c */
bool service_read_orders(struct health_service *service);

/** Orders on its real servers may have changed. quorum.c */
void service_note_orders(struct health_service *service);

/** Whether addresses are held may have changed: suspend its checks, or go on. suspension.c */
void service_review_addresses(struct health_service *service);

/** service_review_addresses() of all, for address_watch_new(). @param arg The engine. */
void services_review_addresses(void *arg);

/** What of a virtual server's configuration is about its suspension. suspension.c */
enum outcome service_fill_addresses(struct health_service *service, const struct lyd_node *node,
                                    struct error *err);

/** Whether its checks rest now; begins to watch addresses if need be. suspension.c */
bool service_is_suspended(const struct health_service *service);

/** Have its checks run, or not, each. */
static inline void service_for_each_check(struct health_service *service,
                                          void (*act)(struct probe_subscriber *))
{
    for (size_t i = 0; i < service->server_count; i++)
        for (size_t c = 0; c < service->servers[i].check_count; c++)
            act(&service->servers[i].checks[c].subscriber);
}

/** Run the command for a verdict. service_hooks.c */
void hook_server(const struct health_server *server, const struct health_occasion *occasion);

/** Run the commands for the quorum. service_hooks.c */
void hook_quorum(const struct health_service *service, const struct health_quorum *quorum);

/* Events, notices.c: */

/** A verdict and a cause as noria-health names them. Static strings. names.c */
const char *health_state_name(enum steering_health health);
const char *health_cause_name(enum health_cause cause);

/** A line in the log for a run that has failed, whether it counts or not. */
void notice_failure(const struct health_check *check, const struct probe_result *result);

/** real-server-state-change, a line in the log, and the alarm that it is down. */
void notice_server(const struct health_server *server, const struct health_occasion *occasion);

/** quorum-change, a line in the log, and the alarm. */
void notice_quorum(const struct health_service *service, const struct health_quorum *quorum);

/** Clear alarms of before the start, of what is not checked any more. After all that is. */
void notice_start(struct agent *agent);

/** Raise the alarm that a real server is down, or clear it. @param error Or NULL: not known. */
void notice_down(const struct health_server *server, bool down, const char *error);

/** Raise the alarm that the quorum is lost, or clear it. */
void notice_quorum_alarm(const struct health_service *service, const struct health_quorum *quorum);

/** It has begun to flap, or does so no more: a line in the log, and the alarm. */
void notice_flapping(const struct health_server *server, bool flapping);

/** Raise the alarm that it is flapping, or clear it. */
void notice_flapping_alarm(const struct health_server *server, bool flapping);

#endif
