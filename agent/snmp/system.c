#include "agent/snmp/system.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_sysORTable.h>
#include <net-snmp/agent/scalar.h>
#include <net-snmp/agent/sysORTable.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/log.h"

/* In libnetsnmpmibs; no header that is installed declares them. */
void init_snmp_mib(void);
void init_sysORTable(void);
void init_snmpEngine(void);
void init_snmpMPDStats(void);
void init_usmStats(void);
void init_target_counters(void);
void shutdown_sysORTable(void);
void shutdown_snmpMPDStats(void);
void shutdown_usmStats(void);

/* Sub-identifiers in the OID of system (RFC 3418), and those below it. */
#define SYSTEM_LENGTH 7
enum { DESCR = 1, OBJECT_ID, UP_TIME, CONTACT, NAME, LOCATION, SERVICES };

/* sysServices: the transport layer and the application layer. */
#define SERVICE_LAYERS (8 + 64)

static const oid noria[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE};

/* What sysORTable tells beside what Net-SNMP's own modules do, which tell of SNMPv2-MIB when they
 * are begun a second time. */
static const struct mib {
    oid name[9];
    size_t length;
    bool by_subagent; /* It is served in mode agentx, too. */
    const char *description;
} mibs[] = {
    {{1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1}, 8, true, "NORIA-MIB: virtual servers and all else"},
    {{1, 3, 6, 1, 4, 1, 9586, 100, 5}, 9, true, "KEEPALIVED-MIB: as keepalived has it"},
    {{1, 3, 6, 1, 2, 1, 68}, 7, true, "VRRP-MIB (RFC 2787): virtual routers of version 2"},
    {{1, 3, 6, 1, 2, 1, 207}, 7, true, "VRRPV3-MIB (RFC 6527): virtual routers"},
    {{1, 3, 6, 1, 6, 3, 1}, 7, false, "SNMPv2-MIB (RFC 3418): the system and its SNMP"},
    {{1, 3, 6, 1, 2, 1, 92}, 7, false, "NOTIFICATION-LOG-MIB (RFC 3014): what was told"},
};

static void send_text(netsnmp_variable_list *to, const char *text)
{
    snmp_set_var_typed_value(to, ASN_OCTET_STR, text, strlen(text));
}

/* What there is of settings. */
static const char *configured_text(struct snmp_settings *const *settings, oid object)
{
    const char *text = NULL;

    if (*settings)
        text = object == CONTACT ? (*settings)->contact : (*settings)->location;
    return text ? text : "";
}

static int handle(netsnmp_mib_handler *handler, netsnmp_handler_registration *registration,
                  netsnmp_agent_request_info *info, netsnmp_request_info *requests)
{
    netsnmp_variable_list *to = requests->requestvb;
    struct utsname host;
    char text[SNMP_MAXBUF_SMALL];

    if (info->mode != MODE_GET)
        return SNMP_ERR_NOTWRITABLE;
    if (uname(&host) < 0)
        return SNMP_ERR_GENERR;
    switch (registration->rootoid[SYSTEM_LENGTH]) {
    case DESCR:
        snprintf(text, sizeof(text), "Noria %s on %s %s", NORIA_VERSION, host.sysname,
                 host.release);
        send_text(to, text);
        break;
    case OBJECT_ID:
        snmp_set_var_typed_value(to, ASN_OBJECT_ID, noria, sizeof(noria));
        break;
    case UP_TIME:
        snmp_set_var_typed_integer(to, ASN_TIMETICKS, (long)netsnmp_get_agent_uptime());
        break;
    case NAME:
        send_text(to, host.nodename);
        break;
    case SERVICES:
        snmp_set_var_typed_integer(to, ASN_INTEGER, SERVICE_LAYERS);
        break;
    default:
        send_text(to,
                  configured_text(registration->my_reg_void, registration->rootoid[SYSTEM_LENGTH]));
    }
    return SNMP_ERR_NOERROR;
}

void snmp_system_register(struct snmp_settings *const *settings)
{
    oid name[SYSTEM_LENGTH + 1] = {1, 3, 6, 1, 2, 1, 1};

    init_snmp_mib();
    init_sysORTable();
    init_snmpEngine();
    init_snmpMPDStats();
    init_usmStats();
    init_target_counters();
    for (oid id = DESCR; id <= SERVICES; id++) {
        name[SYSTEM_LENGTH] = id;
        netsnmp_handler_registration *registration = netsnmp_create_handler_registration(
            "system", handle, name, SYSTEM_LENGTH + 1, HANDLER_CAN_RONLY);
        if (registration)
            registration->my_reg_void = (void *)settings;
        if (!registration || netsnmp_register_read_only_scalar(registration) != SNMPERR_SUCCESS)
            log_warning(AREA_SNMP, "the system group could not be registered");
    }
}

static void look(const struct sysORTable *row, void *arg)
{
    const struct mib **mib = arg;

    if (*mib && !snmp_oid_compare(row->OR_oid, row->OR_oidlen, (*mib)->name, (*mib)->length))
        *mib = NULL;
}

void snmp_system_register_mibs(bool subagent)
{
    for (size_t i = 0; i < sizeof(mibs) / sizeof(*mibs); i++) {
        const struct mib *missing = !subagent || mibs[i].by_subagent ? &mibs[i] : NULL;
        netsnmp_sysORTable_foreach(look, &missing);
        if (missing)
            register_sysORTable((oid *)missing->name, missing->length, missing->description);
    }
}

void snmp_system_forget(void)
{
    shutdown_usmStats();
    shutdown_snmpMPDStats();
    shutdown_sysORTable();
}
