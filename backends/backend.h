/*
 * The one interface between the agent and the engines that it manages.
 *
 * A backend is a folder here, a YANG module, a line in registry.c and, if it has tables to show, a
 * MIB table. It knows neither NETCONF nor SNMP nor any other backend.
 *
 * A transaction calls, on the core thread: prepare in every backend that it touches; then apply in
 * all; or, after a failure, revert in those that applied, in reverse order; and release, always, in
 * all that prepared. Each of prepare, apply and revert ends with step_done(), at once or later from
 * the event loop: a step that takes time must not block the thread.
 *
 * While one transaction waits between apply and release for stable storage, later ones are prepared
 * and applied on top of it. If they are taken back, it is the newest first: what is to be reverted
 * is always what was applied last.
 */
#ifndef NORIA_BACKEND_H
#define NORIA_BACKEND_H

#include <uv.h>

#include "agent/datastore/snapshot.h"

struct agent;
struct backend;
struct origin;

/** One step (prepare, apply or revert) of one backend in one transaction. */
struct backend_step {
    struct backend *backend;
    const struct change_set *changes; /**< Only those of the units that the backend claims. */
    void *plan;                       /**< The backend's own; kept from prepare to release. */
    struct error error;               /**< To be filled before step_done(REFUSED or FAILED). */
    void (*done)(struct backend_step *step, enum outcome outcome); /**< The transaction's. */
    void *transaction;                                             /**< The transaction's. */
};

/**
 * Say that a step has ended; the step must not be touched afterwards. Core thread.
 * @param outcome REFUSED only from prepare: what the engine will not take, the asker's fault.
 */
static inline void step_done(struct backend_step *step, enum outcome outcome)
{
    step->done(step, outcome);
}

/** What a reader wants to know the state of. */
struct state_request {
    const struct snapshot *running;
    size_t count;
    const struct entry *const *entries; /**< Entries of units that the backend claims, in order. */
    /**
     * For each entry a private copy of its node (the list instance, or the container), into which
     * the state is to be put beside the configuration. Nodes stay the reader's.
     */
    struct lyd_node **nodes;
};

/**
 * One call of an operation (an rpc or an action of a YANG module) that a backend carries out.
 *
 * The input is valid, and has its defaults; input that refers to configuration is not looked up
 * (use leafrefs with require-instance false). The node of an action is in running, if it is
 * configuration; that of state is for the backend to look for (refuse with TAG_DATA_MISSING).
 * The asker may have gone before the call ends, which the backend need not know. Calls that have
 * not ended when the backend is stopped are ended by its stop(), with FAILED.
 */
struct backend_call {
    struct backend *backend;
    const struct snapshot *running; /**< As it was when the call came; later commits may differ. */
    const struct origin *origin;
    const struct lyd_node *request; /**< The rpc's or action's node with its input, in its tree. */
    /** A node of the same operation, into which the output is put (lyd_new_*() for output). */
    struct lyd_node *reply;
    struct error error; /**< To be filled before call_done(REFUSED or FAILED). */
    void (*done)(struct backend_call *call, enum outcome outcome); /**< The caller's. */
};

/** Say that a call has ended; it must not be touched afterwards. The thread that it runs on. */
static inline void call_done(struct backend_call *call, enum outcome outcome)
{
    call->done(call, outcome);
}

/** An operation that a backend carries out. Access is checked before, also to an action's node. */
struct backend_operation {
    /** "/module:rpc", or "/module:container/list/action"; a prefix only where modules change. */
    const char *path;
    /** Ends with call_done(), at once or, on the core thread, later from the event loop. */
    void (*run)(struct backend *backend, struct backend_call *call);
    /** It reads much: runs on the asker's thread, as operational() does, and ends at once. */
    bool reads;
};

/** What a backend can do. A pointer may be NULL where "may be NULL" is said. */
struct backend_ops {
    const char *name;    /**< "ipvs". */
    const char *summary; /**< For --help and the log: what engine it manages. */
    /** Paths of top-level containers, ended by NULL; none if it follows others' alone. */
    const char *const *claims;
    /**
     * Paths of containers that others claim and whose changes and state concern this backend, too:
     * it takes part in their transactions and reads as if it claimed them. Ended by NULL; may be
     * NULL.
     */
    const char *const *follows;
    /** Operations that it carries out, ended by one without a path; may be NULL. */
    const struct backend_operation *operations;

    /**
     * Begin work and bring the engine to what the running configuration says. An engine that is
     * missing is no error: backend_report_down() says so and the agent goes on. Core thread.
     * @return FAILED ends the agent's start.
     */
    enum outcome (*start)(struct backend *backend, const struct snapshot *running,
                          struct error *err);

    /** Plan the change; may refuse or fail; changes nothing. Core thread. */
    void (*prepare)(struct backend *backend, struct backend_step *step);

    /** Carry the plan out. What was done half must be undone before it fails. Core thread. */
    void (*apply)(struct backend *backend, struct backend_step *step);

    /** Take back what apply did. Core thread. */
    void (*revert)(struct backend *backend, struct backend_step *step);

    /** Free a plan. Core thread. May be NULL if plans own nothing. */
    void (*release)(struct backend *backend, void *plan);

    /**
     * Add the state of entries to their nodes. Any thread, several at a time, also while a
     * transaction runs: it must not touch what the core thread changes. May be NULL.
     */
    enum outcome (*operational)(struct backend *backend, const struct state_request *request,
                                struct error *err);

    /**
     * Turn what the engine holds into configuration, without an agent at work (noriad --adopt).
     * Reads only. May be NULL.
     * @param[out] tree Siblings; NULL if it holds nothing. To be freed.
     */
    enum outcome (*adopt)(const struct schema *schema, struct lyd_node **tree, struct error *err);

    /**
     * End work; services that the engine gives go on. Called once, on the core thread, after the
     * last transaction. Handles that it closes are freed while the loop runs out. May be NULL.
     */
    void (*stop)(struct backend *backend);
};

/** A backend at work. */
struct backend {
    const struct backend_ops *ops;
    void *data;      /**< The backend's own. */
    uv_loop_t *loop; /**< The core thread's. */
    const struct schema *schema;
    struct agent *agent; /**< For steering, alarms and events; else the agent's own alone. */
    bool started;        /**< start() succeeded. */
    uv_mutex_t lock;     /**< Guards what follows. */
    bool up;
    char *reason;        /**< Why it is down, or NULL. Owned. */
    int64_t last_change; /**< Of up, in nanoseconds since 1970 UTC. */
};

/** Report that the engine works; logs if that is new. Core thread. */
void backend_report_up(struct backend *backend);

/** Report that the engine is missing or does not obey; logs if that is new. Core thread. */
void backend_report_down(struct backend *backend, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** All backends of this build, ended by NULL (registry.c). */
extern const struct backend_ops *const backend_registry[];

/**
 * Null backends that take the place of those with the same claims where the agent is told so
 * (--with-null-backend=all, for tests without a kernel), ended by NULL (registry.c).
 */
extern const struct backend_ops *const backend_stand_ins[];

/**
 * Add a state leaf below a node: name is the leaf's, or a path of existing or new containers
 * ("statistics/connections"). Leaves of the node's own module only. Any thread, own nodes only.
 */
enum outcome state_add(struct lyd_node *node, const char *name, const char *value,
                       struct error *err);

/** state_add() for a number; the leaf is of an integer type. */
enum outcome state_add_number(struct lyd_node *node, const char *name, uint64_t value,
                              struct error *err);

/** state_add() for a time, in nanoseconds since 1970 UTC. */
enum outcome state_add_time(struct lyd_node *node, const char *name, int64_t nanoseconds,
                            struct error *err);

#endif
