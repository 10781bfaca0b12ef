#include "agent/snmp/subagent.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

/* In libnetsnmpagent: the session with the master agent; no installed header declares it. */
extern netsnmp_session *main_session;

/* Seconds between two looks whether the master agent is there, and between two tries if not. */
#define PING_INTERVAL 5
/* Microseconds that a master agent gets to say good-bye. */
#define CLOSE_TIMEOUT 200000

/* A master agent that hangs must not hold up our end: a second for each answer, no second try. */
static char answer_timeout[] = "timeout 1";
static char answer_retries[] = "retries 0";

void snmp_subagent_configure(const char *socket)
{
    netsnmp_ds_set_string(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_X_SOCKET, socket);
    netsnmp_ds_set_int(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_AGENTX_PING_INTERVAL,
                       PING_INTERVAL);
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_NO_CONNECTION_WARNINGS, 1);
    netsnmp_config_remember(answer_timeout);
    netsnmp_config_remember(answer_retries);
}

enum outcome snmp_subagent_check(const char *socket, struct error *err)
{
    if (main_session)
        return DONE;
    return fail(err, TAG_OPERATION_FAILED, "/noria-agent:snmp-agent/agentx-socket",
                "no AgentX master agent answers at %s: start snmpd with 'master agentx'", socket);
}

void snmp_subagent_forget(void)
{
    if (main_session) {
        main_session->timeout = CLOSE_TIMEOUT;
        main_session->retries = 0;
    }
}
