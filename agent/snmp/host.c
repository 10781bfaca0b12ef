/*
 * The node's own MIBs.
 */
#include "agent/snmp/host.h"

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include <net-snmp/agent/net-snmp-agent-includes.h>

#include <net-snmp/agent/mib_modules.h>
#include <stdbool.h>

#include "agent/log.h"

/* Modules as Net-SNMP names them; what the first line has is what the others read from. */
static char modules[] = "cpu cpu_linux hw_mem hw_fsys swinst swrun "
                        "interface ifTable ifXTable "
                        "ip_scalars ip ipAddressTable ipAddressPrefixTable ipDefaultRouterTable "
                        "inetNetToMediaTable inetCidrRouteTable ipSystemStatsTable ipIfStatsTable "
                        "icmp tcp tcpTable tcpConnectionTable tcpListenerTable udp udpTable "
                        "udpEndpointTable at "
                        "hr_system hrh_storage hrh_filesys hr_device hr_other hr_proc hr_network "
                        "hr_print hr_disk hr_partition "
                        "hrSWRunTable hrSWRunPerfTable hrSWInstalledTable";

bool snmp_host_has(const oid *name, size_t length)
{
    static const oid mib_2[] = {1, 3, 6, 1, 2, 1};
    static const oid groups[] = {2, 3, 4, 5, 6, 7, 25, 31, 48, 49, 50, 55};
    const size_t root = sizeof(mib_2) / sizeof(oid);

    if (length <= root || snmp_oid_compare(name, root, mib_2, root) != 0)
        return false;
    for (size_t i = 0; i < sizeof(groups) / sizeof(oid); i++)
        if (groups[i] == name[root])
            return true;
    return false;
}

void snmp_host_register(void)
{
    static bool begun; /* the library's modules cannot begin twice in a process */

    if (begun) {
        log_warning(AREA_SNMP, "IF-MIB, HOST-RESOURCES-MIB and the like are not served any more, "
                               "as SNMP was off meanwhile: restart the agent");
        return;
    }
    begun = true;
    add_to_init_list(modules);
    /* A file server that does not answer must not hold up those who ask for something else. */
    netsnmp_ds_set_boolean(NETSNMP_DS_APPLICATION_ID, NETSNMP_DS_AGENT_SKIPNFSINHOSTRESOURCES, 1);
    init_mib_modules();
}
