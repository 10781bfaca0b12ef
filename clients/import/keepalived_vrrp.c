/*
 * keepalived's VRRP: instances, and groups of them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/import/keepalived_place.h"
#include "clients/import/keepalived_vrrp.h"
#include "clients/import/service.h"

static void take_notify(const struct reading *reading, const struct statement *statement)
{
    char leaf[32];
    snprintf(leaf, sizeof(leaf), "%s",
             strcmp(statement->words[0], "notify") ? statement->words[0] : "notify-any");
    for (char *c = leaf; *c; c++)
        if (*c == '_')
            *c = '-';
    keepalived_vrrp_command(reading, statement, leaf);
}

/* Without a script it only changes a word, of instances. */
static void take_deleted(const struct reading *reading, const struct statement *statement)
{
    if (statement->count > 1)
        keepalived_vrrp_command(reading, statement, "notify-removal");
    else if (!strcmp(LYD_NAME(reading->node), "instance"))
        import_leaf(reading->import, statement->place, reading->node, "notify-deleted", "true");
}

static void take_rival(const struct reading *reading, const struct statement *statement)
{
    keepalived_vrrp_command(reading, statement, "notify-rival");
}

#define TRACKS                                                                                     \
    {"track_interface", .take = keepalived_vrrp_track},                                            \
        {"track_script", .take = keepalived_vrrp_track},                                           \
        {"track_file", .take = keepalived_vrrp_track},                                             \
        {"track_process", .take = keepalived_vrrp_track},                                          \
    {                                                                                              \
        "track_bfd", .take = keepalived_vrrp_track                                                 \
    }

#define NOTIFIES                                                                                   \
    {"notify_master", .take = take_notify}, {"notify_backup", .take = take_notify},                \
        {"notify_fault", .take = take_notify}, {"notify_stop", .take = take_notify},               \
        {"notify", .take = take_notify}, {"notify_deleted", .take = take_deleted},                 \
        {"notify_priority_changes", .why = ""},                                                    \
    {                                                                                              \
        "smtp_alert", .why = ""                                                                    \
    }

/* Instances. */

static void take_state(const struct reading *reading, const struct statement *statement)
{
    const char *state = statement_argument(statement);
    bool master = state && !strcasecmp(state, "MASTER");
    if (state && (master || !strcasecmp(state, "BACKUP")))
        import_leaf(reading->import, statement->place, reading->node, "initial-state",
                    master ? "master" : "backup");
    else
        import_left(reading->import, statement->place, "state: MASTER or BACKUP");
}

static void take_interval(const struct reading *reading, const struct statement *statement)
{
    keepalived_vrrp_scaled(reading, statement, "advertise-interval", 100);
}

static void take_peers(const struct reading *reading, const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct lyd_node *peer = import_entry(reading->import, one->place, reading->node,
                                             "unicast-peer", one->words[0], NULL);
        for (size_t i = 1; peer && i < one->count; i += 2) {
            const char *leaf = !strcmp(one->words[i], "min_ttl")   ? "min-ttl"
                               : !strcmp(one->words[i], "max_ttl") ? "max-ttl"
                                                                   : NULL;
            if (leaf && i + 1 < one->count)
                import_leaf(reading->import, one->place, peer, leaf, one->words[i + 1]);
            else
                import_left(reading->import, one->place, "%s: not known of a peer", one->words[i]);
        }
    }
}

static void take_vmac(const struct reading *reading, const struct statement *statement)
{
    struct lyd_node *mac =
        import_container(reading->import, statement->place, reading->node, "virtual-mac");
    for (size_t i = 1; i < statement->count; i++) {
        bool address = strchr(statement->words[i], ':') != NULL;
        import_leaf(reading->import, statement->place, mac, address ? "address" : "interface",
                    statement->words[i]);
    }
}

static void take_ipvlan(const struct reading *reading, const struct statement *statement)
{
    struct lyd_node *ipvlan =
        import_container(reading->import, statement->place, reading->node, "ipvlan");
    for (size_t i = 1; i < statement->count; i++) {
        const char *word = statement->words[i];
        bool mode = !strcmp(word, "bridge") || !strcmp(word, "private") || !strcmp(word, "vepa");
        bool address = strchr(word, ':') || strspn(word, "0123456789./") == strlen(word);
        char *alone = import_text("%.*s", (int)strcspn(word, "/"), word);
        import_leaf(reading->import, statement->place, ipvlan,
                    mode      ? "mode"
                    : address ? "address"
                              : "interface",
                    alone);
        free(alone);
    }
}

static void take_checksum(const struct reading *reading, const struct statement *statement)
{
    import_leaf(reading->import, statement->place, reading->node, "old-unicast-checksum",
                statement->count > 1 ? statement->words[1] : "always");
}

/* A switch that says the opposite of its leaf. */
static void take_silence(const struct reading *reading, const struct statement *statement)
{
    import_leaf(reading->import, statement->place, reading->node, "lower-priority-advertise",
                statement_on(statement, true) ? "false" : "true");
}

/* Only the first eight characters of a password count. */
static void take_authentication(const struct reading *reading, const struct statement *statement)
{
    const char *type = statement_argument(statement_find(statement->child, "auth_type", NULL));
    const struct statement *pass = statement_find(statement->child, "auth_pass", NULL);
    import_container(reading->import, statement->place, reading->node, "authentication");
    if (type && !strcasecmp(type, "AH"))
        import_leaf(reading->import, statement->place, reading->node, "authentication/type",
                    "header");
    char *password = import_text("%.8s", statement_argument(pass) ? statement_argument(pass) : "");
    import_secret(reading->import, pass ? pass->place : statement->place, reading->node,
                  "authentication/password", password);
    explicit_bzero(password, strlen(password));
    free(password);
}

/* The sync daemons of the table, which follow this instance. */
static void take_sync_daemon(const struct reading *reading, const struct statement *statement)
{
    const char *interface = statement_argument(statement);
    const char *id = statement_argument(statement_find(reading->block, "virtual_router_id", NULL));
    const char *name = lyd_get_value(import_find(reading->node, "name"));
    keepalived_sync_daemon(reading->import, statement->place, interface ? interface : "", name, id);
}

static void take_garp(const struct reading *reading, const struct statement *statement)
{
    static const char *const leaves[][2] = {
        {"garp_master_delay", "gratuitous-arp/delay"},
        {"garp_master_repeat", "gratuitous-arp/repeat"},
        {"garp_master_refresh", "gratuitous-arp/refresh"},
        {"garp_master_refresh_repeat", "gratuitous-arp/refresh-repeat"},
        {"garp_lower_prio_delay", "gratuitous-arp/lower-priority-delay"},
        {"garp_lower_prio_repeat", "gratuitous-arp/lower-priority-repeat"},
        {"garp_extra_if", "gratuitous-arp/extra-interval"}};
    const char *keyword = statement->words[0];
    if (!strncmp(keyword, "vrrp_", strlen("vrrp_")))
        keyword += strlen("vrrp_");
    for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++) {
        if (strcmp(keyword, leaves[i][0]))
            continue;
        const char *value = statement->count > 1 ? statement->words[statement->count - 1] : "";
        if (!strcmp(leaves[i][1], "gratuitous-arp/extra-interval") && !strcmp(value, "0"))
            return; /* it is none by default */
        import_leaf(reading->import, statement->place, reading->node, leaves[i][1], value);
        if (statement->count > 2 && !strcmp(statement->words[1], "all"))
            import_leaf(reading->import, statement->place, reading->node,
                        "gratuitous-arp/extra-all", "true");
        return;
    }
    import_left(reading->import, statement->place, "%s: Noria has nothing like it",
                statement->words[0]);
}

/* Settings of all instances that Noria has of each. */
static void take_defaults(const struct reading *reading, const struct statement *globals)
{
    static const struct keyword defaults[] = {
        {"vrrp_lower_prio_no_advert", .take = take_silence},
        {"vrrp_higher_prio_send_advert", "higher-priority-advertise", "bool"},
        {"vrrp_check_unicast_src", "check-unicast-source", "bool"},
        {"vrrp_skip_check_adv_addr", "skip-address-check", "bool"},
        {"vrrp_down_timer_adverts", "down-timer-advertisements"},
        {NULL}};
    for (const struct statement *one = globals; one; one = one->next) {
        struct statement alone = *one;
        struct reading single = *reading;
        alone.next = NULL;
        single.block = &alone;
        if (!strncmp(one->words[0], "vrrp_garp_", strlen("vrrp_garp_")) &&
            strcmp(one->words[0], "vrrp_garp_interval"))
            take_garp(reading, one);
        for (size_t i = 0; defaults[i].name; i++)
            if (!strcmp(one->words[0], defaults[i].name))
                keywords_take(&single, defaults);
    }
}

static void take_placed(const struct reading *reading, const struct statement *statement)
{
    keepalived_place(reading->import, reading->node, NULL, statement);
}

static const struct keyword instance_keywords[] = {
    {"state", .take = take_state},
    {"interface", "interface"},
    {"virtual_router_id", "virtual-router-id"},
    {"priority", "priority"},
    {"advert_int", .take = take_interval},
    {"version", .why = ""},
    {"native_ipv6", .why = ""},
    {"debug", .why = ""}, /* it does nothing */
    {"vrf", "vrf"},
    {"strict_mode", "strict", "bool"},
    {"lower_prio_no_advert", .take = take_silence},
    {"higher_prio_send_advert", "higher-priority-advertise", "bool"},
    {"skip_check_adv_addr", "skip-address-check", "bool"},
    {"promote_secondaries", "promote-secondaries", "true"},
    {"kernel_rx_buf_size", "receive-buffer"},
    {"track_src_ip", "track-source-address", "true"},
    {"mcast_dst_ip", "multicast-destination"},
    {"unicast_ttl", "unicast-ttl"},
    {"check_unicast_src", "check-unicast-source", "bool"},
    {"unicast_fault_no_peer", .why = "an instance without peers speaks multicast"},
    {"old_unicast_checksum", .take = take_checksum},
    {"use_vmac_addr", "virtual-mac/for-addresses", "true"},
    {"use_ipvlan", .take = take_ipvlan},
    {"garp_extra_if", .take = take_garp},
    {"linkbeat_use_polling", "linkbeat-polling", "true"},
    {"notify_master_rx_lower_pri", .take = take_rival},
    {"nopreempt", "preempt/enabled", "false"},
    {"preempt", "preempt/enabled", "true"},
    {"preempt_delay", .take = keepalived_vrrp_whole},
    {"accept", "accept-mode", "true"},
    {"no_accept", "accept-mode", "false"},
    {"down_timer_adverts", "down-timer-advertisements"},
    {"mcast_src_ip", "source-address"},
    {"unicast_src_ip", "source-address"},
    {"unicast_peer", .take = take_peers},
    {"use_vmac", .take = take_vmac},
    {"vmac_xmit_base", "virtual-mac/transmit-base", "true"},
    {"authentication", .take = take_authentication},
    {"garp_master_delay", .take = take_garp},
    {"garp_master_repeat", .take = take_garp},
    {"garp_master_refresh", .take = take_garp},
    {"garp_master_refresh_repeat", .take = take_garp},
    {"garp_lower_prio_delay", .take = take_garp},
    {"garp_lower_prio_repeat", .take = take_garp},
    {"virtual_ipaddress", .take = take_placed},
    {"virtual_ipaddress_excluded", .take = take_placed},
    {"virtual_routes", .take = take_placed},
    {"virtual_rules", .take = take_placed},
    {"dont_track_primary", "track-interface-of-instance", "false"},
    {"lvs_sync_daemon_interface", .take = take_sync_daemon},
    {"lvs_sync_daemon_inteface", .take = take_sync_daemon},
    TRACKS,
    NOTIFIES,
    {NULL},
};

static const char *version_of(const struct statement *globals, const struct statement *instance,
                              bool ipv6)
{
    const char *own = statement_argument(statement_find(instance->child, "version", NULL));
    const char *all = statement_argument(statement_find(globals, "vrrp_version", NULL));
    const char *version = own ? own : all ? all : "2";
    return ipv6 || !strcmp(version, "3") ? "vrrp-v3" : "vrrp-v2";
}

static bool has_ipv6(const struct statement *instance)
{
    const struct statement *block = statement_find(instance->child, "virtual_ipaddress", NULL);
    return statement_find(instance->child, "native_ipv6", NULL) ||
           (block && block->child && strchr(block->child->words[0], ':'));
}

static void take_instance(struct import *import, const struct statement *all,
                          const struct statement *globals, const struct statement *statement,
                          struct lyd_node *vrrp)
{
    struct lyd_node *node = keepalived_vrrp_entry(import, statement, vrrp, "instance");
    if (!node)
        return;
    struct reading reading = {.import = import, .all = all, .node = node};
    bool ipv6 = has_ipv6(statement);
    import_leaf(import, statement->place, node, "version", version_of(globals, statement, ipv6));
    if (ipv6)
        import_leaf(import, statement->place, node, "address-family", "ipv6");
    take_defaults(&reading, globals);
    reading.block = statement->child;
    keywords_take(&reading, instance_keywords);
}

/* Groups. */

static void add_member(const struct reading *reading, const struct statement *statement)
{
    char *name = import_name(statement->words[0]);
    import_leaf(reading->import, statement->place, reading->node, "member", name);
    free(name);
}

static void take_members(const struct reading *reading, const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next)
        add_member(reading, one);
}

static const struct keyword group_keywords[] = {
    {"group", .take = take_members},
    {"global_tracking", .why = ""},
    {"sync_group_tracking_weight", "members-weigh", "true"},
    TRACKS,
    NOTIFIES,
    {NULL},
};

/* Members may stand in the group itself, without 'group'. */
static void take_group(struct import *import, const struct statement *all,
                       const struct statement *statement, struct lyd_node *vrrp)
{
    struct lyd_node *node = keepalived_vrrp_entry(import, statement, vrrp, "sync-group");
    if (!node)
        return;
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct statement alone = *one;
        alone.next = NULL;
        struct reading reading = {.import = import, .all = all, .node = node, .block = &alone};
        const struct keyword *keyword = group_keywords;
        while (keyword->name && strcmp(keyword->name, one->words[0]))
            keyword++;
        if (keyword->name || one->count > 1 || one->block)
            keywords_take(&reading, group_keywords);
        else
            add_member(&reading, one);
    }
}

/* All of it. */

void keepalived_vrrp(struct import *import, const struct statement *all)
{
    const struct statement *defs = statement_find(all, "global_defs", NULL), *one;
    const struct statement *globals = defs ? defs->child : NULL;
    if (!all)
        return;
    struct lyd_node *vrrp = import_container(import, all->place, NULL, "noria-vrrp:vrrp");
    keepalived_vrrp_globals(import, all, globals, vrrp);
    for (one = all; one; one = one->next) {
        keepalived_vrrp_tracked(import, one, vrrp);
        if (!strcmp(one->words[0], "vrrp_instance"))
            take_instance(import, all, globals, one, vrrp);
        else if (!strcmp(one->words[0], "vrrp_sync_group"))
            take_group(import, all, one, vrrp);
    }
}
