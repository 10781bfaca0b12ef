/*
 * The kernel's list of the table, /proc/net/ip_vs: all services with their destinations in a few
 * hundred system calls, where netlink needs two or three for each service. It does not show all
 * settings, so it only says of plain services that the kernel has them as they are desired.
 *
 * Any thread. Errors are errnos: 0 is success.
 */
#ifndef NORIA_IPVS_LISTING_H
#define NORIA_IPVS_LISTING_H

#include "backends/ipvs/service.h"

/**
 * Read the list of a network namespace.
 * @param path Of the namespace (namespace.h); NULL: our own.
 * @param[out] listed To be freed with ipvs_table_clear(), also after an error. Services by mark
 *             and those of other protocols than TCP, UDP and SCTP have no identity in it; one with
 *             flags that are not 0 has some settings that are not plain.
 */
int ipvs_listing_read(const char *path, struct ipvs_table *listed);

/** Read the list from its text. @return EBADMSG: it is none. */
int ipvs_listing_parse(const char *text, struct ipvs_table *listed);

/**
 * Whether a service is plain, and is listed just as it is desired.
 * @param listed Its destinations get sorted.
 */
bool ipvs_listing_shows(struct ipvs_service *listed, const struct ipvs_service *desired);

#endif
