/*
 * KEEPALIVED-MIB: what its VRRP tables share.
 */
#include "agent/snmp/keepalived_vrrp.h"

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
    uint64_t length;

    return text && snmp_prefix(text, value, &length);
}

bool keepalived_vrrp_text(const char *text, struct snmp_value *value)
{
    if (!text)
        return false;
    value->length = strnlen(text, SNMP_TEXT_MAX);
    memcpy(value->text, text, value->length);
    return true;
}

/* --- routes and rules --- */

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

bool keepalived_vrrp_number(const char *text, struct snmp_value *value)
{
    char *end;

    value->number = text ? strtoul(text, &end, 10) : 0;
    return text && end != text;
}

bool keepalived_vrrp_realm_to(const struct lyd_node *row, struct snmp_value *value)
{
    const char *realms = leaf_value(row, "realms");
    const char *slash = realms ? strchr(realms, '/') : NULL;

    return keepalived_vrrp_number(slash ? slash + 1 : realms, value);
}

bool keepalived_vrrp_realm_from(const struct lyd_node *row, struct snmp_value *value)
{
    const char *realms = leaf_value(row, "realms");

    return realms && strchr(realms, '/') && keepalived_vrrp_number(realms, value);
}
