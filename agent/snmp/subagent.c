#include "agent/snmp/subagent.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "agent/snmp/ahead.h"

/* In libnetsnmpagent: the session with the master agent, the one within the agent by which its
 * requests are answered, and what makes both; no installed header declares them. */
extern netsnmp_session *main_session, *agentx_callback_sess;
extern int callback_master_num;
int handle_subagent_response(int operation, netsnmp_session *session, int number,
                             netsnmp_pdu *message, void *magic);
extern SNMPCallback subagent_startup;

/* Seconds between two looks whether the master agent is there, and between two tries if not. */
#define PING_INTERVAL 5
/* Microseconds that a master agent gets to say good-bye. */
#define CLOSE_TIMEOUT 200000

/* A master agent that hangs must not hold up our end: a second for each answer, no second try. */
static char answer_timeout[] = "timeout 1";
static char answer_retries[] = "retries 0";

/* Of RFC 2741, 6.1; no installed header has them. */
enum { AGENTX_GET = 5, AGENTX_GET_NEXT = 6, AGENTX_RESPONSE = 18 };
#define AGENTX_NETWORK_BYTE_ORDER 0x10

static struct snmp_tables *tables; /* What is answered from. */
static snmp_callback by_library;   /* What answers the rest. */
static bool answered;

/* @return Whether it is answered; if not, nothing has been done. */
static bool answer(netsnmp_session *session, netsnmp_pdu *request)
{
    bool next = request->command == AGENTX_GET_NEXT;

    if ((!next && request->command != AGENTX_GET) || request->community_len > 0 ||
        !request->variables || !snmp_tables_have(tables, request->variables))
        return false;
    netsnmp_pdu *response = snmp_pdu_create(AGENTX_RESPONSE);
    if (!response)
        return false;
    response->version = session->version;
    response->flags |= request->flags & AGENTX_NETWORK_BYTE_ORDER;
    response->reqid = request->reqid;
    response->transid = request->transid;
    response->sessid = request->sessid;
    response->errstat = SNMP_ERR_NOERROR;
    response->errindex = 0;
    response->variables = request->variables;
    request->variables = NULL;
    for (netsnmp_variable_list *at = response->variables; at; at = at->next_variable)
        snmp_tables_answer(tables, at, next);
    if (!snmp_send(session, response))
        snmp_free_pdu(response);
    return true;
}

static int on_message(int operation, netsnmp_session *session, int number, netsnmp_pdu *message,
                      void *magic)
{
    answered =
        operation == NETSNMP_CALLBACK_OP_RECEIVED_MESSAGE && message && answer(session, message);
    return answered ? 1 : by_library(operation, session, number, message, magic);
}

void snmp_subagent_adopt(struct snmp_tables *registered)
{
    tables = registered;
    if (!main_session || main_session->callback == on_message)
        return;
    by_library = main_session->callback;
    main_session->callback = on_message;
    snmp_ahead_adopt(snmp_subagent_transport());
}

struct netsnmp_transport_s *snmp_subagent_transport(void)
{
    void *session = main_session ? snmp_sess_pointer(main_session) : NULL;

    return session ? snmp_sess_transport(session) : NULL;
}

bool snmp_subagent_answered(void)
{
    return answered;
}

/*
 * Net-SNMP makes this once, and again only if it was connected when it was shut down: else it would
 * never look for a master again.
 */
static void begin(void)
{
    if (agentx_callback_sess)
        return;
    agentx_callback_sess =
        netsnmp_callback_open(callback_master_num, handle_subagent_response, NULL, NULL);
    snmp_register_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG, subagent_startup,
                           NULL);
}

void snmp_subagent_configure(const char *socket)
{
    begin();
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

void snmp_subagent_end(void)
{
    agentx_callback_sess = NULL;
}
