/*
 * KEEPALIVED-MIB: its notifications of real servers and quorums, for those who know keepalived's.
 */
#ifndef NORIA_SNMP_KEEPALIVED_TRAP_H
#define NORIA_SNMP_KEEPALIVED_TRAP_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/agent.h"

/**
 * What an event is as realServerStateChange or virtualServerQuorumStateChange, object by object as
 * keepalived 2.2.7 sends it: without instances. SNMP thread.
 * @return snmpTrapOID and the objects, to be freed; NULL if it is neither, or its virtual server
 *         has gone meanwhile.
 */
netsnmp_variable_list *keepalived_trap(struct agent *agent, const struct lyd_node *event);

#endif
