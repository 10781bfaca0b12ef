/*
 * From configuration to what the kernel should hold: pure functions over validated entries.
 * Any thread.
 */
#ifndef NORIA_IPVS_DESIRED_H
#define NORIA_IPVS_DESIRED_H

#include "agent/datastore/entry.h"
#include "backends/ipvs/named.h"

/**
 * Which service a virtual server names, enabled or not; of a group, the first (group.h has all).
 * @param node The virtual-server instance; of an entry or of a copy.
 * @return Whether it names one; else *id is undefined.
 */
bool ipvs_desired_service_id(const struct lyd_node *node, struct ipvs_service_id *id);

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

#endif
