/*
 * The objects that every SNMP agent serves: the system group of SNMPv2-MIB (RFC 3418), and what
 * Net-SNMP brings for itself. On the SNMP thread.
 */
#ifndef NORIA_SNMP_SYSTEM_H
#define NORIA_SNMP_SYSTEM_H

#include "agent/snmp/settings.h"

/**
 * Register them with Net-SNMP; between init_agent() and init_snmp().
 * @param settings Where the settings at hand are; NULL there: none.
 */
void snmp_system_register(struct snmp_settings *const *settings);

/** Name our MIBs in sysORTable, which may be a master agent's; between the same two. */
void snmp_system_register_mibs(bool subagent);

/** Take back what of it Net-SNMP does not take back itself; before it is shut down. */
void snmp_system_forget(void);

#endif
