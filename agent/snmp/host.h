/*
 * The node's own MIBs: interfaces, protocols and resources of the host, by Net-SNMP's modules.
 */
#ifndef NORIA_SNMP_HOST_H
#define NORIA_SNMP_HOST_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>
#include <stdbool.h>

/**
 * Have Net-SNMP answer for IF-MIB, IP-MIB, TCP-MIB, UDP-MIB and HOST-RESOURCES-MIB until it is shut
 * down, which is for good: later calls do nothing. Nothing of them can be written. Between
 * init_agent() and init_snmp(); SNMP thread.
 */
void snmp_host_register(void);

/** Whether an OID is in those MIBs. */
bool snmp_host_has(const oid *name, size_t length);

#endif
