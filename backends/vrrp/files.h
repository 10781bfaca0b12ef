/*
 * The files of the VRRP backend, in a folder of its own below the run folder, for root alone.
 */
#ifndef NORIA_VRRP_FILES_H
#define NORIA_VRRP_FILES_H

#include <stdbool.h>

/** The generated configuration. */
#define VRRP_CONFIGURATION "keepalived.conf"

/** keepalived's process identifiers: of the parent, and of those that speak VRRP and BFD. */
#define VRRP_PID "keepalived.pid"
#define VRRP_CHILD_PID "vrrp.pid"
#define VRRP_BFD_PID "bfd.pid"

/** Where keepalived writes what happens, a line each. */
#define VRRP_FIFO "notify"

/** Whoever holds the lock on it is the agent that is alive. */
#define VRRP_ALIVE "alive"

/** Names of the agent's own tracked files and scripts begin so; no configured one may. */
#define VRRP_OWN "noria."

/** Kinds of the agent's own tracked files, "KIND.NAME". */
#define VRRP_QUORUM "quorum" /**< 1 while the quorum of a virtual server is lost, else 0. */
#define VRRP_AGENT "agent"   /**< 1 while the agent is unwell; the one name is VRRP_AGENT_NAME. */
#define VRRP_ORDER "order"   /**< What is added to the priority of an instance. */
#define VRRP_GROUP_ORDER "group" /**< 1 while a group is to be in its fault state. */

/** The name of the one file of the kind VRRP_AGENT. */
#define VRRP_AGENT_NAME "health"

/** A number for VRRP_ORDER that makes an instance faulty: below what keepalived adds. */
#define VRRP_ORDER_FAULT (-254)

/**
 * Put a number into a tracked file; keepalived notices. Any thread.
 * @return false with errno.
 */
bool vrrp_file_set(const char *folder, const char *kind, const char *name, int value);

/** Remove a tracked file; one that is not there is no error. */
void vrrp_file_remove(const char *folder, const char *kind, const char *name);

#endif
