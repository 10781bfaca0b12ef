/*
 * The objects that every SNMP agent serves: the system group of SNMPv2-MIB (RFC 3418), and what
 * Net-SNMP brings for itself. On the SNMP thread.
 */
#ifndef NORIA_SNMP_SYSTEM_H
#define NORIA_SNMP_SYSTEM_H

/** Register them with Net-SNMP; between init_agent() and init_snmp(). */
void snmp_system_register(void);

/** Take back what of it Net-SNMP does not take back itself; before it is shut down. */
void snmp_system_forget(void);

#endif
