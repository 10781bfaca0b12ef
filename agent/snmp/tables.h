/*
 * The tables that are served: one file each, all data.
 */
#ifndef NORIA_SNMP_TABLES_H
#define NORIA_SNMP_TABLES_H

#include "agent/snmp/rows.h"

/** All of the tables below, ended by NULL. */
extern const struct snmp_table *const snmp_all_tables[];

extern const struct snmp_table agent_scalars;
extern const struct snmp_table session_scalars;
extern const struct snmp_table backend_table;
extern const struct snmp_table alarm_table;
extern const struct snmp_table alarm_history_table;
extern const struct snmp_table virtual_server_table;
extern const struct snmp_table real_server_table;
extern const struct snmp_table health_check_table;
extern const struct snmp_table director_table;
extern const struct snmp_table keepalived_global;
extern const struct snmp_table keepalived_traps;
extern const struct snmp_table keepalived_mail;
extern const struct snmp_table keepalived_email_table;
extern const struct snmp_table keepalived_group_table;
extern const struct snmp_table keepalived_member_table;
extern const struct snmp_table keepalived_virtual_server_table;
extern const struct snmp_table keepalived_real_server_table;
extern const struct snmp_table keepalived_sync_daemon;
extern const struct snmp_table keepalived_timeouts;
extern const struct snmp_table keepalived_vrrp_group_table;
extern const struct snmp_table keepalived_vrrp_member_table;
extern const struct snmp_table keepalived_vrrp_instance_table;
extern const struct snmp_table keepalived_vrrp_address_table;
extern const struct snmp_table keepalived_vrrp_route_table;
extern const struct snmp_table keepalived_vrrp_hop_table;
extern const struct snmp_table keepalived_vrrp_rule_table;
extern const struct snmp_table keepalived_vrrp_script_table;
extern const struct snmp_table keepalived_vrrp_file_table;
extern const struct snmp_table keepalived_vrrp_bfd_table;
extern const struct snmp_table keepalived_vrrp_process_table;
extern const struct snmp_table keepalived_vrrp_tracked_interface_table;
extern const struct snmp_table keepalived_vrrp_tracked_script_table;
extern const struct snmp_table keepalived_vrrp_tracked_file_table;
extern const struct snmp_table keepalived_vrrp_tracked_bfd_table;
extern const struct snmp_table keepalived_vrrp_tracked_process_table;
extern const struct snmp_table keepalived_vrrp_group_interface_table;
extern const struct snmp_table keepalived_vrrp_group_script_table;
extern const struct snmp_table keepalived_vrrp_group_file_table;
extern const struct snmp_table keepalived_vrrp_group_bfd_table;
extern const struct snmp_table keepalived_vrrp_group_process_table;
extern const struct snmp_table vrrp_mib_scalars;
extern const struct snmp_table vrrp_mib_router_table;
extern const struct snmp_table vrrp_mib_address_table;
extern const struct snmp_table vrrp_mib_statistics_table;
extern const struct snmp_table vrrpv3_mib_router_table;
extern const struct snmp_table vrrpv3_mib_address_table;
extern const struct snmp_table vrrpv3_mib_statistics_table;
extern const struct snmp_table vrrp_instance_table;
extern const struct snmp_table vrrp_group_table;

#endif
