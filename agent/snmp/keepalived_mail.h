/*
 * KEEPALIVED-MIB: who is told of what by e-mail, for the tables that show it.
 *
 * It is configured beside what their rows are made from. On the SNMP thread.
 */
#ifndef NORIA_SNMP_KEEPALIVED_MAIL_H
#define NORIA_SNMP_KEEPALIVED_MAIL_H

#include "agent/datastore/snapshot.h"
#include "agent/snmp/value.h"

/** As in struct snmp_table: what the functions below, and the mail group, go by. */
void keepalived_mail_look(const struct schema *schema, const struct snapshot *running);

/** Whether somebody is told of a virtual server's quorum: enabled(1), disabled(2). */
bool keepalived_mail_of_quorum(const struct lyd_node *virtual_server, struct snmp_value *value);

/** The same of a real server, or a sorry server. */
bool keepalived_mail_of_server(const struct lyd_node *server, struct snmp_value *value);

#endif
