/*
 * The agent: the one context that holds everything, and what everything asks of it.
 *
 * The core thread runs the loop, the transactions and the backends. Workers (NETCONF, SNMP) have
 * threads of their own; they read snapshots and submit transactions.
 */
#ifndef NORIA_AGENT_H
#define NORIA_AGENT_H

#include <uv.h>

#include "agent/calls.h"
#include "agent/datastore/snapshot.h"
#include "agent/precedence.h"
#include "backends/backend.h"

struct transactions;
struct journal;
struct candidate;
struct confirmed;
struct datastore_locks;
struct netconf_server;
struct snmp_agent;
struct events;
struct alarms;
struct steering;

/** What the command line says. Strings belong to the caller and outlive the agent. */
struct agent_options {
    const char *config;    /**< Configuration to begin with where nothing is stored yet. */
    const char *state_dir; /**< Journal, host keys. */
    const char *run_dir;   /**< Local socket. */
    const char *yang_dirs; /**< Folders with YANG modules, with colons between them. */
    bool null_backend;     /**< Offer the null backend, too (tests). */
    bool from_startup;     /**< Begin with the startup datastore as running. */
    bool null_stand_ins;   /**< Null backends in place of those that need a kernel (tests). */
    bool check;            /**< Validate the configuration and end. */
    bool adopt;            /**< Print what engines hold as configuration and end. */
};

/** How many signals it minds: SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2. */
#define AGENT_SIGNALS 5

/** The one context. */
struct agent {
    struct agent_options options;
    uv_loop_t loop;
    struct schema *schema;
    struct backend *backends; /**< As in backend_registry. */
    size_t backend_count;
    struct backend **owners; /**< Who claims each unit, by its rank; NULL: the agent itself. */
    bool *concerned;         /**< By unit, then backend: see agent_concerns(). */
    int run_lock;            /**< Held while the run folder is ours, or -1. */
    struct journal *journal;
    struct transactions *transactions;
    struct candidate *candidate;
    struct datastore_locks *locks;
    struct confirmed *confirmed; /**< The commit that waits for its confirmation. */
    struct netconf_server *netconf;
    struct snmp_agent *snmp;
    struct events *events;        /**< What happened, for those who want to know. */
    struct alarms *alarms;        /**< What is wrong now. */
    struct steering *steering;    /**< Verdicts and orders on real servers. */
    struct precedence precedence; /**< Of NETCONF over SNMP. */
    int64_t started;              /**< Nanoseconds since 1970 UTC. */
    uv_mutex_t running_lock;      /**< Guards the pointer that follows. */
    struct snapshot *running;
    struct calls calls; /**< For the core thread. */
    bool ending;        /**< The end has begun. Core thread. */
    bool started_up;    /**< Loop, handles and mutexes are there. */
    bool ready;         /**< All has started. Core thread. */
    uv_signal_t signals[AGENT_SIGNALS];
    uv_timer_t idle_timer; /**< While ending: waits for the last transaction. */
};

/** Whether a backend claims or follows a unit. Any thread. */
bool agent_concerns(const struct agent *agent, const struct backend *backend,
                    const struct unit *unit);

/** The running configuration. Any thread. @return One reference more, to be given back. */
struct snapshot *agent_running(struct agent *agent);

/**
 * Run a function on the core thread, soon. Any thread.
 * @return Whether it will be run; false once the agent is ending.
 */
bool agent_post(struct agent *agent, void (*function)(void *arg), void *arg);

#endif
