#include "agent/snmp/access.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <arpa/inet.h>
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

const char *snmp_access_writer(const struct snmp_settings *settings, const netsnmp_pdu *pdu)
{
    if (settings->mode == SNMP_AGENTX)
        return settings->agentx_user;
    if (pdu->version != SNMP_VERSION_1 && pdu->version != SNMP_VERSION_2c)
        return NULL;
    const struct snmp_community *community =
        snmp_settings_admit(settings, pdu->community, pdu->community_len, peer_of(pdu));
    return community ? community->user : NULL;
}

void snmp_access_host(const netsnmp_pdu *pdu, char *host, size_t size)
{
    const struct sockaddr *peer = peer_of(pdu);
    *host = '\0';
    if (!peer)
        return;
    const void *address = peer->sa_family == AF_INET6
                              ? (const void *)&((const struct sockaddr_in6 *)peer)->sin6_addr
                              : (const void *)&((const struct sockaddr_in *)peer)->sin_addr;
    if (!inet_ntop(peer->sa_family, address, host, (socklen_t)size))
        *host = '\0';
}

/*
 * Whether the access is of a kind that a community is for. Reading is, and writing our own tables
 * as a user; what else the library serves is not to be written.
 */
static bool is_for_communities(const struct snmp_settings *settings, const netsnmp_pdu *pdu,
                               int minor, const struct view_parameters *view)
{
    static const oid noria[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE};
    size_t length = sizeof(noria) / sizeof(oid);

    if (pdu->command != SNMP_MSG_SET || minor != SNMPD_CALLBACK_ACM_CHECK)
        return true;
    return snmp_access_writer(settings, pdu) && view->namelen >= length &&
           !snmp_oid_compare(view->name, length, noria, length);
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
    else if (!is_for_communities(*settings, pdu, minor, view))
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
