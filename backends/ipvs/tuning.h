/*
 * The settings of a director at work: read from the kernel, planned, set, taken back. Core thread,
 * but for the state.
 */
#ifndef NORIA_IPVS_TUNING_H
#define NORIA_IPVS_TUNING_H

#include "agent/datastore/entry.h"
#include "backends/ipvs/settings.h"

struct ipvs_directors;
struct ipvs_engine;
struct ipvs_socket;

/** The leaf of a director that names the VRRP instance that its daemons follow. */
#define IPVS_FOLLOWED "sync-daemon/vrrp-instance"

/** What becomes of an engine's settings; {0}: nothing. */
struct ipvs_tuning {
    const struct lyd_node *node; /**< For errors: the director, after or before. Borrowed. */
    bool planned;                /**< The two that follow are there. */
    struct ipvs_settings held;   /**< What the kernel had. */
    struct ipvs_settings target; /**< What it is to have. */
};

/**
 * Read what the kernel has. Any thread.
 * @param path Of the namespace, where the socket is; NULL: our own.
 * @param[out] settings To be freed with ipvs_settings_clear(), also after an error.
 * @return An errno.
 */
int ipvs_tuning_read(struct ipvs_socket *sock, const char *path, struct ipvs_settings *settings);

/**
 * Plan from the director's entries.
 * @param before, after NULL: there was, or is, none.
 * @return REFUSED for what the kernel lacks, the rest may be set; FAILED if it cannot be read.
 */
enum outcome ipvs_tuning_plan(struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                              const struct entry *before, const struct entry *after,
                              struct error *err);

/** Set what differs; if that fails, what was set is taken back. @return DONE or FAILED. */
enum outcome ipvs_tuning_apply(const struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                               struct error *err);

/** Take back what was set. @return DONE or FAILED. */
enum outcome ipvs_tuning_take_back(const struct ipvs_tuning *tuning, struct ipvs_engine *engine,
                                   struct error *err);

/** Free what it owns, and empty it. */
void ipvs_tuning_clear(struct ipvs_tuning *tuning);

/**
 * Give the kernel the settings that running says, when an engine comes up; what it does not take
 * is logged.
 * @return How many settings it did not take: 0 or 1, as the first ends it.
 */
size_t ipvs_tuning_reconcile(struct ipvs_engine *engine, bool silent);

/** A VRRP instance has another role: have the daemons of the directors that follow it do so. */
void ipvs_tuning_follow(struct ipvs_directors *directors, const char *instance);

/**
 * Find where the kernel's settings are not as running says.
 * @param repair Whether they are to be set again.
 * @param tell Called for each, with a text for people; repaired: it has been set again.
 */
void ipvs_tuning_compare(struct ipvs_engine *engine, bool repair,
                         void (*tell)(void *arg, const char *difference, bool repaired), void *arg);

/**
 * Add the settings that the kernel has to a reader's node. Any thread.
 * @param sock A socket of the engine's pool. @param[out] error An errno of the socket's, or 0.
 */
enum outcome ipvs_tuning_state(struct ipvs_engine *engine, struct ipvs_socket *sock,
                               struct lyd_node *node, int *error, struct error *err);

#endif
