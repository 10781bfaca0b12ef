/*
 * KEEPALIVED-MIB: what its VRRP tables share.
 */
#ifndef NORIA_SNMP_KEEPALIVED_VRRP_H
#define NORIA_SNMP_KEEPALIVED_VRRP_H

#include "agent/snmp/keepalived.h"

/** VrrpState of a name, "master"; 4, unknown, of any other and of NULL. */
uint64_t keepalived_vrrp_state(const char *name);

/** VrrpState of an instance or a group. */
bool keepalived_vrrp_state_of(const struct lyd_node *row, struct snmp_value *value);

/** Whether anything is run when the state changes: enabled(1), disabled(2). */
bool keepalived_vrrp_notifies(const struct lyd_node *row, struct snmp_value *value);

/** InetScopeType of a scope's name, "global". */
uint64_t keepalived_vrrp_scope(const char *name);

/** An IP address, or one with the length of its network, as octets. @return false for NULL. */
bool keepalived_vrrp_octets(const char *text, struct snmp_value *value);

/** The number of a routing table, by its number or one of the kernel's names. */
bool keepalived_vrrp_table(const char *name, struct snmp_value *value);

/** The number of who makes routes and rules, and 1, as keepalived gives it; NULL: keepalived. */
bool keepalived_vrrp_protocol(const char *name, struct snmp_value *value);

/** The number that a text begins with. @return false for NULL, and where there is none. */
bool keepalived_vrrp_number(const char *text, struct snmp_value *value);

/** The realms of a route or a rule: they are written "from/to", or as the destination's alone. */
bool keepalived_vrrp_realm_to(const struct lyd_node *row, struct snmp_value *value);
bool keepalived_vrrp_realm_from(const struct lyd_node *row, struct snmp_value *value);

/** Take a text of no more than what is served. @return false for NULL. */
bool keepalived_vrrp_text(const char *text, struct snmp_value *value);

#endif
