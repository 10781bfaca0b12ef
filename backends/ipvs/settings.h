/*
 * The settings of a director: time-outs, parameters, synchronisation daemons. As values, from the
 * configuration, and laid over what the kernel has. Pure functions; any thread.
 */
#ifndef NORIA_IPVS_SETTINGS_H
#define NORIA_IPVS_SETTINGS_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/outcome.h"

struct lyd_node;

/** How many parameters there are. */
#define IPVS_PARAMETERS 32

/** A parameter: a file below /proc/sys/net/ipv4/vs, or one of the two numbers in a file. */
struct ipvs_parameter {
    const char *name;     /**< Of its leaf; that of the file has '_' for '-'. */
    const char *standard; /**< The kernel's default; NULL: it computes one. */
    const char *file;     /**< Where the name differs; NULL: it does not. */
    int place;            /**< In the file, if that has two numbers: the first is 0. */
    const char *module;   /**< The kernel module that has it; NULL: that of IPVS itself. */
};

/** All parameters, in the order of their files. */
extern const struct ipvs_parameter ipvs_parameters[IPVS_PARAMETERS];

/** The time-outs. */
enum ipvs_timeout { IPVS_TIMEOUT_TCP, IPVS_TIMEOUT_TCP_FIN, IPVS_TIMEOUT_UDP, IPVS_TIMEOUTS };

/** Names of the leaves of the time-outs. */
extern const char *const ipvs_timeout_names[IPVS_TIMEOUTS];

/** The kernel's defaults, in seconds. */
extern const uint32_t ipvs_standard_timeouts[IPVS_TIMEOUTS];

/** What a synchronisation daemon is for. */
enum ipvs_role { IPVS_MASTER, IPVS_BACKUP, IPVS_ROLES };

/** Names of the containers of the roles. */
extern const char *const ipvs_role_names[IPVS_ROLES];

/** A synchronisation daemon. */
struct ipvs_daemon {
    bool on;
    char interface[IF_NAMESIZE];
    uint8_t sync_id;
    uint8_t ttl;
    uint16_t max_length; /**< 0: the kernel's choice; of what is held: what it chose. */
    uint16_t port;       /**< In host order. */
    uint16_t family;     /**< Of the group. */
    uint8_t group[16];   /**< IPv4 in the first 4 octets. */
};

/** Settings. {0} says nothing. */
struct ipvs_settings {
    char *parameters[IPVS_PARAMETERS]; /**< NULL: not said, or not known to the kernel. Owned. */
    uint32_t timeouts[IPVS_TIMEOUTS];  /**< Seconds; 0: not said. */
    struct ipvs_daemon daemons[IPVS_ROLES];
};

/**
 * What a director's configuration says.
 * @param node Its instance; NULL says nothing.
 * @param[out] settings To be freed with ipvs_settings_clear(), also after a failure.
 * @return Whether there was memory.
 */
bool ipvs_settings_desired(const struct lyd_node *node, struct ipvs_settings *settings);

/** Which of the daemons that are configured are to run. */
enum ipvs_follow {
    IPVS_FOLLOW_NONE,   /**< They follow nothing: all of them. */
    IPVS_FOLLOW_MASTER, /**< The VRRP instance that they follow is master: the master. */
    IPVS_FOLLOW_BACKUP, /**< It is not: the backup. */
    IPVS_FOLLOW_HELD,   /**< It is not known yet: the one that runs; if none does, the backup. */
};

/**
 * What the kernel is to have: what it has, with what is configured laid over it, and the kernel's
 * defaults for what was configured before and is no more. All else stays as it is.
 * @param before, after Instances of the director; NULL: there was, or is, none.
 * @param follow Which of the configured daemons are to run.
 * @param[out] target To be freed with ipvs_settings_clear(), also after an error.
 * @return REFUSED for a parameter that the kernel lacks; the target is the rest.
 */
enum outcome ipvs_settings_target(const struct ipvs_settings *held, const struct lyd_node *before,
                                  const struct lyd_node *after, enum ipvs_follow follow,
                                  struct ipvs_settings *target, struct error *err);

/** Whether a parameter need not be written: the kernel counts two of its modes as one. */
bool ipvs_parameter_same(size_t parameter, const char *a, const char *b);

/** Whether a daemon that runs is as it is to be. */
bool ipvs_daemon_same(const struct ipvs_daemon *held, const struct ipvs_daemon *target,
                      enum ipvs_role role);

/** Free what settings own, and empty them. */
void ipvs_settings_clear(struct ipvs_settings *settings);

#endif
