#include "agent/snmp/access.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <arpa/inet.h>
#include <net-snmp/agent/agent_callbacks.h>
#include <net-snmp/agent/net-snmp-agent-includes.h>

#include "agent/snmp/host.h"
#include "agent/snmp/keepalived.h"

/* The longest name of a context (RFC 3411). */
#define CONTEXT_MAX 32

/* What fits into a datagram of IPv4; IPv6's header has 20 octets more. */
#define UDP_MAX 65507

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

/* What is known of the manager that a request is of. */
struct manager {
    const char *writer;           /* As whom it writes, or NULL. */
    const struct snmp_view *view; /* NULL: it sees everything. */
};

static bool find_manager(const struct snmp_settings *settings, const netsnmp_pdu *pdu,
                         struct manager *manager)
{
    if (pdu->version == SNMP_VERSION_1 || pdu->version == SNMP_VERSION_2c) {
        const struct snmp_community *community =
            snmp_settings_admit(settings, pdu->community, pdu->community_len, peer_of(pdu));
        if (!community)
            return false;
        *manager =
            (struct manager){community->writer, snmp_settings_view(settings, community->view)};
        return true;
    }
    if (pdu->securityModel != SNMP_SEC_MODEL_USM || !pdu->securityName)
        return false;
    const struct snmp_user *user =
        snmp_settings_user(settings, pdu->securityName, pdu->securityNameLen);
    if (!user || pdu->securityLevel < user->level)
        return false;
    *manager = (struct manager){user->writer, snmp_settings_view(settings, user->view)};
    return true;
}

const char *snmp_access_writer(const struct snmp_settings *settings, const netsnmp_pdu *pdu)
{
    struct manager manager = {0};

    if (settings->mode == SNMP_AGENTX)
        return settings->agentx_writer;
    return find_manager(settings, pdu, &manager) ? manager.writer : NULL;
}

bool snmp_access_sees_all(const struct snmp_settings *settings, const netsnmp_pdu *pdu,
                          const oid *root, size_t length)
{
    struct manager manager;

    return find_manager(settings, pdu, &manager) &&
           snmp_view_sight(manager.view, root, length) == SIGHT_ALL;
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

static bool is_below(const struct view_parameters *view, const oid *root, size_t length)
{
    return view->namelen >= length && !snmp_oid_compare(view->name, length, root, length);
}

/* Our own tables alone can be written, by those who may; what else the library serves cannot. */
static bool may_write(const struct manager *manager, const struct view_parameters *view)
{
    static const oid noria[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE};
    size_t length = sizeof(noria) / sizeof(oid);

    return manager->writer &&
           (is_below(view, noria, length) || is_below(view, keepalived_mib, KEEPALIVED_MIB_LENGTH));
}

/* Net-SNMP leaves these two to whoever knows the communities (RFC 3418); once for a request. */
static int turn_away(const netsnmp_pdu *pdu, int minor)
{
    if (minor == SNMPD_CALLBACK_ACM_CHECK_INITIAL && pdu->version != SNMP_VERSION_3)
        snmp_increment_statistic(STAT_SNMPINBADCOMMUNITYNAMES);
    return VACM_NOSECNAME;
}

static int deny_write(const netsnmp_pdu *pdu)
{
    if (pdu->version != SNMP_VERSION_3)
        snmp_increment_statistic(STAT_SNMPINBADCOMMUNITYUSES);
    return VACM_NOACCESS;
}

/* Those with something registered; as other agents of Net-SNMP, it says nothing of others. */
static bool knows_context(const netsnmp_pdu *pdu)
{
    char name[CONTEXT_MAX + 1] = "";

    if (pdu->version != SNMP_VERSION_3 || !pdu->contextNameLen)
        return true;
    if (pdu->contextNameLen > CONTEXT_MAX)
        return false;
    memcpy(name, pdu->contextName, pdu->contextNameLen);
    return netsnmp_subtree_find_first(name) != NULL;
}

/*
 * Net-SNMP knows no limit where the manager tells none (version 1 and 2c), or a higher one than UDP
 * has; what is larger could not be sent, and nobody would get to know.
 */
static void bound_answer(netsnmp_pdu *pdu)
{
    long most = pdu->tDomain == netsnmpUDPDomain        ? UDP_MAX
                : pdu->tDomain == netsnmp_UDPIPv6Domain ? UDP_MAX - 20
                                                        : 0;

    if (most && (!pdu->msgMaxSize || pdu->msgMaxSize > most))
        pdu->msgMaxSize = most;
}

static int judge(const struct snmp_settings *settings, int minor,
                 const struct view_parameters *view)
{
    struct manager manager;

    if (!settings || !find_manager(settings, view->pdu, &manager))
        return turn_away(view->pdu, minor);
    if (minor == SNMPD_CALLBACK_ACM_CHECK_INITIAL)
        return knows_context(view->pdu) ? VACM_SUCCESS : VACM_NOSUCHCONTEXT;
    /* What cannot be unloaded is not shown. */
    if (!settings->host_mibs && snmp_host_has(view->name, view->namelen))
        return VACM_NOTINVIEW;
    enum snmp_sight sight = snmp_view_sight(manager.view, view->name, view->namelen);
    if (minor == SNMPD_CALLBACK_ACM_CHECK_SUBTREE && sight == SIGHT_PART)
        return VACM_SUBTREE_UNKNOWN;
    if (sight == SIGHT_NONE)
        return VACM_NOTINVIEW;
    /* Of an OID alone, what is below it says nothing. */
    if (sight == SIGHT_PART && !snmp_view_sees(manager.view, view->name, view->namelen))
        return VACM_NOTINVIEW;
    if (view->pdu->command == SNMP_MSG_SET && minor == SNMPD_CALLBACK_ACM_CHECK &&
        !may_write(&manager, view))
        return deny_write(view->pdu);
    return VACM_SUCCESS;
}

static int check(int major, int minor, void *serverarg, void *clientarg)
{
    struct view_parameters *view = serverarg;
    struct snmp_settings *const *settings = clientarg;

    if (minor == SNMPD_CALLBACK_ACM_CHECK_INITIAL)
        bound_answer(view->pdu);
    view->errorcode = judge(*settings, minor, view);
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
