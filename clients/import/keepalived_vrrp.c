/*
 * keepalived's VRRP: instances, groups of them, and what they track.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/import/keepalived.h"
#include "clients/import/keepalived_place.h"
#include "clients/import/service.h"

#define USER "all scripts run as the script-user"

/* A name in this file, as Noria takes it. */
static struct lyd_node *named(struct import *import, const struct statement *statement,
                              struct lyd_node *vrrp, const char *list)
{
    const char *given = statement_argument(statement);
    char *name = import_name(given ? given : "");
    struct lyd_node *node = import_entry(import, statement->place, vrrp, list, name, NULL);
    free(name);
    return node;
}

/* What is in a 'weight' statement may be followed by 'reverse'. */
static bool is_reverse(const struct statement *statement)
{
    return statement->count > 1 && !strcmp(statement->words[statement->count - 1], "reverse");
}

/* A program and its arguments, and who runs it. */
static void take_command(const struct reading *reading, const struct statement *statement,
                         const char *leaf)
{
    const char *command = statement_argument(statement);
    if (!command || command[0] != '/')
        import_left(reading->import, statement->place, "%s %s: a program needs its whole path",
                    statement->words[0], command ? command : "");
    else
        import_leaf(reading->import, statement->place, reading->node, leaf, command);
    if (statement->count > 2)
        import_left(reading->import, statement->place, "%s: " USER, statement->words[0]);
}

static void take_script(const struct reading *reading, const struct statement *statement)
{
    take_command(reading, statement, "command");
}

static void take_notify(const struct reading *reading, const struct statement *statement)
{
    char leaf[32];
    snprintf(leaf, sizeof(leaf), "%s",
             strcmp(statement->words[0], "notify") ? statement->words[0] : "notify-any");
    for (char *c = leaf; *c; c++)
        if (*c == '_')
            *c = '-';
    take_command(reading, statement, leaf);
}

/* Without a script it only changes a word, of instances. */
static void take_deleted(const struct reading *reading, const struct statement *statement)
{
    if (statement->count > 1)
        take_command(reading, statement, "notify-removal");
    else if (!strcmp(LYD_NAME(reading->node), "instance"))
        import_leaf(reading->import, statement->place, reading->node, "notify-deleted", "true");
}

static void take_rival(const struct reading *reading, const struct statement *statement)
{
    take_command(reading, statement, "notify-rival");
}

/* Decimals that the module has as whole numbers; 'scale' is how many of them make one. */
static void take_scaled(const struct reading *reading, const struct statement *statement,
                        const char *leaf, double scale)
{
    const char *value = statement_argument(statement);
    char *end = NULL;
    double number = value ? strtod(value, &end) : 0;
    if (!value || *end || !(number >= 0 && number < 1e9) ||
        fabs(number * scale - round(number * scale)) > 1e-6)
        import_left(reading->import, statement->place, "%s %s: not a number that %s can have",
                    statement->words[0], value ? value : "", leaf);
    else
        import_number(reading->import, statement->place, reading->node, leaf,
                      lround(number * scale));
}

static void take_whole(const struct reading *reading, const struct statement *statement)
{
    static const char *const leaves[][2] = {{"vrrp_startup_delay", "startup-delay"},
                                            {"interval", "interval"},
                                            {"timeout", "timeout"},
                                            {"preempt_delay", "preempt/hold-time"},
                                            {"min_rx", "min-receive"},
                                            {"min_tx", "min-transmit"},
                                            {"idle_tx", "idle-transmit"}};
    for (size_t i = 0; i < sizeof(leaves) / sizeof(*leaves); i++)
        if (!strcmp(statement->words[0], leaves[i][0]))
            take_scaled(reading, statement, leaves[i][1], 1);
}

/* What is tracked: scripts, files, processes, sessions. */

static void take_process(const struct reading *reading, const struct statement *statement)
{
    char *command = statement_rest(statement, 1);
    import_leaf(reading->import, statement->place, reading->node, "command", command);
    free(command);
}

/* Both delays at once. */
static void take_delay(const struct reading *reading, const struct statement *statement)
{
    const char *value = statement_argument(statement);
    import_leaf(reading->import, statement->place, reading->node, "start-delay",
                value ? value : "");
    import_leaf(reading->import, statement->place, reading->node, "end-delay", value ? value : "");
}

/* 'user NAME [GROUP]' */
static void take_user(const struct reading *reading, const struct statement *statement)
{
    const char *user = statement_argument(statement);
    import_leaf(reading->import, statement->place, reading->node, "user", user ? user : "");
    if (statement->count > 2)
        import_leaf(reading->import, statement->place, reading->node, "group", statement->words[2]);
}

/* 'init_file [VALUE] [overwrite]' */
static void take_initial(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 1; i < statement->count; i++) {
        bool overwrite = !strcmp(statement->words[i], "overwrite");
        import_leaf(reading->import, statement->place, reading->node,
                    overwrite ? "overwrite" : "initial", overwrite ? "true" : statement->words[i]);
    }
}

static const struct keyword script_keywords[] = {
    {"script", .take = take_script},
    {"interval", .take = take_whole},
    {"timeout", .take = take_whole},
    {"rise", "rise"},
    {"fall", "fall"},
    {"init_fail", "initially-failed", "true"},
    {"weight", .why = ""},
    {"user", .take = take_user},
    {NULL},
};

static const struct keyword file_keywords[] = {
    {"file", "file"},
    {"weight", .why = ""},
    {"init_file", .take = take_initial},
    {NULL},
};

static const struct keyword process_keywords[] = {
    {"process", .take = take_process},
    {"quorum", "quorum"},
    {"quorum_max", "maximum"},
    {"delay", .take = take_delay},
    {"fork_delay", "start-delay"},
    {"terminate_delay", "end-delay"},
    {"param_match", "match"},
    {"weight", .why = ""},
    {"full_command", "whole-command", "true"},
    {NULL},
};

static const struct keyword bfd_keywords[] = {
    {"neighbor_ip", "neighbor"},
    {"neighbour_ip", "neighbor"},
    {"source_ip", "source"},
    {"min_rx", .take = take_whole},
    {"min_tx", .take = take_whole},
    {"idle_tx", .take = take_whole},
    {"multiplier", "multiplier"},
    {"passive", "passive", "true"},
    {"ttl", "hop-limit"},
    {"hoplimit", "hop-limit"},
    {"max_hops", "max-hops"},
    {"weight", .why = ""},
    {"vrrp", .why = ""},
    {NULL},
};

/* A list of 'track_...' in an instance or a group. */
struct tracked {
    const char *keyword, *list;
    const char *definitions[3]; /* blocks that define it, which say a weight, too */
};

static const struct tracked tracked[] = {
    {"track_interface", "track-interface", {NULL}},
    {"track_script", "track-script", {"vrrp_script"}},
    {"track_file", "track-file", {"track_file", "vrrp_track_file"}},
    {"track_process", "track-process", {"vrrp_track_process", "track_process"}},
    {"track_bfd", "track-bfd", {"bfd_instance"}},
};

/* The weight that the definition of what is tracked says, or NULL. */
static const struct statement *defined_weight(const struct reading *reading,
                                              const struct tracked *kind, const char *name)
{
    const struct statement *found = NULL;
    for (const struct statement *one = reading->all; one; one = one->next)
        for (size_t i = 0; i < 2 && kind->definitions[i]; i++)
            if (!strcmp(one->words[0], kind->definitions[i]) && one->count > 1 &&
                !strcmp(one->words[1], name))
                found = statement_find(one->child, "weight", NULL);
    return found;
}

static void take_tracked(const struct reading *reading, const struct tracked *kind,
                         const struct statement *statement)
{
    struct import *import = reading->import;
    bool interface = !strcmp(kind->keyword, "track_interface");
    char *name =
        interface ? import_text("%s", statement->words[0]) : import_name(statement->words[0]);
    struct lyd_node *node =
        import_entry(import, statement->place, reading->node, kind->list, name, NULL);
    free(name);
    if (!node)
        return;
    bool own = statement->count > 2 && !strcmp(statement->words[1], "weight");
    const struct statement *defined =
        own ? NULL : defined_weight(reading, kind, statement->words[0]);
    const char *weight = own ? statement->words[2] : statement_argument(defined);
    if (weight)
        import_leaf(import, statement->place, node, "weight",
                    weight[0] == '+' ? weight + 1 : weight);
    else if (statement->count > 1)
        import_left(import, statement->place, "%s: not understood", statement->words[1]);
    bool reverse = own ? is_reverse(statement) : defined && is_reverse(defined);
    if (reverse)
        import_leaf(import, statement->place, node, "reverse", "true");
}

static void take_track(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 0; i < sizeof(tracked) / sizeof(*tracked); i++)
        if (!strcmp(statement->words[0], tracked[i].keyword))
            for (const struct statement *one = statement->child; one; one = one->next)
                take_tracked(reading, &tracked[i], one);
}

#define TRACKS                                                                                     \
    {"track_interface", .take = take_track}, {"track_script", .take = take_track},                 \
        {"track_file", .take = take_track}, {"track_process", .take = take_track},                 \
    {                                                                                              \
        "track_bfd", .take = take_track                                                            \
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
    take_scaled(reading, statement, "advertise-interval", 100);
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
    {"preempt_delay", .take = take_whole},
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
    struct lyd_node *node = named(import, statement, vrrp, "instance");
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
    struct lyd_node *node = named(import, statement, vrrp, "sync-group");
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

static void take_tracked_thing(struct import *import, const struct statement *statement,
                               struct lyd_node *vrrp)
{
    static const struct {
        const char *keyword, *list;
        const struct keyword *keywords;
    } kinds[] = {
        {"vrrp_script", "script", script_keywords},
        {"track_file", "file", file_keywords},
        {"vrrp_track_file", "file", file_keywords},
        {"vrrp_track_process", "process", process_keywords},
        {"track_process", "process", process_keywords},
        {"bfd_instance", "bfd-session", bfd_keywords},
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        if (strcmp(statement->words[0], kinds[i].keyword))
            continue;
        struct reading reading = {.import = import,
                                  .node = named(import, statement, vrrp, kinds[i].list),
                                  .block = statement->child};
        if (reading.node)
            keywords_take(&reading, kinds[i].keywords);
    }
}

void keepalived_vrrp(struct import *import, const struct statement *all)
{
    const struct statement *defs = statement_find(all, "global_defs", NULL), *one;
    const struct statement *globals = defs ? defs->child : NULL;
    if (!all)
        return;
    struct lyd_node *vrrp = import_container(import, all->place, NULL, "noria-vrrp:vrrp");
    keepalived_vrrp_globals(import, all, globals, vrrp);
    for (one = all; one; one = one->next) {
        take_tracked_thing(import, one, vrrp);
        if (!strcmp(one->words[0], "vrrp_instance"))
            take_instance(import, all, globals, one, vrrp);
        else if (!strcmp(one->words[0], "vrrp_sync_group"))
            take_group(import, all, one, vrrp);
    }
}
