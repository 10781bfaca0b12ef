/*
 * Addresses of interfaces, over a route netlink socket of a network namespace (rtnetlink(7)).
 *
 * A socket is used by one thread at a time. Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_RTNETLINK_H
#define NORIA_IPVS_RTNETLINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * What marks an address as this agent's (IFA_PROTO, Linux 5.18): the kernel keeps it with the
 * address, so it outlives the agent and ends with the address. Older kernels keep no such mark;
 * there, addresses that an agent has left behind are taken for someone else's.
 */
#define IPVS_ADDRESS_PROTOCOL 0x6e

/** An address of an interface. */
struct ipvs_address {
    char interface[IF_NAMESIZE];
    char label[IF_NAMESIZE]; /**< IPv4 alone; "" is none of its own. */
    uint16_t family;
    uint8_t address[16]; /**< IPv4 in the first 4 octets. */
    uint8_t prefix_length;
    uint8_t scope; /**< RT_SCOPE_*. */
    bool no_prefix_route;
    bool ours; /**< Only of what is held: it has our mark. */
};

/** Addresses; {0} is none. */
struct ipvs_addresses {
    struct ipvs_address *list; /**< Owned. */
    size_t count;
    size_t room;
};

/**
 * Open a socket.
 * @param path Of the namespace, as in namespace.h.
 * @param groups RTMGRP_*: of what the socket tells, for a monitor, which never blocks; 0: none.
 * @param[out] fd To be closed.
 */
int ipvs_route_open(const char *path, unsigned groups, int *fd);

/** Read what a monitor has told, and forget it. @return Whether there was anything. */
bool ipvs_route_drain(int fd);

/**
 * Read all addresses (RTM_GETADDR), as they are at one moment.
 * @param[out] addresses Set to them unless it fails; its list is to be freed.
 * @return EINTR: they change all the time.
 */
int ipvs_route_addresses(int fd, struct ipvs_addresses *addresses);

/** Put an address on its interface (RTM_NEWADDR). @return ENODEV: there is no such interface. */
int ipvs_route_add(int fd, const struct ipvs_address *address);

/**
 * Take an address away (RTM_DELADDR), and no other one of its subnet; one that is not there is no
 * error.
 * @param path Of the namespace, as of ipvs_route_open().
 */
int ipvs_route_delete(int fd, const char *path, const struct ipvs_address *address);

#endif
