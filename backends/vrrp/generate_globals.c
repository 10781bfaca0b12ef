/*
 * What is not about an instance or a group.
 */
#include <ctype.h>
#include <string.h>

#include "backends/vrrp/files.h"
#include "backends/vrrp/generation.h"

static bool is_zero(const char *value)
{
    return !value || !strcmp(value, "0") || !strcmp(value, "0.0");
}

static void write_seconds(const struct generation *generation, const char *keyword,
                          const struct lyd_node *node, const char *leaf)
{
    if (!is_zero(leaf_value(node, leaf)))
        vrrp_write_word(generation, keyword, node, leaf);
}

static void write_scripts(const struct generation *generation, const struct lyd_node *top)
{
    const char *user = leaf_value(top, "script-user"), *group = leaf_value(top, "script-group");
    fprintf(generation->out, "    script_user %s %s\n", user, group ? group : "");
    if (leaf_value(top, "startup-script")) {
        vrrp_write_quoted(generation, "startup_script", top, "startup-script");
        vrrp_write_word(generation, "startup_script_timeout", top, "startup-script-timeout");
    }
    if (leaf_value(top, "shutdown-script")) {
        vrrp_write_quoted(generation, "shutdown_script", top, "shutdown-script");
        vrrp_write_word(generation, "shutdown_script_timeout", top, "shutdown-script-timeout");
    }
    vrrp_write_quoted(generation, "notify_fifo", top, "notify-fifo");
    vrrp_write_quoted(generation, "notify_fifo_script", top, "notify-fifo-script");
}

static void write_process(const struct generation *generation, const struct lyd_node *top)
{
    static const struct vrrp_keyword words[] = {
        {"scheduling/nice", "vrrp_priority"},
        {"scheduling/real-time-priority", "vrrp_rt_priority"},
        {"scheduling/real-time-limit", "vrrp_rlimit_rttime"},
        {"scheduling/highest-automatic-priority", "max_auto_priority"},
        {"scheduling/least-automatic-delay", "min_auto_priority_delay"},
        {"buffers/netlink-command", "vrrp_netlink_cmd_rcv_bufs"},
        {"buffers/netlink-monitor", "vrrp_netlink_monitor_rcv_bufs"},
        {"buffers/receive-multiplier", "vrrp_rx_bufs_multiplier"},
        {0}};
    const char *policy = leaf_value(top, "buffers/receive-policy");
    const struct lyd_node *child;
    bool any = false;
    vrrp_write_words(generation, top, words);
    vrrp_write_flag(generation, "vrrp_no_swap", top, "scheduling/no-swap");
    vrrp_write_flag(generation, "vrrp_netlink_cmd_rcv_bufs_force", top, "buffers/netlink-force");
    vrrp_write_flag(generation, "vrrp_netlink_monitor_rcv_bufs_force", top,
                    "buffers/netlink-force");
    if (policy)
        fprintf(generation->out, "    vrrp_rx_bufs_policy %s\n",
                strcmp(policy, "mtu") ? "ADVERT" : "MTU");
    LY_LIST_FOR(lyd_child(child_node(top, "scheduling")), child)
    {
        if (!vrrp_is_child(child, "cpu"))
            continue;
        fprintf(generation->out, "%s %s", any ? "" : "    vrrp_cpu_affinity", lyd_get_value(child));
        any = true;
    }
    if (any)
        fputc('\n', generation->out);
}

static void write_protocol(const struct generation *generation, const struct lyd_node *top)
{
    static const struct vrrp_keyword words[] = {{"multicast-group", "vrrp_mcast_group4"},
                                                {"multicast-group-ipv6", "vrrp_mcast_group6"},
                                                {"virtual-mac-prefix", "vmac_prefix"},
                                                {"virtual-mac-address-prefix", "vmac_addr_prefix"},
                                                {0}};
    vrrp_write_words(generation, top, words);
    write_seconds(generation, "vrrp_startup_delay", top, "startup-delay");
    write_seconds(generation, "vrrp_garp_interval", top, "announcements/arp-interval");
    write_seconds(generation, "vrrp_gna_interval", top,
                  "announcements/neighbor-advertisement-interval");
    vrrp_write_flag(generation, "vrrp_min_garp", top, "announcements/minimal");
    vrrp_write_flag(generation, "vrrp_strict", top, "strict");
    vrrp_write_flag(generation, "log_unknown_vrids", top, "log-unknown-routers");
    vrrp_write_flag(generation, "disable_local_igmp", top, "no-local-membership");
    vrrp_write_word(generation, "nftables", top, "packet-filter/table");
    vrrp_write_word(generation, "nftables_priority", top, "packet-filter/priority");
    vrrp_write_flag(generation, "nftables_ifindex", top, "packet-filter/interface-index");
}

/* Blocks of their own. */

static void write_rates(const struct generation *generation, const struct lyd_node *announcements)
{
    const struct lyd_node *group, *child;
    LY_LIST_FOR(lyd_child(announcements), group)
    {
        if (!vrrp_is_child(group, "group"))
            continue;
        fputs("garp_group {\n", generation->out);
        write_seconds(generation, "garp_interval", group, "arp-interval");
        write_seconds(generation, "gna_interval", group, "neighbor-advertisement-interval");
        fputs("    interfaces {\n", generation->out);
        LY_LIST_FOR(lyd_child(group), child)
        {
            if (vrrp_is_child(child, "interface"))
                fprintf(generation->out, "        %s\n", lyd_get_value(child));
        }
        fputs("    }\n}\n", generation->out);
    }
}

static void write_poll(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "    %s ", leaf_value(node, "interface"));
    for (const char *c = leaf_value(node, "method"); *c; c++)
        fputc(toupper((unsigned char)*c), generation->out);
    fputc('\n', generation->out);
}

static bool polls(const struct lyd_node *instance)
{
    return vrrp_is_true(instance, "enabled") && vrrp_is_true(instance, "linkbeat-polling");
}

/* Whether one of the first of a list, if it counts, names an interface. */
static bool is_named(const struct generation *generation, const char *path, size_t before,
                     bool (*counts)(const struct lyd_node *), const char *interface)
{
    size_t count, first = vrrp_range_of(generation, path, &count);
    for (size_t i = 0; i < count && i < before; i++) {
        const struct lyd_node *node = generation->snapshot->entries[first + i]->node;
        if ((!counts || counts(node)) && !strcmp(leaf_value(node, "interface"), interface))
            return true;
    }
    return false;
}

/* Those of the list, and those of instances, each once. */
static void write_polls(const struct generation *generation)
{
    size_t polled, count;
    vrrp_range_of(generation, VRRP_TOP "/link-poll", &polled);
    size_t first = vrrp_range_of(generation, VRRP_INSTANCE, &count);
    bool any = polled > 0;
    if (any)
        fputs("linkbeat_interfaces {\n", generation->out);
    vrrp_write_list(generation, VRRP_TOP "/link-poll", write_poll);
    for (size_t i = 0; i < count; i++) {
        const struct lyd_node *node = generation->snapshot->entries[first + i]->node;
        const char *interface = leaf_value(node, "interface");
        if (!polls(node) || is_named(generation, VRRP_INSTANCE, i, polls, interface) ||
            is_named(generation, VRRP_TOP "/link-poll", polled, NULL, interface))
            continue;
        fprintf(generation->out, "%s    %s\n", any ? "" : "linkbeat_interfaces {\n", interface);
        any = true;
    }
    if (any)
        fputs("}\n", generation->out);
}

static void write_delay(const struct generation *generation, const struct lyd_node *node)
{
    const char *up = leaf_value(node, "up");
    fprintf(generation->out, "    %s %s %s\n", leaf_value(node, "interface"),
            leaf_value(node, "down"), up ? up : "");
}

static void write_block(const struct generation *generation, const char *path, const char *block,
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

void vrrp_write_globals(const struct generation *generation)
{
    const struct unit *unit = schema_unit_find(generation->schema, VRRP_TOP);
    const struct entry *entry = unit ? snapshot_find(generation->snapshot, unit, "") : NULL;
    fputs("# Written by noriad: changes are lost. Configure VRRP by NETCONF.\nglobal_defs {\n",
          generation->out);
    if (entry) {
        vrrp_write_quoted(generation, "router_id", entry->node, "router-id");
        write_scripts(generation, entry->node);
        write_process(generation, entry->node);
        write_protocol(generation, entry->node);
    }
    fprintf(generation->out,
            "    enable_script_security\n    dynamic_interfaces allow_if_changes\n"
            "    vrrp_notify_priority_changes true\n"
            "    vrrp_notify_fifo \"%s/" VRRP_FIFO "\" root root\n}\n",
            generation->folder);
    if (entry && child_node(entry->node, "announcements"))
        write_rates(generation, child_node(entry->node, "announcements"));
    write_polls(generation);
    write_block(generation, VRRP_TOP "/interface-delay", "interface_up_down_delays", write_delay);
}
