/*
 * The engine: Net-SNMP's agent library, brought up, changed and brought down.
 *
 * Its state is the process's, so there is one engine at a time. On the SNMP thread.
 */
#ifndef NORIA_SNMP_ENGINE_H
#define NORIA_SNMP_ENGINE_H

#include <poll.h>

#include "agent/agent.h"
#include "agent/snmp/listener.h"
#include "agent/snmp/notifier.h"
#include "agent/snmp/table.h"
#include "agent/snmp/usm.h"

/** The engine; zero-initialise before use, but for agent and what is the owner's. */
struct snmp_engine {
    struct agent *agent;
    char *directory;                /**< Where it keeps its boots and its engine ID. Owned. */
    struct snmp_settings *settings; /**< In force; NULL: none yet. Owned. */
    enum snmp_mode mode;            /**< What Net-SNMP runs as. */
    bool host_mibs;                 /**< And whether it has what answers for the node. */
    struct snmp_cache *cache;       /**< Owned. */
    struct snmp_set *set;           /**< Owned. */
    struct snmp_tables *tables;     /**< Owned. */
    /** As in struct snmp_set_context. */
    bool (*begin_change)(void *owner);
    void (*end_change)(void *owner);
    void *owner;
    struct snmp_listeners listeners;
    struct snmp_notifier *notifier; /**< Owned. */
    int wake;                       /**< Eventfd of the thread. */
    struct pollfd *polled;          /**< What is waited for, the eventfd first. Owned. */
    size_t polled_count, polled_room;
    int busy;       /**< The socket that was read last, in quick rounds. */
    unsigned quick; /**< Rounds that are left without a look at anything else. */
    struct snmp_engine_id id;
    const struct snmp_settings *served; /**< Whose users and targets are at work; only compared. */
};

/**
 * Work by other settings.
 * @param settings Taken on success, and on failure freed.
 * @param strict Whether an address that is new and cannot be had is a failure; on failure the
 *        settings of before are in force again. Else it is left for snmp_engine_retry().
 */
enum outcome snmp_engine_apply(struct snmp_engine *engine, struct snmp_settings *settings,
                               bool strict, struct error *err);

/**
 * Try what could not be had before.
 * @param[out] err Why something is still missing.
 * @return DONE if nothing is.
 */
enum outcome snmp_engine_retry(struct snmp_engine *engine, struct error *err);

/**
 * Wait for requests, or until it is woken or some time has passed; answer them.
 * @return Whether it is time to look for orders: it was woken, or has looked at everything.
 */
bool snmp_engine_serve(struct snmp_engine *engine, unsigned milliseconds);

/** Bring Net-SNMP down and free what the engine owns. */
void snmp_engine_close(struct snmp_engine *engine);

#endif
