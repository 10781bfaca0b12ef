/*
 * The kernel's IPVS table over generic netlink (family "IPVS"; the commands and attributes are
 * those of linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c answers them).
 *
 * A socket is used by one thread at a time; after an error in reading it is to be closed, as
 * answers may be left in it. Every call waits for its answers, which the kernel
 * gives at once, and gives up after a few seconds of silence. Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_KERNEL_H
#define NORIA_IPVS_KERNEL_H

#include "backends/ipvs/reconcile.h"
#include "backends/ipvs/service.h"

/** An open socket. */
struct ipvs_socket;

/**
 * Open a socket and find the family; the kernel loads its module ip_vs for that if it can.
 * @param[out] opened To be closed with ipvs_close().
 * @return ENOENT: the kernel has no IPVS; EPERM: it does not let us; or another errno.
 */
int ipvs_open(struct ipvs_socket **opened);

/** Close a socket; NULL is legal. */
void ipvs_close(struct ipvs_socket *sock);

/**
 * Read all services, without destinations (IPVS_CMD_GET_SERVICE, dumped).
 * @param table Where to add them.
 * @return 0 or an errno; ENOENT: the kernel has lost IPVS, open a new socket.
 */
int ipvs_read_services(struct ipvs_socket *sock, struct ipvs_table *table);

/**
 * Read some services, without destinations, many a system call (IPVS_CMD_GET_SERVICE).
 * @param table Where to add those that are there.
 * @return 0 or an errno as of ipvs_read_services().
 */
int ipvs_read_some(struct ipvs_socket *sock, const struct ipvs_service_id *ids, size_t count,
                   struct ipvs_table *table);

/**
 * Read the destinations of a service (IPVS_CMD_GET_DEST, dumped); none if it is not there.
 * @param service Where to add them; it is found by its identity.
 * @return 0 or an errno as of ipvs_read_services().
 */
int ipvs_read_destinations(struct ipvs_socket *sock, struct ipvs_service *service);

/**
 * Do operations in their order, many a system call (IPVS_CMD_{NEW,SET,DEL}_{SERVICE,DEST}), and
 * set the result of each. After an error, some of those that were sent with it may be done; all
 * results are true.
 * @param go_on Whether to send more after an error.
 * @return 0, or the errno of the first operation that failed, or, if none did, of the socket.
 */
int ipvs_run(struct ipvs_socket *sock, struct ipvs_operation *operations, size_t count, bool go_on);

#endif
