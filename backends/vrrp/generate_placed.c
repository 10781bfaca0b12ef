/*
 * Addresses, routes and rules: those that go where the master is, and static ones.
 */
#include <string.h>

#include "backends/vrrp/generation.h"

/* Addresses. */

const char *vrrp_ipvlan_of(const struct lyd_node *instance, char name[VRRP_INTERFACE_ROOM])
{
    const struct lyd_node *ipvlan = child_node(instance, "ipvlan");
    const char *own = leaf_value(ipvlan, "interface");
    const char *family = leaf_value(instance, "address-family");
    if (!ipvlan)
        return NULL;
    if (own)
        snprintf(name, VRRP_INTERFACE_ROOM, "%s", own);
    else
        snprintf(name, VRRP_INTERFACE_ROOM, "vrrp%s.%s",
                 family && !strcmp(family, "ipv6") ? "6" : "",
                 leaf_value(instance, "virtual-router-id"));
    return name;
}

static void write_broadcast(const struct generation *generation, const struct lyd_node *node)
{
    const char *broadcast = leaf_value(node, "broadcast");
    if (broadcast)
        fprintf(generation->out, " brd %s",
                !strcmp(broadcast, "set")     ? "+"
                : !strcmp(broadcast, "clear") ? "-"
                                              : broadcast);
}

static void write_address(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword parts[] = {{"label", "label"},
                                                {"peer", "peer"},
                                                {"preferred-lifetime", "preferred_lft"},
                                                {"track-group", "track_group"},
                                                {0}};
    static const struct vrrp_keyword flags[] = {{"home", "home"},
                                                {"no-duplicate-detection", "-nodad"},
                                                {"manage-temporary", "mngtmpaddr"},
                                                {"no-prefix-route", "noprefixroute"},
                                                {"autojoin", "autojoin"},
                                                {"own-mac", "use_vmac"},
                                                {"no-track", "no_track"},
                                                {0}};
    const char *address = leaf_value(node, "address"), *length = leaf_value(node, "prefix-length");
    const char *interface = leaf_value(node, "interface"), *scope = leaf_value(node, "scope");
    const struct lyd_node *instance = lyd_parent(node);
    char own[VRRP_INTERFACE_ROOM];
    fprintf(generation->out, "        %s/%s", address,
            length                 ? length
            : strchr(address, ':') ? "128"
                                   : "32");
    /* The addresses of one with a MAC of its own go to that interface by themselves. */
    if (!interface)
        interface = vrrp_ipvlan_of(instance, own);
    if (!interface && !child_node(instance, "virtual-mac") && leaf_value(instance, "vrf"))
        interface = leaf_value(instance, "interface");
    if (interface)
        fprintf(generation->out, " dev %s", interface);
    if (!strchr(address, ':') && strcmp(scope, "global") != 0) /* that of IPv6 is in the address */
        fprintf(generation->out, " scope %s", scope);
    write_broadcast(generation, node);
    vrrp_write_parts(generation, node, parts);
    vrrp_write_flags(generation, node, flags);
    fputc('\n', generation->out);
}

/* Routes. */

static void write_hop(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword parts[] = {{"gateway", "via"}, {"interface", "dev"}, {0}};
    vrrp_write_parts(generation, node, parts);
    if (vrrp_is_true(node, "on-link"))
        fputs(" onlink", generation->out);
}

static void write_hops(const struct generation *generation, const struct lyd_node *route)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(route), child)
    {
        if (!vrrp_is_child(child, "next-hop"))
            continue;
        fputs(" nexthop", generation->out);
        write_hop(generation, child);
        fprintf(generation->out, " weight %s", leaf_value(child, "weight"));
    }
}

/* TCP's flags have numbers. */
static void write_number(const struct generation *generation, const char *keyword,
                         const struct lyd_node *node, const char *leaf)
{
    if (leaf_value(node, leaf))
        fprintf(generation->out, " %s %d", keyword, vrrp_is_true(node, leaf));
}

/* What keepalived cannot look after, for want of an interface or of being its maker: it wants to
 * be told. */
static void write_untracked(const struct generation *generation, const struct lyd_node *node)
{
    if (leaf_value(node, "no-track") && !vrrp_is_true(node, "no-track"))
        fputs(" no_track", generation->out);
}

static void write_route(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword parts[] = {{"alternative-gateway", "or"},
                                                {"preferred-source", "src"},
                                                {"metric", "metric"},
                                                {"table", "table"},
                                                {"scope", "scope"},
                                                {"type-of-service", "tos"},
                                                {"protocol", "protocol"},
                                                {"hop-limit", "hoplimit"},
                                                {"advertised-mss", "advmss"},
                                                {"round-trip-time", "rtt"},
                                                {"round-trip-variance", "rttvar"},
                                                {"reordering", "reordering"},
                                                {"window", "window"},
                                                {"congestion-window", "cwnd"},
                                                {"slow-start-threshold", "ssthresh"},
                                                {"minimum-retransmission-time", "rto_min"},
                                                {"initial-congestion-window", "initcwnd"},
                                                {"initial-receive-window", "initrwnd"},
                                                {"realms", "realms"},
                                                {"congestion-control", "congctl"},
                                                {"track-group", "track_group"},
                                                {0}};
    static const struct vrrp_keyword flags[] = {
        {"append", "append"}, {"no-track", "no_track"}, {0}};
    const char *type = leaf_value(node, "type"), *mtu = leaf_value(node, "mtu");
    fputs("       ", generation->out);
    if (strcmp(type, "unicast") != 0)
        fprintf(generation->out, " %s", type);
    fprintf(generation->out, " %s", leaf_value(node, "destination"));
    write_hop(generation, node);
    vrrp_write_parts(generation, node, parts);
    if (mtu)
        fprintf(generation->out, " mtu %s%s", vrrp_is_true(node, "mtu-lock") ? "lock " : "", mtu);
    write_number(generation, "quickack", node, "quick-acknowledgements");
    write_number(generation, "fastopen_no_cookie", node, "fast-open-without-cookie");
    if (vrrp_is_true(node, "explicit-congestion"))
        fputs(" features ecn", generation->out);
    vrrp_write_flags(generation, node, flags);
    if (!leaf_value(node, "interface") || leaf_value(node, "protocol"))
        write_untracked(generation, node);
    write_hops(generation, node); /* the last: what follows a hop would be the hop's */
    fputc('\n', generation->out);
}

/* Rules. */

/* keepalived takes ranges alone. */
static void write_ports(const struct generation *generation, const char *keyword,
                        const struct lyd_node *node, const char *leaf)
{
    const char *ports = leaf_value(node, leaf);
    if (ports)
        fprintf(generation->out, strchr(ports, '-') ? " %s %s" : " %s %s-%s", keyword, ports,
                ports);
}

static void write_rule(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword parts[] = {{"from", "from"},
                                                {"to", "to"},
                                                {"type-of-service", "tos"},
                                                {"input-interface", "iif"},
                                                {"output-interface", "oif"},
                                                {"transport", "ipproto"},
                                                {"user-range", "uidrange"},
                                                {"realms", "realms"},
                                                {"protocol", "protocol"},
                                                {"suppress-prefix-length", "suppress_prefixlength"},
                                                {"suppress-group", "suppress_ifgroup"},
                                                {"table", "table"},
                                                {"goto", "goto"},
                                                {"preference", "preference"},
                                                {"track-group", "track_group"},
                                                {0}};
    const char *family = leaf_value(node, "address-family"), *mark = leaf_value(node, "mark");
    const char *mask = leaf_value(node, "mark-mask"), *drop = leaf_value(node, "drop");
    fputs("       ", generation->out);
    if (family)
        fputs(strcmp(family, "ipv6") ? " inet" : " inet6", generation->out);
    if (vrrp_is_true(node, "not"))
        fputs(" not", generation->out);
    if (mark)
        fprintf(generation->out, " fwmark %s%s%s", mark, mask ? "/" : "", mask ? mask : "");
    vrrp_write_parts(generation, node, parts);
    write_ports(generation, "sport", node, "source-port");
    write_ports(generation, "dport", node, "destination-port");
    if (drop)
        fprintf(generation->out, " %s", drop);
    if (child_node(node, "layer-3-master"))
        fputs(" l3mdev", generation->out);
    if (vrrp_is_true(node, "no-track"))
        fputs(" no_track", generation->out);
    else if (leaf_value(node, "protocol"))
        write_untracked(generation, node);
    fputc('\n', generation->out);
}

void vrrp_write_placed(const struct generation *generation, const struct lyd_node *node)
{
    vrrp_write_each(generation, node, "virtual-address", "virtual_ipaddress", write_address);
    vrrp_write_each(generation, node, "excluded-address", "virtual_ipaddress_excluded",
                    write_address);
    vrrp_write_each(generation, node, "virtual-route", "virtual_routes", write_route);
    vrrp_write_each(generation, node, "virtual-rule", "virtual_rules", write_rule);
}

/* Static ones. */

static void write_static_block(const struct generation *generation, const char *path,
                               const char *block,
                               void (*write)(const struct generation *, const struct lyd_node *))
{
    size_t count;
    vrrp_range_of(generation, path, &count);
    if (!count)
        return;
    fprintf(generation->out, "%s {\n", block);
    vrrp_write_list(generation, path, write);
    fputs("}\n", generation->out);
}

static void write_member(const struct generation *generation, const struct lyd_node *member)
{
    fprintf(generation->out, "        \"%s\"\n", lyd_get_value(member));
}

static void write_track_group(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "track_group %s {\n", leaf_value(node, "name"));
    vrrp_write_each(generation, node, "member", "group", write_member);
    fputs("}\n", generation->out);
}

void vrrp_write_static(const struct generation *generation)
{
    vrrp_write_list(generation, VRRP_TOP "/track-group", write_track_group);
    write_static_block(generation, VRRP_TOP "/static-address", "static_ipaddress", write_address);
    write_static_block(generation, VRRP_TOP "/static-route", "static_routes", write_route);
    write_static_block(generation, VRRP_TOP "/static-rule", "static_rules", write_rule);
}
