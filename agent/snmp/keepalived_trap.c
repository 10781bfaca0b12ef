/*
 * KEEPALIVED-MIB: notifications.
 */
#include "agent/snmp/keepalived_trap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/snmp/keepalived.h"
#include "agent/snmp/value.h"
#include "agent/steering/steering.h"

#define VIRTUAL_SERVERS "/noria-virtual-server:virtual-servers/virtual-server"

/* Tables below check, and what of them is told. */
enum { VIRTUAL = 3, REAL = 4, TRAPS = 5 };
enum { REAL_ADDRESS_TYPE = 3, REAL_ADDRESS, REAL_PORT, REAL_STATUS };
enum {
    TYPE = 2,
    GROUP_NAME,
    MARK,
    ADDRESS_TYPE,
    ADDRESS,
    PORT,
    PROTOCOL,
    SERVERS = 20,
    SERVERS_UP,
    QUORUM,
    QUORUM_STATUS
};

/* A notification in the making. */
struct trap {
    netsnmp_variable_list *variables;
};

static void add_value(struct trap *trap, oid table, oid column, unsigned char type,
                      const void *value, size_t length)
{
    oid name[KEEPALIVED_MIB_LENGTH + 4];
    memcpy(name, keepalived_mib, sizeof(keepalived_mib));
    const oid rest[] = {3, table, 1, column};
    memcpy(name + KEEPALIVED_MIB_LENGTH, rest, sizeof(rest));
    snmp_varlist_add_variable(&trap->variables, name, sizeof(name) / sizeof(oid), type, value,
                              length);
}

static void add_number(struct trap *trap, oid table, oid column, unsigned char type, long number)
{
    add_value(trap, table, column, type, &number, sizeof(number));
}

static void add_address(struct trap *trap, oid table, oid type_column, const struct lyd_node *in)
{
    struct lyd_node *leaf = NULL;
    struct snmp_value value;
    if (lyd_find_path(in, "address", 0, &leaf) || !snmp_value_of(KIND_ADDRESS, leaf, &value))
        return;
    add_number(trap, table, type_column, ASN_INTEGER, (long)value.number);
    add_value(trap, table, type_column + 1, ASN_OCTET_STR, value.text, value.length);
}

static long number_in(const struct lyd_node *node, const char *leaf, long otherwise)
{
    const char *text = leaf_value(node, leaf);
    return text ? (long)strtoul(text, NULL, 10) : otherwise;
}

static void begin(struct trap *trap, oid number)
{
    static const oid trap_oid[] = {1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0};
    oid name[KEEPALIVED_MIB_LENGTH + 4];
    memcpy(name, keepalived_mib, sizeof(keepalived_mib));
    const oid rest[] = {3, TRAPS, 0, number};
    memcpy(name + KEEPALIVED_MIB_LENGTH, rest, sizeof(rest));
    snmp_varlist_add_variable(&trap->variables, trap_oid, sizeof(trap_oid) / sizeof(oid),
                              ASN_OBJECT_ID, name, sizeof(name));
}

static void add_real_server(struct trap *trap, const struct lyd_node *event, bool up)
{
    add_address(trap, REAL, REAL_ADDRESS_TYPE, event);
    add_number(trap, REAL, REAL_PORT, ASN_UNSIGNED, number_in(event, "port", 0));
    add_number(trap, REAL, REAL_STATUS, ASN_INTEGER, up ? 1 : 2);
}

/* Its type decides what names it. */
static void add_virtual_server(struct trap *trap, const struct lyd_node *server)
{
    const char *name = leaf_value(server, "name"), *mark = leaf_value(server, "firewall-mark");
    const char *protocol = leaf_value(server, "protocol");
    bool group = keepalived_is_group(server);
    add_number(trap, VIRTUAL, TYPE, ASN_INTEGER, group ? 3 : mark ? 1 : 2);
    if (group) {
        add_value(trap, VIRTUAL, GROUP_NAME, ASN_OCTET_STR, name, strlen(name));
    } else if (mark) {
        add_number(trap, VIRTUAL, MARK, ASN_UNSIGNED, number_in(server, "firewall-mark", 0));
    } else {
        add_address(trap, VIRTUAL, ADDRESS_TYPE, server);
        add_number(trap, VIRTUAL, PORT, ASN_UNSIGNED, number_in(server, "port", 0));
    }
    /* keepalived knows two here, whatever it is. */
    add_number(trap, VIRTUAL, PROTOCOL, ASN_INTEGER,
               !protocol || strcmp(protocol, "tcp") != 0 ? 2 : 1);
}

static bool is_up(struct agent *agent, const char *virtual_server, const struct lyd_node *real)
{
    struct steering_server known = {0};
    const struct steering_key key = {virtual_server, leaf_value(real, "address"),
                                     (uint16_t)number_in(real, "port", 0)};
    if (agent->steering)
        steering_read(agent, &key, &known);
    return known.verdict.health != STEERING_DOWN;
}

static void add_counts(struct trap *trap, struct agent *agent, const struct lyd_node *server)
{
    const char *name = leaf_value(server, "name");
    const struct lyd_node *child;
    long count = 0, up = 0;
    LY_LIST_FOR(lyd_child(server), child)
    {
        if (!child->schema || strcmp(child->schema->name, "real-server") != 0)
            continue;
        count++;
        up += is_up(agent, name, child);
    }
    add_number(trap, VIRTUAL, SERVERS_UP, ASN_UNSIGNED, up);
    add_number(trap, VIRTUAL, SERVERS, ASN_UNSIGNED, count);
}

static void add_router_id(struct trap *trap)
{
    oid name[KEEPALIVED_MIB_LENGTH + 3];
    char host[SNMP_TEXT_MAX + 1] = "";
    gethostname(host, sizeof(host) - 1);
    memcpy(name, keepalived_mib, sizeof(keepalived_mib));
    const oid rest[] = {1, 2, 0};
    memcpy(name + KEEPALIVED_MIB_LENGTH, rest, sizeof(rest));
    snmp_varlist_add_variable(&trap->variables, name, sizeof(name) / sizeof(oid), ASN_OCTET_STR,
                              host, strlen(host));
}

static netsnmp_variable_list *make(struct agent *agent, const struct lyd_node *event, bool real,
                                   const struct lyd_node *server)
{
    struct trap trap = {0};
    const char *state = leaf_value(event, "state");
    bool up = state && (!strcmp(state, "up") || !strcmp(state, "met"));
    begin(&trap, real ? 1 : 2);
    if (real)
        add_real_server(&trap, event, up);
    add_virtual_server(&trap, server);
    if (!real) {
        add_number(&trap, VIRTUAL, QUORUM_STATUS, ASN_INTEGER, up ? 1 : 2);
        add_number(&trap, VIRTUAL, QUORUM, ASN_UNSIGNED, number_in(event, "quorum", 1));
    }
    add_counts(&trap, agent, server);
    add_router_id(&trap);
    return trap.variables;
}

netsnmp_variable_list *keepalived_trap(struct agent *agent, const struct lyd_node *event)
{
    bool real = !strcmp(event->schema->name, "real-server-state-change");
    const char *name = leaf_value(event, "virtual-server");
    char key[128];

    if (strcmp(event->schema->module->name, "noria-health") != 0 || !name ||
        (!real && strcmp(event->schema->name, "quorum-change") != 0) ||
        snprintf(key, sizeof(key), "[name='%s']", name) >= (int)sizeof(key))
        return NULL;
    struct snapshot *running = agent_running(agent);
    const struct unit *unit = schema_unit_find(agent->schema, VIRTUAL_SERVERS);
    const struct entry *entry = unit ? snapshot_find(running, unit, key) : NULL;
    netsnmp_variable_list *variables = entry ? make(agent, event, real, entry->node) : NULL;
    snapshot_unref(running);
    return variables;
}
