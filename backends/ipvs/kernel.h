/*
 * The kernel's IPVS table over a socket of netlink.h (the commands and attributes are those of
 * linux/ip_vs.h, net/netfilter/ipvs/ip_vs_ctl.c answers them). Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_KERNEL_H
#define NORIA_IPVS_KERNEL_H

#include "backends/ipvs/reconcile.h"
#include "backends/ipvs/service.h"

struct ipvs_socket;

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
 * Read the whole table: all services with their destinations, sorted.
 * @param table Where to add them.
 * @return 0 or an errno as of ipvs_read_services().
 */
int ipvs_read_table(struct ipvs_socket *sock, struct ipvs_table *table);

/**
 * Do operations in their order, many a system call (IPVS_CMD_{NEW,SET,DEL}_{SERVICE,DEST}), and
 * set the result of each. After an error, some of those that were sent with it may be done; all
 * results are true.
 * @param go_on Whether to send more after an error.
 * @return 0, or the errno of the first operation that failed, or, if none did, of the socket.
 */
int ipvs_run(struct ipvs_socket *sock, struct ipvs_operation *operations, size_t count, bool go_on);

/**
 * Set counters to zero, of services with their destinations (IPVS_CMD_ZERO).
 * @param ids Which; NULL: all, and the director's total.
 * @return 0 or an errno; ESRCH: there is no such service.
 */
int ipvs_zero(struct ipvs_socket *sock, const struct ipvs_service_id *ids, size_t count);

#endif
