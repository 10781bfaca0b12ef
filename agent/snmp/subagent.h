/*
 * The subagent: what the mode agentx needs beside the tables (RFC 2741). On the SNMP thread.
 *
 * A master agent asks for one variable at a time, also where its manager asks for many, and each
 * time Net-SNMP's subagent hands the request to its agent through pipes. So what asks for tables
 * alone is answered at once; the rest is left to Net-SNMP.
 */
#ifndef NORIA_SNMP_SUBAGENT_H
#define NORIA_SNMP_SUBAGENT_H

#include "agent/outcome.h"
#include "agent/snmp/table.h"

/** Say where the master agent is; between init_agent() and init_snmp(), which connects. */
void snmp_subagent_configure(const char *socket);

/** @return DONE while a master agent is connected, else FAILED and what to do. */
enum outcome snmp_subagent_check(const char *socket, struct error *err);

/** Answer requests for tables of the master agent that is connected, if one is. */
void snmp_subagent_adopt(struct snmp_tables *tables);

/** The connection with the master agent; NULL: there is none. */
struct netsnmp_transport_s *snmp_subagent_transport(void);

/** Whether the last request was answered at once; else something of Net-SNMP's may still wait. */
bool snmp_subagent_answered(void);

/** Do not wait for the master agent any longer; before Net-SNMP is shut down. */
void snmp_subagent_forget(void);

/** After Net-SNMP was shut down. */
void snmp_subagent_end(void);

#endif
