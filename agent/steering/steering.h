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
 * of the event loop, so that thousands of verdicts make one batch.
 */
#ifndef NORIA_STEERING_STEERING_H
#define NORIA_STEERING_STEERING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/outcome.h"

struct agent;
struct steering;

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
    int32_t weight; /**< While it is up: dynamic weights, slow start. Else as configured. */
    bool inhibit;   /**< While it is down: stay in the kernel with weight 0. */
    int64_t since;  /**< Of health, in nanoseconds since 1970 UTC. */
};

/** What an operator has ordered for a real server. */
enum steering_order_kind {
    STEERING_ORDER_NONE,
    STEERING_ORDER_UP,     /**< Serve, whatever the checks say. */
    STEERING_ORDER_DOWN,   /**< Do not serve, at once. */
    STEERING_ORDER_DRAIN,  /**< Weight 0 until its connections have ended, then as DOWN. */
    STEERING_ORDER_WEIGHT, /**< Serve with this weight while the checks say up. */
};

/** An order on a real server. */
struct steering_order {
    enum steering_order_kind kind;
    int32_t weight;   /**< Of STEERING_ORDER_WEIGHT. */
    bool drained;     /**< A drain has come to its end. */
    int64_t since;    /**< Nanoseconds since 1970 UTC. */
    int64_t until;    /**< When it ends by itself (DRAIN: when waiting ends), or 0. */
    char owner[64];   /**< Login name of who gave it. */
    char reason[256]; /**< Why, in the giver's words. */
};

/** All that is known of a real server. */
struct steering_server {
    struct steering_verdict verdict;
    struct steering_order order;
};

/** What the engine is to do with a real server. */
struct steering_sum {
    bool present;   /**< To be in the engine's table. */
    int32_t weight; /**< Or STEERING_WEIGHT_CONFIGURED. */
};

/** The sum of verdict and order: a pure function. Any thread. */
struct steering_sum steering_sum(const struct steering_server *server);

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

/**
 * Whether the quorum of a virtual server is lost, so that its sorry servers take the place of its
 * real servers. Any thread.
 */
bool steering_quorum_lost(struct agent *agent, const char *virtual_server);

/** Set the verdict on a real server. Core thread. */
void steering_set_verdict(struct agent *agent, const struct steering_key *key,
                          const struct steering_verdict *verdict);

/** Set whether the quorum of a virtual server is lost. Core thread. */
void steering_set_quorum_lost(struct agent *agent, const char *virtual_server, bool lost);

/**
 * Give an order, or take it back with STEERING_ORDER_NONE. It holds at once; done() is called when
 * it is on stable storage. Core thread.
 */
void steering_set_order(struct agent *agent, const struct steering_key *key,
                        const struct steering_order *order,
                        void (*done)(void *arg, enum outcome outcome, struct error *err),
                        void *arg);

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
