/*
 * Steering: what is to hold for real servers beside their configuration.
 *
 * Health checks give verdicts and operators give orders; the engine that forwards (IPVS) asks for
 * the sum of both. None of them knows another: they meet here. Verdicts and orders outlive a
 * restart of the agent, so that nothing flaps; an order is on stable storage before its giver is
 * told so.
 *
 * What is said of a virtual server or a real server that is not configured is dropped, and what is
 * known of one that is deleted is forgotten.
 *
 * The core thread writes; any thread may read. Changes are told to those who follow once per turn
 * of the event loop, so that thousands of verdicts make one batch. Verdicts are stored every few
 * seconds and at the end.
 *
 * What is said while a transaction runs may be of servers that it configures: it is kept, and
 * dropped at the transaction's end if they are not configured then.
 */
#ifndef NORIA_STEERING_STEERING_H
#define NORIA_STEERING_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/outcome.h"

struct agent;
struct change_set;
struct steering;

/** Room for the address of a real server, with its ending zero. */
#define STEERING_ADDRESS_SIZE 48

/** Room for who gave an order, and why. */
#define STEERING_OWNER_SIZE 64
#define STEERING_REASON_SIZE 256

/** The weight is the one that is configured. */
#define STEERING_WEIGHT_CONFIGURED (-1)

/** Names a real server, or, without an address, its virtual server. Keys of the lists. */
struct steering_key {
    const char *virtual_server;
    const char *address; /**< As configured (canonical); NULL: the virtual server itself. */
    uint16_t port;
};

/** What the checks of a real server say. */
enum steering_health {
    STEERING_UNCHECKED, /**< Nobody checks it: it serves. */
    STEERING_UP,
    STEERING_DOWN,
};

/** A verdict on a real server. */
struct steering_verdict {
    enum steering_health health;
    int32_t weight; /**< While it is up: dynamic weights, slow start; or as configured. */
    bool inhibit;   /**< While it is down: stay in the kernel with weight 0. */
    int64_t since;  /**< Of health, in nanoseconds since 1970 UTC. */
    bool otherwise; /**< Not by checks that are configured: it holds without any. */
};

/** What an operator has ordered for a real server. */
enum steering_order_kind {
    STEERING_ORDER_NONE,
    STEERING_ORDER_UP,     /**< Serve, whatever the checks say. */
    STEERING_ORDER_DOWN,   /**< Do not serve, at once. */
    STEERING_ORDER_DRAIN,  /**< Weight 0 until its connections have ended, then as DOWN. */
    STEERING_ORDER_WEIGHT, /**< Serve with this weight while the checks do not say down. */
    /**
     * It is gone from the configuration, or not enabled any more: weight 0 as long as the engine
     * has it, until its connections have ended. Given by the engine itself; it ends when the real
     * server is configured again, or its virtual server is not.
     */
    STEERING_ORDER_LEAVE,
};

/** An order on a real server. */
struct steering_order {
    enum steering_order_kind kind;
    int32_t weight; /**< Of STEERING_ORDER_WEIGHT. */
    bool drained;   /**< A drain has come to its end. */
    int64_t since;  /**< Nanoseconds since 1970 UTC. */
    /**
     * When it ends by itself, or 0. Of DRAIN and LEAVE: when waiting ends; the engine that counts
     * the connections sees to that.
     */
    int64_t until;
    char owner[STEERING_OWNER_SIZE];   /**< Login name of who gave it. */
    char reason[STEERING_REASON_SIZE]; /**< Why, in the giver's words. */
    bool configured;                   /**< The configuration gives it (maintenance). */
    uint64_t begun; /**< When it was put, or read after a restart (uv_hrtime()). Steering's. */
    uint64_t due;   /**< Likewise of until; 0: it has none. Steering's. */
};

/** All that is known of a real server. */
struct steering_server {
    struct steering_verdict verdict;
    struct steering_order order;
    int64_t connections; /**< While it drains: those that are left; -1: not counted yet. */
};

/** What the engine is to do with a real server. */
struct steering_sum {
    bool present;   /**< To be in the engine's table. */
    int32_t weight; /**< Or STEERING_WEIGHT_CONFIGURED. */
};

/** The sum of verdict and order: a pure function. Any thread. */
struct steering_sum steering_sum(const struct steering_server *server);

/** The name of a kind of order, as noria-operations has it ("drain"). A static string. */
const char *steering_order_name(enum steering_order_kind kind);

/** Begin, with what was stored. Sets agent->steering. Core thread. */
enum outcome steering_start(struct agent *agent, struct error *err);

/** Store what is left, and end. After all who follow. */
void steering_stop(struct agent *agent);

/**
 * What is known of a real server. Any thread.
 * @param[out] server Zeroed (unchecked, no order, weights as configured) if nothing is known.
 */
void steering_read(struct agent *agent, const struct steering_key *key,
                   struct steering_server *server);

/** steering_sum() of what is known of a real server, without copying it. Any thread. */
struct steering_sum steering_sum_of(struct agent *agent, const struct steering_key *key);

/** A real server with an order. */
struct steering_row {
    char address[STEERING_ADDRESS_SIZE];
    uint16_t port;
    struct steering_server server;
};

/**
 * The real servers of a virtual server that have an order, also those that are leaving and so are
 * in no configuration. Any thread.
 * @param[out] rows To be freed; NULL if there are none, or no memory.
 * @return How many.
 */
size_t steering_orders(struct agent *agent, const char *virtual_server, struct steering_row **rows);

/**
 * The virtual servers with an order of some kind. Any thread.
 * @param[out] names To be freed with steering_names_free().
 * @return How many.
 */
size_t steering_ordered(struct agent *agent, enum steering_order_kind kind, char ***names);

/** Free a list of names; NULL is legal. */
void steering_names_free(char **names, size_t count);

/**
 * Whether the quorum of a virtual server is lost, so that its sorry servers take the place of its
 * real servers. Any thread.
 */
bool steering_quorum_lost(struct agent *agent, const char *virtual_server);

/** Set the verdict on a real server. Core thread. */
void steering_set_verdict(struct agent *agent, const struct steering_key *key,
                          const struct steering_verdict *verdict);

/**
 * Set whether the quorum of a virtual server is lost. Core thread.
 * @param otherwise As of a verdict.
 */
void steering_set_quorum_lost(struct agent *agent, const char *virtual_server, bool lost,
                              bool otherwise);

/**
 * All that is checked has been told since the start: what else is known by checks from before it is
 * forgotten. A crash may have come between the end of the checks and the storing of it.
 */
void steering_forget_unchecked(struct agent *agent);

/**
 * Give an order, or take it back with STEERING_ORDER_NONE. It holds at once; done() is called when
 * it is on stable storage, and from the event loop; if that fails, what held before holds again.
 * Orders of one turn of the loop are stored at once. Core thread.
 * @param done May be NULL. The error is the caller's to take or leave.
 */
void steering_set_order(struct agent *agent, const struct steering_key *key,
                        const struct steering_order *order,
                        void (*done)(void *arg, enum outcome outcome, struct error *err),
                        void *arg);

/**
 * The order that the running configuration gives on a real server, which holds where no other one
 * does. Core thread.
 * @param[out] order Kind NONE: it gives none.
 */
void steering_configured_order(const struct agent *agent, const struct steering_key *key,
                               struct steering_order *order);

/** Whether a real server is draining, for an order or because it leaves. */
static inline bool steering_drains(const struct steering_order *order)
{
    return (order->kind == STEERING_ORDER_DRAIN || order->kind == STEERING_ORDER_LEAVE) &&
           !order->drained;
}

/** Say how many connections of a real server that drains are left. Core thread; the engine's. */
void steering_set_connections(struct agent *agent, const struct steering_key *key,
                              uint64_t connections);

/**
 * A drain has come to its end: a DRAIN becomes drained, a LEAVE is taken back. Core thread; the
 * engine's.
 * @param timed_out Its time is over; else all of its connections have ended.
 */
void steering_end_drain(struct agent *agent, const struct steering_key *key, bool timed_out);

/** What rises whenever anything changes that followers are told of. Core thread. */
uint64_t steering_generation(const struct agent *agent);

/** Who wants to know what has changed. */
struct steering_follower {
    /** @param names Virtual servers of which anything changed, each once. Core thread. */
    void (*changed)(void *arg, const char *const *names, size_t count);
    void *arg;
    struct steering_follower *next; /**< Steering's. */
};

/** Be told of changes from now on. Core thread. @param follower Borrowed until unfollowed. */
void steering_follow(struct agent *agent, struct steering_follower *follower);

/** Be told no more. Core thread. */
void steering_unfollow(struct agent *agent, struct steering_follower *follower);

#endif
