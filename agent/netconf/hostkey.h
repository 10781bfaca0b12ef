/*
 * Host keys: what the server shows clients to be known by.
 *
 * One key (hostkey.c): made, read, written. A set of them (hostkey_set.c): what the configuration
 * says, loaded. The set in use (hostkeys.c): the change from one to another as part of a
 * transaction, and its state.
 * Changed on the core thread; making and writing keys is work of helper threads.
 */
#ifndef NORIA_NETCONF_HOSTKEY_H
#define NORIA_NETCONF_HOSTKEY_H

#include <libssh/libssh.h>
#include <libssh/server.h>

#include "agent/outcome.h"
#include "backends/backend.h"

/** Algorithms, as /noria-agent:host-key-algorithm has them. */
enum hostkey_algorithm { HOSTKEY_ED25519, HOSTKEY_ECDSA, HOSTKEY_RSA, HOSTKEY_ALGORITHMS };

/** Their names in the model. */
extern const char *const hostkey_algorithm_names[HOSTKEY_ALGORITHMS];

/* hostkey.c: any thread. */

/**
 * Make a private key. Takes seconds for a long one of RSA.
 * @param bits 0: what is usual.
 */
enum outcome hostkey_make(enum hostkey_algorithm algorithm, int bits, ssh_key *key,
                          struct error *err);

/**
 * Read a private key from a file that only its owner, the agent's user, can read.
 * @param where Path of the configuration for errors, or NULL.
 * @return REFUSED with what is wrong with the file and what to do.
 */
enum outcome hostkey_read(const char *file, const char *where, ssh_key *key, struct error *err);

/** Put a private key in the place of a file, mode 0600, on stable storage. */
enum outcome hostkey_write(ssh_key key, const char *folder, const char *file, struct error *err);

/** The algorithm of a key; HOSTKEY_ALGORITHMS is one that we do not offer. */
enum hostkey_algorithm hostkey_algorithm_of(ssh_key key);

/**
 * The public half as texts.
 * @param[out] line Type and base64. @param[out] fingerprint "SHA256:...". Both to be freed.
 */
enum outcome hostkey_describe(ssh_key key, char **line, char **fingerprint, struct error *err);

/* hostkey_set.c: any thread, each set one at a time. */

/** A key of a set. */
struct hostkey {
    char *name;
    char *where; /**< Path of the configuration, or NULL: one of the agent's own. */
    char *file;
    bool made; /**< The agent makes and keeps it; else it is the administrator's. */
    enum hostkey_algorithm algorithm; /**< HOSTKEY_ALGORITHMS: not known before it is loaded. */
    int bits;                         /**< 0: what is usual. */
    ssh_key key;                      /**< NULL: not loaded, or it cannot be used. */
    bool fresh;                       /**< It was made, and there is no file of it yet. */
    char *line;                       /**< The public half. */
    char *fingerprint;
    char *reason; /**< Why it cannot be used, or NULL. */
};

/** A set. All that it points to is owned. */
struct hostkey_set {
    size_t count;
    struct hostkey *all;
};

/** Free what a key owns. */
void hostkey_clear(struct hostkey *key);

/** Free what a set owns, and empty it. */
void hostkey_set_free(struct hostkey_set *set);

/** The key that an entry of the list host-key says, not loaded. hostkey_clear() also on failure. */
enum outcome hostkey_read_entry(const char *state_dir, const struct entry *entry,
                                struct hostkey *key, struct error *err);

/** The set that a configuration says, not loaded: without an entry, the agent's own. */
enum outcome hostkey_set_read(const struct schema *schema, const char *state_dir,
                              const struct snapshot *snapshot, struct hostkey_set *set,
                              struct error *err);

/** The agent's own keys, not loaded. */
enum outcome hostkey_set_read_own(const char *state_dir, struct hostkey_set *set,
                                  struct error *err);

/** Whether two sets are the same by configuration. */
bool hostkey_set_same(const struct hostkey_set *a, const struct hostkey_set *b);

/**
 * Load the keys, and make those that have no file; writes none.
 * @return REFUSED for one that cannot be used, or for two of an algorithm.
 */
enum outcome hostkey_set_load(struct hostkey_set *set, struct error *err);

/**
 * Load the keys that can be used; the others are logged, and have a reason: one bad key is not to
 * keep all out who know the others.
 * @return How many can be used.
 */
size_t hostkey_set_load_some(struct hostkey_set *set);

/** Write the keys that were made to their files. */
enum outcome hostkey_set_write(const char *folder, struct hostkey_set *set, struct error *err);

/** What libssh is given: copies. @param[out] bind To be freed, also after a failure. */
enum outcome hostkey_set_bind(const struct hostkey_set *set, ssh_bind *bind, struct error *err);

/* hostkeys.c */

/** The keys of the server. */
struct hostkeys;
/** A change from one set to another. */
struct hostkeys_plan;

/**
 * Load the keys that a configuration says, and make those that are missing. A configured key that
 * cannot be used is logged and left out; if none is left, the agent's own are used. Core thread.
 * @return FAILED if there would be no key.
 */
enum outcome hostkeys_new(const struct schema *schema, const char *state_dir,
                          const struct snapshot *running, struct hostkeys **keys,
                          struct error *err);

/** End: calls that are under way are ended with FAILED. Core thread, with its loop still to run. */
void hostkeys_free(struct hostkeys *keys);

/** A step of a plan is over. Core thread. */
typedef void hostkeys_done(struct hostkeys_plan *plan, enum outcome outcome, void *arg);

/**
 * Plan the change to another configuration: load or make its keys. Changes nothing yet.
 * @param[out] plan NULL if keys do not change: then done is not called. To be freed.
 * @param err Kept until done is called.
 * @return DONE: done will be called, or there is nothing to plan.
 */
enum outcome hostkeys_prepare(struct hostkeys *keys, uv_loop_t *loop, const struct snapshot *after,
                              struct hostkeys_plan **plan, hostkeys_done *done, void *arg,
                              struct error *err);

/** Carry a plan out: write the keys that were made, then use the set. Ends with done. */
void hostkeys_apply(struct hostkeys_plan *plan, hostkeys_done *done, void *arg, struct error *err);

/** Take back what hostkeys_apply() did, also where it failed. */
void hostkeys_revert(struct hostkeys_plan *plan);

/** Free a plan; NULL is legal. */
void hostkeys_release(struct hostkeys_plan *plan);

/** The action 'generate'. */
void hostkeys_generate(struct hostkeys *keys, struct backend_call *call);

/** Add the state to a node "state" of the model. Any thread. */
enum outcome hostkeys_state(struct hostkeys *keys, struct lyd_node *state, struct error *err);

/** Begin an SSH connection by the keys. Any thread. @return libssh's SSH_OK or SSH_ERROR. */
int hostkeys_accept(struct hostkeys *keys, ssh_session ssh, int socket);

#endif
