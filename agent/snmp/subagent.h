/*
 * The subagent: what the mode agentx needs beside the tables (RFC 2741). On the SNMP thread.
 */
#ifndef NORIA_SNMP_SUBAGENT_H
#define NORIA_SNMP_SUBAGENT_H

#include "agent/outcome.h"

/** Say where the master agent is; between init_agent() and init_snmp(), which connects. */
void snmp_subagent_configure(const char *socket);

/** @return DONE while a master agent is connected, else FAILED and what to do. */
enum outcome snmp_subagent_check(const char *socket, struct error *err);

/** Do not wait for the master agent any longer; before Net-SNMP is shut down. */
void snmp_subagent_forget(void);

#endif
