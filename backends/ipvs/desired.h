/*
 * From configuration to what the kernel should hold: pure functions over validated entries.
 * Any thread.
 */
#ifndef NORIA_IPVS_DESIRED_H
#define NORIA_IPVS_DESIRED_H

#include "agent/datastore/entry.h"
#include "backends/ipvs/service.h"

/**
 * Which service a virtual server names, enabled or not; of a group, the first (group.h has all).
 * @param node The virtual-server instance; of an entry or of a copy.
 * @return Whether it names one; else *id is undefined.
 */
bool ipvs_desired_service_id(const struct lyd_node *node, struct ipvs_service_id *id);

/** The same from the node that has the leaves: a virtual server or the member of a group. */
bool ipvs_service_id_read(const struct lyd_node *node, struct ipvs_service_id *id);

/**
 * Which destination a real server names. Port 0 becomes the port of the service.
 * @param node The real-server instance; of an entry or of a copy.
 * @return Whether it names one; else *id is undefined.
 */
bool ipvs_desired_destination_id(const struct lyd_node *node, const struct ipvs_service_id *service,
                                 struct ipvs_destination_id *id);

/** The same from an address and a port. */
bool ipvs_destination_id_parse(const char *address, uint16_t port,
                               const struct ipvs_service_id *service,
                               struct ipvs_destination_id *id);

/**
 * The name of the director that serves a virtual server.
 * @param node The virtual-server instance; of an entry or of a copy. It owns the name.
 */
const char *ipvs_desired_director(const struct lyd_node *node);

/** Whether a virtual-server or real-server instance is enabled. */
bool ipvs_desired_enabled(const struct lyd_node *node);

/**
 * Add the service that an entry asks for to a table (of a group: all its services), with its sorry
 * servers beside it, or nothing if the entry is not enabled.
 * @param entry A valid entry of the list virtual-server; the table borrows its nodes.
 * @param table Where to add it; unchanged if not DONE.
 * @return REFUSED, with the path, for what the kernel cannot do and YANG cannot rule out:
 *         families mixed by another method than tun, a gue tunnel without a port, real servers
 *         that are one and the same to the kernel. FAILED for want of memory.
 */
enum outcome ipvs_desired(const struct entry *entry, struct ipvs_table *table, struct error *err);

/**
 * The path of a node with key predicates, for an error.
 * @param below What to append ("/scheduler"), or "".
 * @return To be freed; NULL for want of memory.
 */
char *ipvs_path(const struct lyd_node *node, const char *below);

#endif
