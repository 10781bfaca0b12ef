/*
 * What an instance of VRRP places where the master is: addresses, routes, rules.
 */
#ifndef NORIA_IMPORT_KEEPALIVED_PLACE_H
#define NORIA_IMPORT_KEEPALIVED_PLACE_H

#include "clients/import/keepalived_read.h"

/**
 * Read a block of them.
 * @param instance The entry of the instance.
 * @param statement virtual_ipaddress, virtual_ipaddress_excluded, virtual_routes or virtual_rules.
 */
void keepalived_place(struct import *import, struct lyd_node *instance,
                      const struct statement *statement);

#endif
