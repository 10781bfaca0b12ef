/*
 * Graceful removal: real servers that a transaction takes away, that are busy, and whose virtual
 * server wants them to drain, stay in the kernel's table with weight 0. An order LEAVE of steering
 * says so from then on (ipvs_steer(), drains.h). Core thread.
 */
#ifndef NORIA_IPVS_LEAVING_H
#define NORIA_IPVS_LEAVING_H

#include "agent/steering/steering.h"
#include "backends/ipvs/service.h"

struct agent;
struct entry;
struct ipvs_part;

/** A real server that leaves. */
struct ipvs_leaver {
    char *virtual_server; /**< Owned, as the address. */
    char *address;
    uint16_t port;
    int64_t timeout;              /**< Of waiting, in seconds; 0: none. */
    bool ordered;                 /**< It was given the order. */
    struct steering_order before; /**< What was ordered of it until then. */
};

/** Those of a part of a transaction; {0} is none. */
struct ipvs_leavers {
    struct ipvs_leaver *list; /**< Owned. */
    size_t count;
    size_t room;
};

/**
 * Find who leaves, and keep them in what is desired of a part.
 * @param part Compared with the kernel and steered; its leavers are replaced.
 * @return Whether there was memory.
 */
bool ipvs_leaving_plan(struct ipvs_part *part);

/**
 * Give the order to leave to all. done() is called for each when its order is on stable storage,
 * from the event loop.
 */
void ipvs_leaving_order(struct agent *agent, const struct ipvs_leavers *leavers,
                        void (*done)(void *arg, enum outcome outcome, struct error *err),
                        void *arg);

/** Give back the orders that were there before to those who were ordered to leave. */
void ipvs_leaving_take_back(struct agent *agent, struct ipvs_leavers *leavers);

/** Free what a list owns, and empty it. */
void ipvs_leavers_clear(struct ipvs_leavers *leavers);

#endif
