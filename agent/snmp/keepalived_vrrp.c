/*
 * KEEPALIVED-MIB: what its VRRP tables share.
 */
#include "agent/snmp/keepalived_vrrp.h"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

uint64_t keepalived_vrrp_state(const char *name)
{
    static const char *const names[] = {"initialize", "backup", "master", "fault"};

    for (size_t i = 0; name && i < sizeof(names) / sizeof(*names); i++) {
        if (!strcmp(name, names[i]))
            return i;
    }
    return 4;
}

bool keepalived_vrrp_state_of(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = keepalived_vrrp_state(leaf_value(row, "state"));
    return true;
}

bool keepalived_vrrp_notifies(const struct lyd_node *row, struct snmp_value *value)
{
    value->number = 2;
    for (const struct lyd_node *child = lyd_child(row); child; child = child->next) {
        if (child->schema && child->schema->nodetype == LYS_LEAF &&
            !strncmp(child->schema->name, "notify-", 7) &&
            strcmp(child->schema->name, "notify-deleted") != 0)
            value->number = 1;
    }
    return true;
}

uint64_t keepalived_vrrp_scope(const char *name)
{
    static const struct {
        const char *name;
        uint64_t number;
    } scopes[] = {{"host", 1}, {"link", 2}, {"site", 5}, {"global", 14}};

    for (size_t i = 0; name && i < sizeof(scopes) / sizeof(*scopes); i++) {
        if (!strcmp(name, scopes[i].name))
            return scopes[i].number;
    }
    return 0;
}

bool keepalived_vrrp_octets(const char *text, struct snmp_value *value)
{
    char address[INET6_ADDRSTRLEN];
    size_t length = text ? strcspn(text, "/") : 0;

    if (!length || length >= sizeof(address))
        return false;
    memcpy(address, text, length);
    address[length] = '\0';
    value->length = strchr(address, ':') ? 16 : 4;
    return inet_pton(value->length == 16 ? AF_INET6 : AF_INET, address, value->text) == 1;
}

bool keepalived_vrrp_text(const char *text, struct snmp_value *value)
{
    if (!text)
        return false;
    value->length = strnlen(text, SNMP_TEXT_MAX);
    memcpy(value->text, text, value->length);
    return true;
}

bool keepalived_vrrp_command(const char *command, struct snmp_value *value)
{
    size_t length = 0;

    while (command && *command && length + 3 < SNMP_TEXT_MAX) {
        size_t word = strcspn(command, " ");
        size_t room = SNMP_TEXT_MAX - length - 3;
        if (length)
            value->text[length++] = ' ';
        value->text[length++] = '\'';
        memcpy(value->text + length, command, word < room ? word : room);
        length += word < room ? word : room;
        value->text[length++] = '\'';
        command += word + strspn(command + word, " ");
    }
    value->length = length;
    return command;
}

bool keepalived_vrrp_notify_master(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_command(leaf_value(row, "notify-master"), value);
}

bool keepalived_vrrp_notify_backup(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_command(leaf_value(row, "notify-backup"), value);
}

bool keepalived_vrrp_notify_fault(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_command(leaf_value(row, "notify-fault"), value);
}

bool keepalived_vrrp_notify_stop(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_command(leaf_value(row, "notify-stop"), value);
}

bool keepalived_vrrp_notify_any(const struct lyd_node *row, struct snmp_value *value)
{
    return keepalived_vrrp_command(leaf_value(row, "notify-any"), value);
}

/* --- routes and rules --- */

bool keepalived_vrrp_prefix_type(const struct lyd_node *row, const char *leaf,
                                 struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);

    value->number = text && strchr(text, ':') ? 2 : 1;
    return text;
}

bool keepalived_vrrp_prefix_address(const struct lyd_node *row, const char *leaf,
                                    struct snmp_value *value)
{
    return keepalived_vrrp_octets(leaf_value(row, leaf), value);
}

bool keepalived_vrrp_prefix_length(const struct lyd_node *row, const char *leaf,
                                   struct snmp_value *value)
{
    const char *text = leaf_value(row, leaf);
    const char *slash = text ? strchr(text, '/') : NULL;

    value->number = slash ? strtoul(slash + 1, NULL, 10) : 0;
    return slash;
}

struct named {
    const char *name;
    uint64_t number;
};

/* A number, or one of some names. */
static bool number_of(const char *text, const struct named *names, uint64_t *number)
{
    char *end;

    *number = strtoul(text, &end, 0);
    if (!*end)
        return true;
    for (; names->name; names++) {
        if (!strcmp(text, names->name)) {
            *number = names->number;
            return true;
        }
    }
    return false;
}

bool keepalived_vrrp_table(const char *name, struct snmp_value *value)
{
    static const struct named tables[] = {{"main", RT_TABLE_MAIN},
                                          {"local", RT_TABLE_LOCAL},
                                          {"default", RT_TABLE_DEFAULT},
                                          {NULL, 0}};
    return name && number_of(name, tables, &value->number);
}

bool keepalived_vrrp_protocol(const char *name, struct snmp_value *value)
{
    static const struct named makers[] = {{"kernel", RTPROT_KERNEL},
                                          {"boot", RTPROT_BOOT},
                                          {"static", RTPROT_STATIC},
                                          {"ra", RTPROT_RA},
                                          {"dhcp", RTPROT_DHCP},
                                          {"keepalived", RTPROT_KEEPALIVED},
                                          {NULL, 0}};
    value->number = RTPROT_KEEPALIVED;
    bool known = !name || number_of(name, makers, &value->number);
    value->number++;
    return known;
}

bool keepalived_vrrp_part(const char *text, char between, bool second, struct snmp_value *value)
{
    const char *at = text && second ? strchr(text, between) : NULL;
    char *end;

    text = at ? at + 1 : text;
    value->number = text ? strtoul(text, &end, 10) : 0;
    return text && end != text;
}
