/*
 * The interfaces of this node, as a reader of the state finds them. Pure but for the list, which
 * getifaddrs(3) makes; any thread.
 */
#ifndef NORIA_VRRP_LINKS_H
#define NORIA_VRRP_LINKS_H

#include <ifaddrs.h>

#include "backends/backend.h"

/**
 * Add what is known of the interfaces of an instance, and of those that it or a group names.
 * @param links As getifaddrs() found them; NULL: none.
 * @param node Of an instance, a group, or a static address or route: a reader's own copy.
 */
enum outcome vrrp_links_add(const struct ifaddrs *links, struct lyd_node *node, struct error *err);

#endif
