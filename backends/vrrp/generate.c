/*
 * keepalived.conf(5) from the configuration: instances and groups, and all of it.
 */
#include "backends/vrrp/generate.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/datastore/file.h"
#include "backends/vrrp/files.h"
#include "backends/vrrp/generation.h"
#include "backends/vrrp/owners.h"

static bool is_written(const struct generation *generation, const struct lyd_node *instance)
{
    return vrrp_is_true(instance, "enabled") &&
           (!generation->slice || vrrp_slice_has(generation->slice, leaf_value(instance, "name")));
}

/* Instances. */

static void write_peer(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword parts[] = {
        {"min-ttl", "min_ttl"}, {"max-ttl", "max_ttl"}, {0}};
    fprintf(generation->out, "        %s", leaf_value(node, "address"));
    vrrp_write_parts(generation, node, parts);
    fputc('\n', generation->out);
}

/* What keepalived does anyway is left out, here and elsewhere: a reload takes it as long as there
 * are lines of hundreds of instances. */
static void write_announcements(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword words[] = {{"delay", "garp_master_delay"},
                                                {"repeat", "garp_master_repeat"},
                                                {"refresh", "garp_master_refresh"},
                                                {"refresh-repeat", "garp_master_refresh_repeat"},
                                                {"lower-priority-delay", "garp_lower_prio_delay"},
                                                {"lower-priority-repeat", "garp_lower_prio_repeat"},
                                                {0}};
    const struct lyd_node *arp = child_node(node, "gratuitous-arp");
    const char *extra = leaf_value(arp, "extra-interval");
    for (const struct vrrp_keyword *word = words; word->leaf; word++) {
        const struct lyd_node *leaf = child_node(arp, word->leaf);
        if (leaf && !(leaf->flags & LYD_DEFAULT))
            vrrp_write_word(generation, word->keyword, arp, word->leaf);
    }
    if (extra)
        fprintf(generation->out, "    garp_extra_if %s%s\n",
                vrrp_is_true(arp, "extra-all") ? "all " : "", extra);
}

static void write_own_interface(const struct generation *generation, const struct lyd_node *node)
{
    const struct lyd_node *mac = child_node(node, "virtual-mac");
    const struct lyd_node *ipvlan = child_node(node, "ipvlan");
    char own[VRRP_INTERFACE_ROOM];
    if (mac) {
        const char *name = leaf_value(mac, "interface"), *address = leaf_value(mac, "address");
        fprintf(generation->out, "    use_vmac %s %s\n", name ? name : "", address ? address : "");
        vrrp_write_flag(generation, "use_vmac_addr", mac, "for-addresses");
        vrrp_write_flag(generation, "vmac_xmit_base", mac, "transmit-base");
    }
    if (ipvlan) {
        const char *address = leaf_value(ipvlan, "address");
        fprintf(generation->out, "    use_ipvlan %s %s %s\n", vrrp_ipvlan_of(node, own),
                address ? address : "", leaf_value(ipvlan, "mode"));
    }
}

static void write_authentication(const struct generation *generation, const struct lyd_node *node)
{
    const char *type = leaf_value(node, "authentication/type");
    if (type)
        fprintf(generation->out,
                "    authentication {\n        auth_type %s\n        auth_pass \"%s\"\n    }\n",
                strcmp(type, "header") ? "PASS" : "AH",
                leaf_value(node, "authentication/password"));
}

static void write_transport(const struct generation *generation, const struct lyd_node *node)
{
    const char *checksum = leaf_value(node, "old-unicast-checksum");
    bool unicast = child_node(node, "unicast-peer") != NULL;
    vrrp_write_word(generation, unicast ? "unicast_src_ip" : "mcast_src_ip", node,
                    "source-address");
    vrrp_write_flag(generation, "track_src_ip", node, "track-source-address");
    vrrp_write_word(generation, "mcast_dst_ip", node, "multicast-destination");
    vrrp_write_each(generation, node, "unicast-peer", "unicast_peer", write_peer);
    vrrp_write_word(generation, "unicast_ttl", node, "unicast-ttl");
    vrrp_write_flag(generation, "check_unicast_src", node, "check-unicast-source");
    if (strcmp(checksum, "detect") != 0)
        fprintf(generation->out, "    old_unicast_checksum%s\n",
                strcmp(checksum, "never") ? "" : " never");
    vrrp_write_word(generation, "kernel_rx_buf_size", node, "receive-buffer");
    write_own_interface(generation, node);
    write_authentication(generation, node);
}

static void write_election(const struct generation *generation, const struct lyd_node *node)
{
    unsigned long interval = strtoul(leaf_value(node, "advertise-interval"), NULL, 10);
    const char *priority = leaf_value(node, "priority"), *strict = leaf_value(node, "strict");
    bool master = !strcmp(leaf_value(node, "initial-state"), "master");
    if (master)
        fputs("    state MASTER\n", generation->out);
    fprintf(generation->out, "    version %c\n",
            strcmp(leaf_value(node, "version"), "vrrp-v2") ? '3' : '2');
    vrrp_write_word(generation, "virtual_router_id", node, "virtual-router-id");
    if (master || strcmp(priority, "100") != 0) /* of a first master the default is another */
        fprintf(generation->out, "    priority %s\n", priority);
    if (interval != 100)
        fprintf(generation->out, "    advert_int %lu.%02lu\n", interval / 100, interval % 100);
    if (!vrrp_is_true(node, "preempt/enabled"))
        fputs("    nopreempt\n", generation->out);
    else if (strcmp(leaf_value(node, "preempt/hold-time"), "0") != 0)
        vrrp_write_word(generation, "preempt_delay", node, "preempt/hold-time");
    fputs(vrrp_is_true(node, "accept-mode") ? "    accept\n" : "    no_accept\n", generation->out);
    if (strcmp(leaf_value(node, "down-timer-advertisements"), "3") != 0)
        vrrp_write_word(generation, "down_timer_adverts", node, "down-timer-advertisements");
    if (!vrrp_is_true(node, "track-interface-of-instance"))
        fputs("    dont_track_primary\n", generation->out);
    if (strict)
        fprintf(generation->out, "    strict_mode %s\n", strcmp(strict, "true") ? "off" : "on");
    if (!vrrp_is_true(node, "lower-priority-advertise"))
        fputs("    lower_prio_no_advert true\n", generation->out);
    vrrp_write_flag(generation, "higher_prio_send_advert true", node, "higher-priority-advertise");
    vrrp_write_flag(generation, "skip_check_adv_addr on", node, "skip-address-check");
    vrrp_write_flag(generation, "promote_secondaries", node, "promote-secondaries");
    if (!leaf_value(node, "notify-removal"))
        vrrp_write_flag(generation, "notify_deleted", node, "notify-deleted");
}

static void write_instance(const struct generation *generation, const struct lyd_node *node,
                           bool grouped)
{
    const char *name = leaf_value(node, "name");
    bool owner = !strcmp(leaf_value(node, "priority"), "255");
    const char *vrf = leaf_value(node, "vrf");
    vrrp_write_own_file(generation, VRRP_ORDER, name);
    fprintf(generation->out, "vrrp_instance \"%s\" {\n", name);
    vrrp_write_word(generation, vrf ? "vrf" : "interface", node, vrf ? "vrf" : "interface");
    write_election(generation, node);
    write_transport(generation, node);
    write_announcements(generation, node);
    vrrp_write_placed(generation, node);
    vrrp_write_tracking(generation, node, VRRP_ORDER, !grouped && !owner);
    vrrp_write_quoted(generation, "notify_master_rx_lower_pri", node, "notify-rival");
    fputs("}\n", generation->out);
}

/* As it was the last time, if it is known: then its entry is not even looked at. */
static bool write_known(struct generation *generation, const struct entry *entry, bool grouped,
                        size_t *at)
{
    const struct vrrp_noted *noted =
        generation->memo ? vrrp_memo_find(generation->memo, at, entry, grouped) : NULL;
    if (noted)
        fwrite(generation->memo->text + noted->offset, 1, noted->length, generation->out);
    return noted;
}

static enum outcome write_instances(struct generation *generation, struct error *err)
{
    size_t count, first = vrrp_range_of(generation, VRRP_INSTANCE, &count), at = 0;
    for (size_t i = first; i < first + count; i++) {
        const struct entry *entry = generation->snapshot->entries[i];
        if (!is_written(generation, entry->node))
            continue;
        bool grouped = vrrp_group_of(generation->schema, generation->snapshot,
                                     leaf_value(entry->node, "name")) != NULL;
        long begin = ftell(generation->out);
        if (!write_known(generation, entry, grouped, &at))
            write_instance(generation, entry->node, grouped);
        long end = ftell(generation->out);
        if (generation->memo &&
            !vrrp_memo_add(&generation->next, entry, grouped, (size_t)begin, (size_t)(end - begin)))
            return fail_memory(err);
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
        const char *name = vrrp_is_child(child, "member") ? lyd_get_value(child) : NULL;
        const struct lyd_node *instance =
            name ? vrrp_node_of(generation->schema, generation->snapshot, VRRP_INSTANCE, name)
                 : NULL;
        if (name && refuse_second(generation, group, name, err) != DONE)
            return REFUSED;
        if (!instance || !is_written(generation, instance))
            continue;
        if (!members++) {
            vrrp_write_own_file(generation, VRRP_GROUP_ORDER, leaf_value(group, "name"));
            fprintf(generation->out, "vrrp_sync_group \"%s\" {\n    group {\n",
                    leaf_value(group, "name"));
        }
        fprintf(generation->out, "        \"%s\"\n", name);
    }
    if (!members)
        return DONE;
    fputs("    }\n", generation->out);
    vrrp_write_flag(generation, "sync_group_tracking_weight", group, "members-weigh");
    vrrp_write_tracking(generation, group, VRRP_GROUP_ORDER, false);
    fputs("}\n", generation->out);
    return DONE;
}

static enum outcome write_groups(struct generation *generation, struct error *err)
{
    size_t count, first = vrrp_range_of(generation, VRRP_GROUP, &count);
    enum outcome outcome = DONE;
    for (size_t i = first; i < first + count && outcome == DONE; i++) {
        const struct lyd_node *group = generation->snapshot->entries[i]->node;
        outcome = write_group(generation, group, err);
    }
    return outcome;
}

/* All of it. */

static enum outcome generate(struct generation *generation, struct vrrp_text *text,
                             struct error *err)
{
    *text = (struct vrrp_text){0};
    generation->out = open_memstream(&text->text, &text->length);
    if (!generation->out)
        return fail_memory(err);
    vrrp_write_globals(generation);
    if (!generation->slice)
        vrrp_write_static(generation);
    vrrp_write_tracked(generation);
    enum outcome outcome = write_instances(generation, err);
    if (outcome == DONE)
        outcome = write_groups(generation, err);
    text->instances = generation->instances;
    if (fclose(generation->out) && outcome == DONE)
        outcome = fail_memory(err);
    if (outcome != DONE)
        vrrp_text_clear(text);
    return outcome;
}

enum outcome vrrp_generate(const struct schema *schema, const struct snapshot *snapshot,
                           const char *folder, struct vrrp_memo *memo, struct vrrp_text *text,
                           struct error *err)
{
    struct generation generation = {
        .schema = schema, .snapshot = snapshot, .folder = folder, .memo = memo};
    *text = (struct vrrp_text){0};
    enum outcome outcome = vrrp_owners_check(schema, snapshot, err);
    if (outcome == DONE)
        outcome = generate(&generation, text, err);
    if (outcome == DONE && memo)
        vrrp_memo_renew(memo, &generation.next, text->text, text->length);
    vrrp_memo_clear(&generation.next);
    return outcome;
}

enum outcome vrrp_generate_slice(const struct schema *schema, const struct snapshot *snapshot,
                                 const char *folder, const struct vrrp_slice *slice,
                                 struct vrrp_text *text, struct error *err)
{
    struct generation generation = {
        .schema = schema, .snapshot = snapshot, .folder = folder, .slice = slice};
    return generate(&generation, text, err);
}

bool vrrp_text_write(const struct vrrp_text *text, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool whole = fd >= 0 && file_write(fd, text->text, text->length);
    if (fd >= 0 && close(fd))
        whole = false;
    return whole;
}

void vrrp_text_clear(struct vrrp_text *text)
{
    free(text->text);
    *text = (struct vrrp_text){0};
}
