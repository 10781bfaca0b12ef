#include "agent/snmp/system.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/agent_sysORTable.h>
#include <net-snmp/agent/scalar.h>
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
static const oid noria_mib[] = {1, 3, 6, 1, 4, 1, NORIA_ENTERPRISE, 1};

static void send_text(netsnmp_variable_list *to, const char *text)
{
    snmp_set_var_typed_value(to, ASN_OCTET_STR, text, strlen(text));
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
        send_text(to, "");
    }
    return SNMP_ERR_NOERROR;
}

void snmp_system_register(void)
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
        if (!registration || netsnmp_register_read_only_scalar(registration) != SNMPERR_SUCCESS)
            log_warning(AREA_SNMP, "the system group could not be registered");
    }
    register_sysORTable((oid *)noria_mib, sizeof(noria_mib) / sizeof(oid),
                        "NORIA-MIB: virtual servers, and the agent itself");
}

void snmp_system_forget(void)
{
    shutdown_usmStats();
    shutdown_snmpMPDStats();
    shutdown_sysORTable();
}
