/*
 * Access: which managers may read, by their communities and addresses.
 *
 * SNMPv1 and v2c are decided here, for Net-SNMP's tables know no secrets that are not written into
 * a configuration line; SNMPv3 is left to Net-SNMP's VACM (RFC 3415). On the SNMP thread.
 */
#ifndef NORIA_SNMP_ACCESS_H
#define NORIA_SNMP_ACCESS_H

#include "agent/snmp/settings.h"

/**
 * Decide about requests from now on; after init_agent().
 * @param settings Where the settings in force are found at each request; NULL there admits no one.
 */
void snmp_access_register(struct snmp_settings *const *settings);

/** Decide no longer; before Net-SNMP is shut down, which frees what callbacks were given. */
void snmp_access_forget(struct snmp_settings *const *settings);

#endif
