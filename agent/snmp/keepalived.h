/*
 * KEEPALIVED-MIB: what its tables share.
 *
 * The text of the MIB is the keepalived package's. Objects, types and values are as keepalived
 * 2.2.7 gives them; indexes are the numbers that rows keep, where keepalived counts positions.
 */
#ifndef NORIA_SNMP_KEEPALIVED_H
#define NORIA_SNMP_KEEPALIVED_H

#include "agent/snmp/tables.h"

#define KEEPALIVED_MIB_LENGTH 9

/** keepalived, { enterprises 9586 100 5 }. */
extern const oid keepalived_mib[KEEPALIVED_MIB_LENGTH];

/*
 * What follows derives a column's value; the row is a virtual server or, where health checks are
 * meant, a real server as well.
 */

/** 0, or a text of no length. */
bool keepalived_zero(const struct lyd_node *row, struct snmp_value *value);

/** 1: yes, enabled, or the first of a list. */
bool keepalived_one(const struct lyd_node *row, struct snmp_value *value);

/** 2: no, or disabled. */
bool keepalived_two(const struct lyd_node *row, struct snmp_value *value);

/** delay-loop in seconds. */
bool keepalived_delay_loop(const struct lyd_node *row, struct snmp_value *value);

/** delay-loop in microseconds. */
bool keepalived_delay_loop_usec(const struct lyd_node *row, struct snmp_value *value);

/** Failures that are let pass. */
bool keepalived_retry(const struct lyd_node *row, struct snmp_value *value);

/** delay-before-retry in seconds. */
bool keepalived_retry_delay(const struct lyd_node *row, struct snmp_value *value);

/** delay-before-retry in microseconds. */
bool keepalived_retry_delay_usec(const struct lyd_node *row, struct snmp_value *value);

/** warmup in seconds. */
bool keepalived_warmup(const struct lyd_node *row, struct snmp_value *value);

/** warmup in microseconds. */
bool keepalived_warmup_usec(const struct lyd_node *row, struct snmp_value *value);

/** timeout in microseconds. */
bool keepalived_timeout_usec(const struct lyd_node *row, struct snmp_value *value);

/** Whether alpha mode is enabled(1) or disabled(2). */
bool keepalived_alpha(const struct lyd_node *row, struct snmp_value *value);

/** Whether checks are run only while an address of the virtual server is held: true(1), false(2).
 */
bool keepalived_ha_suspend(const struct lyd_node *row, struct snmp_value *value);

/** Whether omega mode is enabled(1) or disabled(2). */
bool keepalived_omega(const struct lyd_node *row, struct snmp_value *value);

/** The command that a leaf of the health checks names, in quotes as keepalived has it. */
bool keepalived_command(const struct lyd_node *row, const char *leaf, struct snmp_value *value);

/** What is done when a real server is down: remove(1), inhibit(2). */
bool keepalived_action(const struct lyd_node *row, struct snmp_value *value);

/** The host that the row's own first HTTP check asks for. */
bool keepalived_virtual_host(const struct lyd_node *row, struct snmp_value *value);

/** Kind of tunnel, if the row forwards by one. */
bool keepalived_tunnel_type(const struct lyd_node *row, struct snmp_value *value);

/** Port of the tunnel, if it has one. */
bool keepalived_tunnel_port(const struct lyd_node *row, struct snmp_value *value);

/** Checksum of the tunnel, if it can have one. */
bool keepalived_tunnel_checksum(const struct lyd_node *row, struct snmp_value *value);

/** Whether a real server is up. */
bool keepalived_is_alive(const struct lyd_node *real_server);

/** The first child of a name, or NULL. */
const struct lyd_node *keepalived_child(const struct lyd_node *parent, const char *name);

/** Whether a virtual server is a group of members. */
bool keepalived_is_group(const struct lyd_node *row);

#endif
