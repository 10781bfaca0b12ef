/*
 * Reading ahead: what a connection that is busy sends next is waited for and taken by one system
 * call, where Net-SNMP needs one to wait, one to take it, one to learn its own address each time,
 * and one before the answer. What was taken is handed to Net-SNMP when it reads.
 *
 * For requests by UDP over IPv4, and for the connection with a master agent. On the SNMP thread.
 */
#ifndef NORIA_SNMP_AHEAD_H
#define NORIA_SNMP_AHEAD_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>
#include <stdbool.h>

/** Have a transport read so from now on, unless it is of another kind or is so already. */
void snmp_ahead_adopt(netsnmp_transport *transport);

/** Whether a transport is adopted. */
bool snmp_ahead_has(const netsnmp_transport *transport);

/**
 * Wait some milliseconds for the next message of an adopted transport, and take it.
 * @return Whether there is something for Net-SNMP to read: a message, or the connection's end.
 */
bool snmp_ahead_wait(netsnmp_transport *transport);

/** Forget what was taken and not read, as the library is brought down. */
void snmp_ahead_forget(void);

#endif
