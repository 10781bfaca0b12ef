/*
 * VRRP-MIB (RFC 2787) and VRRPV3-MIB (RFC 6527): what their tables share.
 *
 * Virtual routers of version 2 are in both, those of version 3 in the second, as keepalived has it.
 * A row is there while its interface is, by whose number it is known.
 */
#ifndef NORIA_SNMP_VRRP_MIB_H
#define NORIA_SNMP_VRRP_MIB_H

#include "agent/snmp/tables.h"

#define VRRP_MIB_LENGTH 7

/** vrrpMIB, { mib-2 68 }. */
extern const oid vrrp_mib[VRRP_MIB_LENGTH];

/** vrrpv3MIB, { mib-2 207 }. */
extern const oid vrrpv3_mib[VRRP_MIB_LENGTH];

/** Whether an instance is of version 2, or an address of one. */
bool vrrp_mib_is_v2(const struct lyd_node *row);

/** InetAddressType of an instance, or of one of its addresses. */
bool vrrp_mib_family(const struct lyd_node *row, struct snmp_value *value);

/** Number of the interface of an instance, and its VRID. @return 2; 0: the interface is missing. */
size_t vrrp_mib_index(const struct lyd_node *row, const uint32_t *numbers, uint32_t *index);

/** initialize(1), backup(2), master(3); a fault is the first. */
bool vrrp_mib_state(const struct lyd_node *row, struct snmp_value *value);

/** How many addresses are in advertisements. */
bool vrrp_mib_address_count(const struct lyd_node *row, struct snmp_value *value);

/** RowStatus: active(1), or notInService(2) while the instance is not enabled. */
bool vrrp_mib_row_status(const struct lyd_node *row, struct snmp_value *value);

/** 0. */
bool vrrp_mib_zero(const struct lyd_node *row, struct snmp_value *value);

#endif
