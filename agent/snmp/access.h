/*
 * Access: which managers may read, by their communities and addresses.
 *
 * SNMPv1 and v2c are decided here, for Net-SNMP's tables know no secrets that are not written into
 * a configuration line; SNMPv3 is left to Net-SNMP's VACM (RFC 3415). On the SNMP thread.
 */
#ifndef NORIA_SNMP_ACCESS_H
#define NORIA_SNMP_ACCESS_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/snmp/settings.h"

/**
 * Decide about requests from now on; after init_agent().
 * @param settings Where the settings in force are found at each request; NULL there admits no one.
 */
void snmp_access_register(struct snmp_settings *const *settings);

/** Decide no longer; before Net-SNMP is shut down, which frees what callbacks were given. */
void snmp_access_forget(struct snmp_settings *const *settings);

/**
 * As whom a request may write: the login name that access control (NACM) knows the manager by.
 * @return Belongs to the settings; NULL: the manager only reads.
 */
const char *snmp_access_writer(const struct snmp_settings *settings, const netsnmp_pdu *pdu);

/** Whether a manager sees all that is below an OID, for sure; once it is let in. */
bool snmp_access_sees_all(const struct snmp_settings *settings, const netsnmp_pdu *pdu,
                          const oid *root, size_t length);

/** The address that a request comes from, as text; "" if it has none. */
void snmp_access_host(const netsnmp_pdu *pdu, char *host, size_t size);

#endif
