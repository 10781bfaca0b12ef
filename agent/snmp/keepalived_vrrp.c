/*
 * KEEPALIVED-MIB: what its VRRP tables share.
 */
#include "agent/snmp/keepalived_vrrp.h"

#include <arpa/inet.h>
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
