/*
 * Interfaces of instances and groups.
 */
#include "backends/vrrp/links.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct sockaddr_ll *find_link(const struct ifaddrs *links, const char *name)
{
    for (; name && links; links = links->ifa_next)
        if (links->ifa_addr && links->ifa_addr->sa_family == AF_PACKET &&
            !strcmp(links->ifa_name, name))
            return (const struct sockaddr_ll *)links->ifa_addr;
    return NULL;
}

static enum outcome add_index(const struct ifaddrs *links, struct lyd_node *node, const char *name,
                              struct error *err)
{
    const struct sockaddr_ll *link = find_link(links, name);
    return link ? state_add_number(node, "if-index", (uint64_t)link->sll_ifindex, err) : DONE;
}

/* keepalived chooses the name of an interface with a MAC of its own: "vrrp.5", "vrrp6.5", ... */
static const struct sockaddr_ll *find_virtual(const struct ifaddrs *links,
                                              const struct lyd_node *instance)
{
    const char *family = leaf_value(instance, "address-family");
    int router = atoi(leaf_value(instance, "virtual-router-id"));
    uint8_t mac[6] = {0, 0, 0x5e, 0, family && !strcmp(family, "ipv6") ? 2 : 1, (uint8_t)router};
    const char *address = leaf_value(instance, "virtual-mac/address");
    if (address)
        sscanf(address, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", &mac[0], &mac[1], &mac[2], &mac[3],
               &mac[4], &mac[5]);
    for (; links; links = links->ifa_next) {
        const struct sockaddr_ll *link = (const struct sockaddr_ll *)links->ifa_addr;
        if (link && link->sll_family == AF_PACKET && link->sll_halen == sizeof(mac) &&
            !memcmp(link->sll_addr, mac, sizeof(mac)))
            return link;
    }
    return NULL;
}

/* Of the interface that has the addresses. */
static enum outcome add_hardware(const struct ifaddrs *links, struct lyd_node *node,
                                 struct error *err)
{
    char text[3 * sizeof(((struct sockaddr_ll *)0)->sll_addr) + 1] = "";
    const char *own = leaf_value(node, "virtual-mac/interface");
    const struct sockaddr_ll *link =
        child_node(node, "virtual-mac") && !own
            ? find_virtual(links, node)
            : find_link(links, own ? own : leaf_value(node, "interface"));
    if (!link || !link->sll_halen || link->sll_halen > sizeof(link->sll_addr))
        return DONE;
    for (size_t i = 0; i < link->sll_halen; i++)
        snprintf(text + 3 * i, 4, "%02x:", link->sll_addr[i]);
    text[3 * link->sll_halen - 1] = '\0';
    return state_add(node, "phys-address", text, err);
}

static bool is_virtual(const struct lyd_node *instance, const char *address)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(instance), child)
    {
        const char *name = child->schema ? child->schema->name : "";
        if ((!strcmp(name, "virtual-address") || !strcmp(name, "excluded-address")) &&
            !strcmp(leaf_value(child, "address"), address))
            return true;
    }
    return false;
}

/* The text of an address that can be a source of advertisements; of IPv6 those are of the link. */
static bool source_of(const struct sockaddr *address, int family, char *text)
{
    if (!address || address->sa_family != family)
        return false;
    if (family == AF_INET)
        return inet_ntop(family, &((const struct sockaddr_in *)address)->sin_addr, text,
                         INET6_ADDRSTRLEN);
    const struct in6_addr *wide = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return IN6_IS_ADDR_LINKLOCAL(wide) && inet_ntop(family, wide, text, INET6_ADDRSTRLEN);
}

static enum outcome add_primary(const struct ifaddrs *links, struct lyd_node *node,
                                struct error *err)
{
    const char *configured = leaf_value(node, "source-address");
    const char *interface = leaf_value(node, "interface");
    const char *kind = leaf_value(node, "address-family");
    int family = kind && !strcmp(kind, "ipv6") ? AF_INET6 : AF_INET;
    char text[INET6_ADDRSTRLEN];
    if (configured)
        return state_add(node, "primary-address", configured, err);
    for (; links; links = links->ifa_next)
        if (!strcmp(links->ifa_name, interface) && source_of(links->ifa_addr, family, text) &&
            !is_virtual(node, text))
            return state_add(node, "primary-address", text, err);
    return DONE;
}

static bool has_index(const struct lyd_node *node)
{
    return node->schema && node->schema->nodetype == LYS_LIST &&
           lys_find_child(node->schema, node->schema->module, "if-index", 0, LYS_LEAF, 0);
}

/* The interface that something has; addresses have the instance's unless they say so. */
static enum outcome add_one(const struct ifaddrs *links, struct lyd_node *node,
                            const char *inherited, struct error *err)
{
    const char *own = leaf_value(node, "interface");
    bool inherits = strstr(node->schema->name, "-address") != NULL;
    return add_index(links, node, own || !inherits ? own : inherited, err);
}

static enum outcome add_named(const struct ifaddrs *links, struct lyd_node *node, struct error *err)
{
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!has_index(child))
            continue;
        enum outcome outcome = add_one(links, child, leaf_value(node, "interface"), err);
        if (outcome == DONE) /* the next hops of a route */
            outcome = add_named(links, child, err);
        if (outcome != DONE)
            return outcome;
    }
    return DONE;
}

enum outcome vrrp_links_add(const struct ifaddrs *links, struct lyd_node *node, struct error *err)
{
    enum outcome outcome = add_named(links, node, err);
    if (outcome == DONE && !strncmp(node->schema->name, "static-", 7) && has_index(node))
        return add_one(links, node, NULL, err);
    if (outcome != DONE || strcmp(node->schema->name, "instance") != 0)
        return outcome;
    outcome = add_index(links, node, leaf_value(node, "interface"), err);
    if (outcome == DONE)
        outcome = add_hardware(links, node, err);
    return outcome == DONE ? add_primary(links, node, err) : outcome;
}
