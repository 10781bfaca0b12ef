/*
 * keepalived.conf(5) from the configuration.
 */
#include "backends/vrrp/generate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/vrrp/files.h"

/* What is at work. */
struct generation {
    const struct schema *schema;
    const struct snapshot *snapshot;
    const char *folder;
    FILE *out;
    size_t instances;
};

/* Looking at the configuration. */

static bool is_true(const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    return value && !strcmp(value, "true");
}

static bool is_child(const struct lyd_node *node, const char *name)
{
    return node->schema && !strcmp(node->schema->name, name);
}

static bool has_member(const struct lyd_node *group, const char *instance)
{
    const struct lyd_node *child;
    LY_LIST_FOR(lyd_child(group), child)
    {
        if (is_child(child, "member") && !strcmp(lyd_get_value(child), instance))
            return true;
    }
    return false;
}

static size_t range_of(const struct schema *schema, const struct snapshot *snapshot,
                       const char *path, size_t *count)
{
    const struct unit *unit = schema_unit_find(schema, path);
    *count = 0;
    return unit ? snapshot_range(snapshot, unit, count) : 0;
}

const struct lyd_node *vrrp_group_of(const struct schema *schema, const struct snapshot *snapshot,
                                     const char *instance)
{
    size_t count, first = range_of(schema, snapshot, VRRP_GROUP, &count);
    for (size_t i = first; i < first + count; i++)
        if (has_member(snapshot->entries[i]->node, instance))
            return snapshot->entries[i]->node;
    return NULL;
}

const struct lyd_node *vrrp_instance_of(const struct schema *schema,
                                        const struct snapshot *snapshot, const char *name)
{
    char key[96];
    const struct unit *unit = schema_unit_find(schema, VRRP_INSTANCE);
    snprintf(key, sizeof(key), "[name='%s']", name);
    const struct entry *entry = unit ? snapshot_find(snapshot, unit, key) : NULL;
    return entry ? entry->node : NULL;
}

static const struct lyd_node *instance_of(const struct generation *generation, const char *name)
{
    return vrrp_instance_of(generation->schema, generation->snapshot, name);
}

/* Writing. */

static void word(const struct generation *generation, const char *keyword,
                 const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    if (value)
        fprintf(generation->out, "    %s %s\n", keyword, value);
}

static void quoted(const struct generation *generation, const char *keyword,
                   const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    if (value)
        fprintf(generation->out, "    %s \"%s\"\n", keyword, value);
}

/* Every list instance of a name below a node, by a function of its own. */
static void each(const struct generation *generation, const struct lyd_node *node, const char *list,
                 const char *block,
                 void (*write)(const struct generation *generation, const struct lyd_node *item))
{
    const struct lyd_node *child;
    bool any = false;
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!is_child(child, list))
            continue;
        if (!any)
            fprintf(generation->out, "    %s {\n", block);
        any = true;
        write(generation, child);
    }
    if (any)
        fputs("    }\n", generation->out);
}

/* What can be tracked. */

static void write_script(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "vrrp_script \"%s\" {\n", leaf_value(node, "name"));
    quoted(generation, "script", node, "command");
    word(generation, "interval", node, "interval");
    word(generation, "timeout", node, "timeout");
    word(generation, "rise", node, "rise");
    word(generation, "fall", node, "fall");
    if (is_true(node, "initially-failed"))
        fputs("    init_fail\n", generation->out);
    fputs("}\n", generation->out);
}

static void write_file(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out,
            "track_file \"%s\" {\n    file \"%s\"\n    weight 1\n    init_file 0\n}\n",
            leaf_value(node, "name"), leaf_value(node, "file"));
}

static void write_process(const struct generation *generation, const struct lyd_node *node)
{
    const char *command = leaf_value(node, "command");
    fprintf(generation->out, "vrrp_track_process \"%s\" {\n", leaf_value(node, "name"));
    fprintf(generation->out, "    process %s\n", command);
    if (strchr(command, ' '))
        fputs("    full_command\n", generation->out);
    word(generation, "quorum", node, "quorum");
    if (strcmp(leaf_value(node, "delay"), "0") != 0)
        word(generation, "delay", node, "delay");
    fputs("}\n", generation->out);
}

static void write_bfd(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "bfd_instance \"%s\" {\n", leaf_value(node, "name"));
    word(generation, "neighbor_ip", node, "neighbor");
    word(generation, "source_ip", node, "source");
    word(generation, "min_rx", node, "min-receive");
    word(generation, "min_tx", node, "min-transmit");
    word(generation, "multiplier", node, "multiplier");
    fputs("}\n", generation->out);
}

/* A file of the agent's own: keepalived reads from it what the agent knows. */
static void write_own_file(const struct generation *generation, const char *kind, const char *name)
{
    fprintf(generation->out, "track_file \"" VRRP_OWN "%s.%s\" {\n    file \"%s/%s.%s\"\n", kind,
            name, generation->folder, kind, name);
    fputs("    weight 1\n    init_file 0\n}\n", generation->out);
}

static void write_list(const struct generation *generation, const char *path,
                       void (*write)(const struct generation *, const struct lyd_node *))
{
    size_t count, first = range_of(generation->schema, generation->snapshot, path, &count);
    for (size_t i = first; i < first + count; i++)
        write(generation, generation->snapshot->entries[i]->node);
}

/* Each virtual server that anything tracks, once. */
static bool is_tracked(const struct generation *generation, const char *list, const char *name)
{
    size_t count, first = range_of(generation->schema, generation->snapshot, list, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct lyd_node *child;
        LY_LIST_FOR(lyd_child(generation->snapshot->entries[i]->node), child)
        {
            if (is_child(child, "track-virtual-server") &&
                !strcmp(leaf_value(child, "virtual-server"), name))
                return true;
        }
    }
    return false;
}

static void write_virtual_servers(const struct generation *generation)
{
    size_t count, first = range_of(generation->schema, generation->snapshot,
                                   "/noria-virtual-server:virtual-servers/virtual-server", &count);
    for (size_t i = first; i < first + count; i++) {
        const char *name = leaf_value(generation->snapshot->entries[i]->node, "name");
        if (is_tracked(generation, VRRP_INSTANCE, name) || is_tracked(generation, VRRP_GROUP, name))
            write_own_file(generation, VRRP_QUORUM, name);
    }
}

/* Tracking. */

static void write_weight(const struct generation *generation, const struct lyd_node *node)
{
    const char *weight = leaf_value(node, "weight");
    if (strcmp(weight, "0") != 0 || is_true(node, "reverse"))
        fprintf(generation->out, " weight %s%s", weight,
                is_true(node, "reverse") ? " reverse" : "");
    fputc('\n', generation->out);
}

static void track_interface(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        %s", leaf_value(node, "interface"));
    write_weight(generation, node);
}

static void track_script(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        \"%s\"", leaf_value(node, "script"));
    write_weight(generation, node);
}

static void track_process(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        \"%s\" weight %s\n", leaf_value(node, "process"),
            leaf_value(node, "weight"));
}

static void track_bfd(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        \"%s\"", leaf_value(node, "session"));
    write_weight(generation, node);
}

/* Those of the operator and the agent's own, in one block. */
static void track_files(const struct generation *generation, const struct lyd_node *node,
                        const char *order, bool weighted)
{
    const struct lyd_node *child;
    fprintf(generation->out, "    track_file {\n        \"" VRRP_OWN "%s.%s\" weight %d\n", order,
            leaf_value(node, "name"), weighted);
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (is_child(child, "track-file"))
            fprintf(generation->out, "        \"%s\" weight %s\n", leaf_value(child, "file"),
                    leaf_value(child, "weight"));
        else if (is_child(child, "track-virtual-server"))
            fprintf(generation->out, "        \"" VRRP_OWN VRRP_QUORUM ".%s\" weight %s\n",
                    leaf_value(child, "virtual-server"), leaf_value(child, "weight"));
    }
    fputs("    }\n", generation->out);
}

static void write_tracking(const struct generation *generation, const struct lyd_node *node)
{
    each(generation, node, "track-interface", "track_interface", track_interface);
    each(generation, node, "track-script", "track_script", track_script);
    each(generation, node, "track-process", "track_process", track_process);
    each(generation, node, "track-bfd", "track_bfd", track_bfd);
    quoted(generation, "notify_master", node, "notify-master");
    quoted(generation, "notify_backup", node, "notify-backup");
    quoted(generation, "notify_fault", node, "notify-fault");
    quoted(generation, "notify_stop", node, "notify-stop");
    quoted(generation, "notify", node, "notify-any");
}

/* Instances. */

static void write_address(const struct generation *generation, const struct lyd_node *node)
{
    const struct lyd_node *instance = lyd_parent(node);
    const char *address = leaf_value(node, "address"), *length = leaf_value(node, "prefix-length");
    const char *interface = leaf_value(node, "interface"), *label = leaf_value(node, "label");
    fprintf(generation->out, "        %s/%s dev %s", address,
            length                 ? length
            : strchr(address, ':') ? "128"
                                   : "32",
            interface ? interface : leaf_value(instance, "interface"));
    if (!strchr(address, ':')) /* that of IPv6 is in the address */
        fprintf(generation->out, " scope %s", leaf_value(node, "scope"));
    if (label)
        fprintf(generation->out, " label %s", label);
    if (is_true(node, "no-prefix-route"))
        fputs(" noprefixroute", generation->out);
    fputc('\n', generation->out);
}

static void write_part(const struct generation *generation, const char *keyword,
                       const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    if (value)
        fprintf(generation->out, " %s %s", keyword, value);
}

static void write_route(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        %s", leaf_value(node, "destination"));
    write_part(generation, "via", node, "gateway");
    write_part(generation, "dev", node, "interface");
    write_part(generation, "metric", node, "metric");
    write_part(generation, "table", node, "table");
    fputc('\n', generation->out);
}

static void write_rule(const struct generation *generation, const struct lyd_node *node)
{
    fputs("       ", generation->out);
    write_part(generation, "from", node, "from");
    write_part(generation, "to", node, "to");
    write_part(generation, "table", node, "table");
    write_part(generation, "preference", node, "preference");
    fputc('\n', generation->out);
}

static void write_peer(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        %s", leaf_value(node, "address"));
    write_part(generation, "min_ttl", node, "min-ttl");
    write_part(generation, "max_ttl", node, "max-ttl");
    fputc('\n', generation->out);
}

static void write_announcements(const struct generation *generation, const struct lyd_node *node)
{
    const struct lyd_node *arp = child_node(node, "gratuitous-arp");
    word(generation, "garp_master_delay", arp, "delay");
    word(generation, "garp_master_repeat", arp, "repeat");
    word(generation, "garp_master_refresh", arp, "refresh");
    word(generation, "garp_master_refresh_repeat", arp, "refresh-repeat");
    word(generation, "garp_lower_prio_delay", arp, "lower-priority-delay");
    word(generation, "garp_lower_prio_repeat", arp, "lower-priority-repeat");
}

static void write_transport(const struct generation *generation, const struct lyd_node *node)
{
    const struct lyd_node *mac = child_node(node, "virtual-mac");
    bool unicast = child_node(node, "unicast-peer") != NULL;
    word(generation, unicast ? "unicast_src_ip" : "mcast_src_ip", node, "source-address");
    each(generation, node, "unicast-peer", "unicast_peer", write_peer);
    if (mac) {
        const char *name = leaf_value(mac, "interface");
        fprintf(generation->out, "    use_vmac %s\n", name ? name : "");
    }
    if (mac && is_true(mac, "transmit-base"))
        fputs("    vmac_xmit_base\n", generation->out);
    if (child_node(node, "authentication"))
        fprintf(generation->out,
                "    authentication {\n        auth_type PASS\n        auth_pass \"%s\"\n    }\n",
                leaf_value(node, "authentication/password"));
}

static void write_election(const struct generation *generation, const struct lyd_node *node)
{
    unsigned long interval = strtoul(leaf_value(node, "advertise-interval"), NULL, 10);
    const char *initial = leaf_value(node, "initial-state");
    fprintf(generation->out, "    state %s\n", strcmp(initial, "master") ? "BACKUP" : "MASTER");
    fprintf(generation->out, "    version %c\n",
            strcmp(leaf_value(node, "version"), "vrrp-v2") ? '3' : '2');
    word(generation, "virtual_router_id", node, "virtual-router-id");
    word(generation, "priority", node, "priority");
    fprintf(generation->out, "    advert_int %lu.%02lu\n", interval / 100, interval % 100);
    if (!is_true(node, "preempt/enabled"))
        fputs("    nopreempt\n", generation->out);
    else if (strcmp(leaf_value(node, "preempt/hold-time"), "0") != 0)
        word(generation, "preempt_delay", node, "preempt/hold-time");
    if (is_true(node, "promote-secondaries"))
        fputs("    promote_secondaries\n", generation->out);
    if (is_true(node, "notify-deleted"))
        fputs("    notify_deleted\n", generation->out);
    fputs(is_true(node, "accept-mode") ? "    accept\n" : "    no_accept\n", generation->out);
    if (strcmp(leaf_value(node, "down-timer-advertisements"), "3") != 0)
        word(generation, "down_timer_adverts", node, "down-timer-advertisements");
    if (!is_true(node, "track-interface-of-instance"))
        fputs("    dont_track_primary\n", generation->out);
}

static void write_instance(const struct generation *generation, const struct lyd_node *node)
{
    const char *name = leaf_value(node, "name");
    bool grouped = vrrp_group_of(generation->schema, generation->snapshot, name) != NULL;
    bool owner = !strcmp(leaf_value(node, "priority"), "255");
    fprintf(generation->out, "vrrp_instance \"%s\" {\n", name);
    word(generation, "interface", node, "interface");
    write_election(generation, node);
    write_transport(generation, node);
    write_announcements(generation, node);
    each(generation, node, "virtual-address", "virtual_ipaddress", write_address);
    each(generation, node, "excluded-address", "virtual_ipaddress_excluded", write_address);
    each(generation, node, "virtual-route", "virtual_routes", write_route);
    each(generation, node, "virtual-rule", "virtual_rules", write_rule);
    track_files(generation, node, VRRP_ORDER, !grouped && !owner);
    write_tracking(generation, node);
    fputs("    notify_priority_changes true\n}\n", generation->out);
}

static enum outcome write_instances(struct generation *generation, struct error *err)
{
    size_t count, first = range_of(generation->schema, generation->snapshot, VRRP_INSTANCE, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct lyd_node *node = generation->snapshot->entries[i]->node;
        if (!is_true(node, "enabled"))
            continue;
        write_own_file(generation, VRRP_ORDER, leaf_value(node, "name"));
        write_instance(generation, node);
        generation->instances++;
    }
    return ferror(generation->out) ? fail_memory(err) : DONE;
}

/* Groups. */

static enum outcome refuse_second(const struct generation *generation, const struct lyd_node *group,
                                  const char *member, struct error *err)
{
    const struct lyd_node *first = vrrp_group_of(generation->schema, generation->snapshot, member);
    if (first == group)
        return DONE;
    char *path = lyd_path(group, LYD_PATH_STD, NULL, 0);
    refuse(err, TAG_INVALID_VALUE, path,
           "The instance %s is in the group %s already: an instance is in one group at most.",
           member, leaf_value(first, "name"));
    free(path);
    return REFUSED;
}

static enum outcome write_group(struct generation *generation, const struct lyd_node *group,
                                struct error *err)
{
    const struct lyd_node *child;
    size_t members = 0;
    LY_LIST_FOR(lyd_child(group), child)
    {
        const char *name = is_child(child, "member") ? lyd_get_value(child) : NULL;
        const struct lyd_node *instance = name ? instance_of(generation, name) : NULL;
        if (name && refuse_second(generation, group, name, err) != DONE)
            return REFUSED;
        if (!instance || !is_true(instance, "enabled"))
            continue;
        if (!members++)
            fprintf(generation->out, "vrrp_sync_group \"%s\" {\n    group {\n",
                    leaf_value(group, "name"));
        fprintf(generation->out, "        \"%s\"\n", name);
    }
    if (!members)
        return DONE;
    fputs("    }\n", generation->out);
    track_files(generation, group, VRRP_GROUP_ORDER, false);
    write_tracking(generation, group);
    fputs("}\n", generation->out);
    return DONE;
}

static enum outcome write_groups(struct generation *generation, struct error *err)
{
    size_t count, first = range_of(generation->schema, generation->snapshot, VRRP_GROUP, &count);
    enum outcome outcome = DONE;
    for (size_t i = first; i < first + count && outcome == DONE; i++) {
        const struct lyd_node *group = generation->snapshot->entries[i]->node;
        write_own_file(generation, VRRP_GROUP_ORDER, leaf_value(group, "name"));
        outcome = write_group(generation, group, err);
    }
    return outcome;
}

/* All of it. */

static void write_globals(const struct generation *generation)
{
    const struct unit *unit = schema_unit_find(generation->schema, VRRP_TOP);
    const struct entry *entry = unit ? snapshot_find(generation->snapshot, unit, "") : NULL;
    fputs("# Written by noriad: changes are lost. Configure VRRP by NETCONF.\nglobal_defs {\n",
          generation->out);
    if (entry) {
        quoted(generation, "router_id", entry->node, "router-id");
        word(generation, "script_user", entry->node, "script-user");
        word(generation, "vrrp_mcast_group4", entry->node, "multicast-group");
        word(generation, "vrrp_mcast_group6", entry->node, "multicast-group-ipv6");
        if (strcmp(leaf_value(entry->node, "startup-delay"), "0") != 0)
            word(generation, "vrrp_startup_delay", entry->node, "startup-delay");
        if (is_true(entry->node, "strict"))
            fputs("    vrrp_strict\n", generation->out);
    }
    fprintf(generation->out,
            "    enable_script_security\n    dynamic_interfaces allow_if_changes\n"
            "    vrrp_notify_fifo \"%s/" VRRP_FIFO "\" root root\n}\n",
            generation->folder);
}

static bool polls(const struct lyd_node *instance)
{
    return is_true(instance, "enabled") && is_true(instance, "linkbeat-polling");
}

/* The interfaces that are polled, each once: the option of instances is about to go. */
static void write_linkbeat(const struct generation *generation)
{
    size_t count, first = range_of(generation->schema, generation->snapshot, VRRP_INSTANCE, &count);
    struct entry *const *entries = generation->snapshot->entries + first;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const char *interface = leaf_value(entries[i]->node, "interface");
        bool known = !polls(entries[i]->node);
        for (size_t j = 0; j < i && !known; j++)
            known = polls(entries[j]->node) &&
                    !strcmp(leaf_value(entries[j]->node, "interface"), interface);
        if (known)
            continue;
        fprintf(generation->out, "%s    %s\n", any ? "" : "linkbeat_interfaces {\n", interface);
        any = true;
    }
    if (any)
        fputs("}\n", generation->out);
}

enum outcome vrrp_generate(const struct schema *schema, const struct snapshot *snapshot,
                           const char *folder, struct vrrp_text *text, struct error *err)
{
    *text = (struct vrrp_text){0};
    struct generation generation = {.schema = schema, .snapshot = snapshot, .folder = folder};
    generation.out = open_memstream(&text->text, &text->length);
    if (!generation.out)
        return fail_memory(err);
    write_globals(&generation);
    write_linkbeat(&generation);
    write_list(&generation, VRRP_TOP "/script", write_script);
    write_list(&generation, VRRP_TOP "/file", write_file);
    write_list(&generation, VRRP_TOP "/process", write_process);
    write_list(&generation, VRRP_TOP "/bfd-session", write_bfd);
    write_virtual_servers(&generation);
    enum outcome outcome = write_instances(&generation, err);
    if (outcome == DONE)
        outcome = write_groups(&generation, err);
    text->instances = generation.instances;
    if (fclose(generation.out) && outcome == DONE)
        outcome = fail_memory(err);
    if (outcome != DONE)
        vrrp_text_clear(text);
    return outcome;
}

void vrrp_text_clear(struct vrrp_text *text)
{
    free(text->text);
    *text = (struct vrrp_text){0};
}
