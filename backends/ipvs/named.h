/*
 * What a node of the configuration names: a service, a destination, a director. Pure functions over
 * validated data; any thread.
 */
#ifndef NORIA_IPVS_NAMED_H
#define NORIA_IPVS_NAMED_H

#include <libyang/libyang.h>

#include "backends/ipvs/service.h"

/** The value of a leaf below a node, by its path; the fallback if it is not there. Borrowed. */
const char *ipvs_value_or(const struct lyd_node *node, const char *path, const char *fallback);

/** The same of a leaf that is a number. */
uint32_t ipvs_number_or(const struct lyd_node *node, const char *path, uint32_t fallback);

/**
 * Which service a node names that has the leaves for it: a virtual server that is no group, or the
 * member of one.
 * @return Whether it names one; else *id is undefined.
 */
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
 * The path of a node with key predicates, for an error.
 * @param below What to append ("/scheduler"), or "".
 * @return To be freed; NULL for want of memory.
 */
char *ipvs_path(const struct lyd_node *node, const char *below);

#endif
