/*
 * What an instance of VRRP places where the master is, and what is static: addresses, routes,
 * rules.
 */
#ifndef NORIA_IMPORT_KEEPALIVED_PLACE_H
#define NORIA_IMPORT_KEEPALIVED_PLACE_H

#include "clients/import/keepalived_read.h"

/**
 * Read a block of them.
 * @param parent The entry of the instance, or, for what is static, the container vrrp.
 * @param interface Where addresses go that name none; NULL: where the model has them go.
 * @param statement virtual_ipaddress, virtual_ipaddress_excluded, virtual_routes, virtual_rules,
 *        static_ipaddress, static_routes or static_rules.
 */
void keepalived_place(struct import *import, struct lyd_node *parent, const char *interface,
                      const struct statement *statement);

#endif
