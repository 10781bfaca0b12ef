/*
 * keepalived's VRRP: what is about all of it, and what is static.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived.h"
#include "clients/import/keepalived_place.h"

#define FIFO "Noria needs it itself; name one by notify_fifo"

static bool add(const struct reading *reading, const struct statement *statement, const char *leaf,
                const char *value)
{
    return import_leaf(reading->import, statement->place, reading->node, leaf, value ? value : "");
}

/* Settings. */

/* 'script_user USER [GROUP]' */
static void take_user(const struct reading *reading, const struct statement *statement)
{
    add(reading, statement, "script-user", statement_argument(statement));
    if (statement->count > 2)
        add(reading, statement, "script-group", statement->words[2]);
}

static void take_path(const struct reading *reading, const struct statement *statement)
{
    char leaf[32];
    snprintf(leaf, sizeof(leaf), "%s", statement->words[0]);
    for (char *c = leaf; *c; c++)
        if (*c == '_')
            *c = '-';
    add(reading, statement, leaf, statement_argument(statement));
    if (statement->count > 2)
        import_left(reading->import, statement->place, "%s: all scripts run as the script-user",
                    statement->words[0]);
}

static void take_cpus(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 1; i < statement->count; i++)
        add(reading, statement, "scheduling/cpu", statement->words[i]);
}

static void take_policy(const struct reading *reading, const struct statement *statement)
{
    const char *policy = statement_argument(statement);
    if (policy && (!strcmp(policy, "MTU") || !strcmp(policy, "ADVERT")))
        add(reading, statement, "buffers/receive-policy",
            strcmp(policy, "MTU") ? "advertisement" : "mtu");
    else
        import_left(reading->import, statement->place,
                    "vrrp_rx_bufs_policy %s: set receive-buffer of the instances",
                    policy ? policy : "");
}

static const struct keyword settings[] = {
    {"router_id", "router-id"},
    {"script_user", .take = take_user},
    {"startup_script", .take = take_path},
    {"startup_script_timeout", "startup-script-timeout"},
    {"shutdown_script", .take = take_path},
    {"shutdown_script_timeout", "shutdown-script-timeout"},
    {"notify_fifo", .take = take_path},
    {"notify_fifo_script", .take = take_path},
    {"vrrp_notify_fifo", .why = FIFO},
    {"vrrp_notify_fifo_script", .why = FIFO},
    {"vrrp_strict", "strict", "bool"},
    {"vrrp_startup_delay", "startup-delay"},
    {"vrrp_mcast_group4", "multicast-group"},
    {"vrrp_mcast_group6", "multicast-group-ipv6"},
    {"log_unknown_vrids", "log-unknown-routers", "true"},
    {"disable_local_igmp", "no-local-membership", "true"},
    {"vmac_prefix", "virtual-mac-prefix"},
    {"vmac_addr_prefix", "virtual-mac-address-prefix"},
    {"nftables", "packet-filter/table"},
    {"nftables_priority", "packet-filter/priority"},
    {"nftables_ifindex", "packet-filter/interface-index", "true"},
    {"vrrp_garp_interval", "announcements/arp-interval"},
    {"vrrp_gna_interval", "announcements/neighbor-advertisement-interval"},
    {"vrrp_min_garp", "announcements/minimal", "bool"},
    {"vrrp_priority", "scheduling/nice"},
    {"vrrp_no_swap", "scheduling/no-swap", "true"},
    {"vrrp_cpu_affinity", .take = take_cpus},
    {"vrrp_rt_priority", "scheduling/real-time-priority"},
    {"vrrp_rlimit_rttime", "scheduling/real-time-limit"},
    {"max_auto_priority", "scheduling/highest-automatic-priority"},
    {"min_auto_priority_delay", "scheduling/least-automatic-delay"},
    {"vrrp_netlink_cmd_rcv_bufs", "buffers/netlink-command"},
    {"vrrp_netlink_monitor_rcv_bufs", "buffers/netlink-monitor"},
    {"vrrp_netlink_cmd_rcv_bufs_force", "buffers/netlink-force", "bool"},
    {"vrrp_netlink_monitor_rcv_bufs_force", "buffers/netlink-force", "bool"},
    {"vrrp_rx_bufs_policy", .take = take_policy},
    {"vrrp_rx_bufs_multiplier", "buffers/receive-multiplier"},
    {"enable_script_security", .why = ""},
    {"dynamic_interfaces", .why = ""},
    {"default_interface", .why = ""},
    {"vrrp_version", .why = ""},
    {NULL},
};

/* Those that are of each instance in Noria (keepalived_vrrp.c). */
static const char *const of_instances[] = {
    "vrrp_lower_prio_no_advert", "vrrp_higher_prio_send_advert", "vrrp_check_unicast_src",
    "vrrp_skip_check_adv_addr",  "vrrp_down_timer_adverts",      NULL};

static const struct keyword *find(const char *keyword)
{
    const struct keyword *setting = settings;
    while (setting->name && strcmp(setting->name, keyword))
        setting++;
    return setting->name ? setting : NULL;
}

bool keepalived_vrrp_is_global(const char *keyword)
{
    for (size_t i = 0; of_instances[i]; i++)
        if (!strcmp(keyword, of_instances[i]))
            return true;
    return find(keyword) || !strncmp(keyword, "vrrp_garp_", strlen("vrrp_garp_"));
}

/* Whether a setting says something without VRRP, too. */
static bool is_of_others(const struct statement *all, const char *name)
{
    return !strcmp(name, "script_user") || !strcmp(name, "notify_fifo") ||
           (!strcmp(name, "router_id") && keepalived_mails(all));
}

static void take_setting(const struct reading *reading, const struct statement *statement,
                         bool wanted)
{
    struct statement alone = *statement;
    struct reading single = *reading;
    const struct keyword *setting = find(statement->words[0]);
    alone.next = NULL;
    single.block = &alone;
    if (setting && wanted)
        keywords_take(&single, settings);
    else if (setting && !(setting->why && !*setting->why) &&
             !is_of_others(reading->all, setting->name))
        import_left(reading->import, statement->place,
                    "%s: there is no VRRP that it would be about", setting->name);
}

/* Blocks. */

static void take_track_group(const struct reading *reading, const struct statement *statement)
{
    const char *given = statement_argument(statement);
    char *name = import_name(given ? given : "");
    struct lyd_node *group =
        import_entry(reading->import, statement->place, reading->node, "track-group", name, NULL);
    const struct statement *members = statement_find(statement->child, "group", NULL);
    for (const struct statement *one = members ? members->child : NULL; group && one;
         one = one->next) {
        char *member = import_name(one->words[0]);
        import_leaf(reading->import, one->place, group, "member", member);
        free(member);
    }
    free(name);
}

static void take_interfaces(const struct reading *reading, const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next)
        add(reading, one, "interface", one->words[0]);
}

static const struct keyword rate_keywords[] = {
    {"garp_interval", "arp-interval"},
    {"gna_interval", "neighbor-advertisement-interval"},
    {"interface", "interface"},
    {"interfaces", .take = take_interfaces},
    {NULL},
};

static void take_rates(const struct reading *reading, const struct statement *statement,
                       unsigned number)
{
    struct lyd_node *above =
        import_container(reading->import, statement->place, reading->node, "announcements");
    char *name = import_text("group-%u", number);
    struct reading group = *reading;
    group.node = import_entry(reading->import, statement->place, above, "group", name, NULL);
    group.block = statement->child;
    if (group.node)
        keywords_take(&group, rate_keywords);
    free(name);
}

static void take_polls(const struct reading *reading, const struct statement *statement)
{
    static const char *const methods[][2] = {
        {"MII", "mii"}, {"ETHTOOL", "ethtool"}, {"IOCTL", "ioctl"}};
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct lyd_node *poll = import_entry(reading->import, one->place, reading->node,
                                             "link-poll", one->words[0], NULL);
        for (size_t i = 0; poll && one->count > 1 && i < 3; i++)
            if (!strcmp(one->words[1], methods[i][0]))
                import_leaf(reading->import, one->place, poll, "method", methods[i][1]);
    }
}

static void take_delays(const struct reading *reading, const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct lyd_node *delay = import_entry(reading->import, one->place, reading->node,
                                              "interface-delay", one->words[0], NULL);
        if (delay)
            import_leaf(reading->import, one->place, delay, "down",
                        one->count > 1 ? one->words[1] : "");
        if (delay && one->count > 2)
            import_leaf(reading->import, one->place, delay, "up", one->words[2]);
    }
}

static void take_block(const struct reading *reading, const struct statement *statement,
                       const char *interface, unsigned *groups)
{
    const char *keyword = statement->words[0];
    if (!strcmp(keyword, "track_group"))
        take_track_group(reading, statement);
    else if (!strcmp(keyword, "garp_group"))
        take_rates(reading, statement, ++*groups);
    else if (!strcmp(keyword, "linkbeat_interfaces"))
        take_polls(reading, statement);
    else if (!strcmp(keyword, "interface_up_down_delays"))
        take_delays(reading, statement);
    else
        keepalived_place(reading->import, reading->node, interface, statement);
}

static bool is_block(const char *keyword)
{
    static const char *const blocks[] = {
        "track_group",   "garp_group",   "linkbeat_interfaces", "interface_up_down_delays",
        "static_routes", "static_rules", "static_ipaddress",    NULL};
    for (size_t i = 0; blocks[i]; i++)
        if (!strcmp(keyword, blocks[i]))
            return true;
    return false;
}

void keepalived_vrrp_globals(struct import *import, const struct statement *all,
                             const struct statement *globals, struct lyd_node *vrrp)
{
    struct reading reading = {.import = import, .all = all, .node = vrrp};
    bool wanted = statement_find(all, "vrrp_instance", NULL) != NULL;
    const char *interface = statement_argument(statement_find(globals, "default_interface", NULL));
    unsigned groups = 0;
    for (const struct statement *one = globals; one; one = one->next)
        take_setting(&reading, one, wanted);
    for (const struct statement *one = all; one; one = one->next) {
        if (is_block(one->words[0]) && wanted)
            take_block(&reading, one, interface ? interface : "eth0", &groups);
        else if (is_block(one->words[0]))
            import_left(import, one->place, "%s: there is no VRRP that it would be about",
                        one->words[0]);
    }
}
