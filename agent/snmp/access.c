#include "agent/snmp/access.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

/* In libnetsnmpagent; no header that is installed declares it. */
extern SNMPCallback vacm_in_view_callback;
extern SNMPCallback vacm_warn_if_not_configured;

static const int checks[] = {SNMPD_CALLBACK_ACM_CHECK, SNMPD_CALLBACK_ACM_CHECK_INITIAL,
                             SNMPD_CALLBACK_ACM_CHECK_SUBTREE};

/* What the transports of UDP and TCP leave with a request begins with the peer's address. */
static const struct sockaddr *peer_of(const netsnmp_pdu *pdu)
{
    const struct sockaddr *peer = pdu->transport_data;

    if (!peer || pdu->transport_data_length < (int)sizeof(struct sockaddr_in))
        return NULL;
    if (peer->sa_family == AF_INET6 &&
        pdu->transport_data_length < (int)sizeof(struct sockaddr_in6))
        return NULL;
    return peer;
}

/*
 * Whether the access is of a kind that communities are for. Reading is; our own tables answer for
 * themselves that they cannot be written; what else the library serves is not to be written.
 */
static bool is_for_communities(const netsnmp_pdu *pdu, int minor,
                               const struct view_parameters *view)
{
    static const oid noria[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE};
    size_t length = sizeof(noria) / sizeof(oid);

    if (pdu->command != SNMP_MSG_SET || minor != SNMPD_CALLBACK_ACM_CHECK)
        return true;
    return view->namelen >= length && !snmp_oid_compare(view->name, length, noria, length);
}

static int check(int major, int minor, void *serverarg, void *clientarg)
{
    struct view_parameters *view = serverarg;
    struct snmp_settings *const *settings = clientarg;
    const netsnmp_pdu *pdu = view->pdu;

    if (pdu->version != SNMP_VERSION_1 && pdu->version != SNMP_VERSION_2c)
        return vacm_in_view_callback(major, minor, serverarg, NULL);
    if (!*settings ||
        !snmp_settings_admit(*settings, pdu->community, pdu->community_len, peer_of(pdu)))
        view->errorcode = VACM_NOSECNAME;
    else if (!is_for_communities(pdu, minor, view))
        view->errorcode = VACM_NOACCESS;
    return view->errorcode;
}

void snmp_access_forget(struct snmp_settings *const *settings)
{
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++)
        snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, checks[i], check, (void *)settings, 1);
}

void snmp_access_register(struct snmp_settings *const *settings)
{
    snmp_unregister_callback(SNMP_CALLBACK_LIBRARY, SNMP_CALLBACK_POST_READ_CONFIG,
                             vacm_warn_if_not_configured, NULL, 0);
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        snmp_unregister_callback(SNMP_CALLBACK_APPLICATION, checks[i], vacm_in_view_callback, NULL,
                                 0);
        snmp_register_callback(SNMP_CALLBACK_APPLICATION, checks[i], check, (void *)settings);
    }
}
