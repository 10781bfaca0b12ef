/*
 * Connections: those that listeners by TCP have accepted.
 *
 * Anybody can open them, so that there are no more than a number: where that is reached, the one
 * that was silent longest makes room if it was for a while. None can say that its message is larger
 * than any that is meant. On the SNMP thread.
 */
#ifndef NORIA_SNMP_CONNECTION_H
#define NORIA_SNMP_CONNECTION_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

/** Bound the connections of a listener's transport, before it accepts any. */
void snmp_connections_bound(netsnmp_transport *listener);

/** End the connections of a listener; NULL is legal. */
void snmp_connections_end(const netsnmp_transport *listener);

#endif
