/*
 * The synchronisation daemons and the time-outs of the kernel's IPVS, over a socket of netlink.h.
 * Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_DAEMON_H
#define NORIA_IPVS_DAEMON_H

#include "backends/ipvs/netlink.h"
#include "backends/ipvs/settings.h"

/** Read the daemons that run (IPVS_CMD_GET_DAEMON, dumped). @param settings Its daemons are set. */
int ipvs_read_daemons(struct ipvs_socket *sock, struct ipvs_settings *settings);

/** Start a daemon (IPVS_CMD_NEW_DAEMON). @return ENODEV: there is no such interface. */
int ipvs_start_daemon(struct ipvs_socket *sock, enum ipvs_role role,
                      const struct ipvs_daemon *daemon);

/** Stop a daemon (IPVS_CMD_DEL_DAEMON); one that does not run is no error. */
int ipvs_stop_daemon(struct ipvs_socket *sock, enum ipvs_role role);

/** Read the time-outs (IPVS_CMD_GET_CONFIG). @param settings Its time-outs are set. */
int ipvs_read_timeouts(struct ipvs_socket *sock, struct ipvs_settings *settings);

/** Set the time-outs (IPVS_CMD_SET_CONFIG). */
int ipvs_set_timeouts(struct ipvs_socket *sock, const uint32_t timeouts[IPVS_TIMEOUTS]);

#endif
