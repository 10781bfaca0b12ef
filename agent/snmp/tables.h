/*
 * The tables that are served: one file each, all data.
 */
#ifndef NORIA_SNMP_TABLES_H
#define NORIA_SNMP_TABLES_H

#include "agent/snmp/rows.h"

extern const struct snmp_table agent_scalars;
extern const struct snmp_table backend_table;
extern const struct snmp_table alarm_table;
extern const struct snmp_table alarm_history_table;
extern const struct snmp_table virtual_server_table;
extern const struct snmp_table real_server_table;
extern const struct snmp_table keepalived_global;
extern const struct snmp_table keepalived_mail;
extern const struct snmp_table keepalived_group_table;
extern const struct snmp_table keepalived_member_table;
extern const struct snmp_table keepalived_virtual_server_table;
extern const struct snmp_table keepalived_real_server_table;
extern const struct snmp_table keepalived_sync_daemon;
extern const struct snmp_table keepalived_timeouts;

#endif
