/*
 * The agent's own state as something to be tracked: the quorums of virtual servers and the agent's
 * health, each a number in a file that keepalived watches. keepalived alone knows none of them.
 *
 * The role of a volume gets its place here: a kind of file (files.h), a list in the model's
 * grouping 'tracking', and a line in vrrp_own_write(), which reads it from
 * agent/steering/standing.h.
 *
 * Core thread.
 */
#ifndef NORIA_VRRP_OWN_H
#define NORIA_VRRP_OWN_H

#include <stdbool.h>
#include <stddef.h>

struct agent;
struct change_set;
struct vrrp;

/**
 * Whether the agent is unwell: a backend that serves clients is down.
 * @param[out] why For people, if it is.
 */
bool vrrp_own_unwell(struct agent *agent, char *why, size_t room);

/** Put what is tracked into its files: by what is new in a change; NULL: by anything. */
void vrrp_own_write(const struct vrrp *vrrp, const struct change_set *changes);

/**
 * Hold the lock that says that the agent is alive, until the agent ends, however it does. A script
 * of keepalived tries it (generate.c).
 * @return A descriptor, or -1 with errno.
 */
int vrrp_own_hold(const char *folder);

#endif
