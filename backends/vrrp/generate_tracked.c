/*
 * What is tracked, and who tracks it.
 */
#include <string.h>

#include "backends/vrrp/files.h"
#include "backends/vrrp/generation.h"

/* Definitions. */

static bool is_zero(const struct lyd_node *node, const char *leaf)
{
    const char *value = leaf_value(node, leaf);
    return !value || !strcmp(value, "0") || !strcmp(value, "0.0");
}

static void write_script(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword words[] = {
        {"interval", "interval"}, {"timeout", "timeout"}, {"rise", "rise"}, {"fall", "fall"}, {0}};
    const char *user = leaf_value(node, "user"), *group = leaf_value(node, "group");
    fprintf(generation->out, "vrrp_script \"%s\" {\n", leaf_value(node, "name"));
    vrrp_write_quoted(generation, "script", node, "command");
    vrrp_write_words(generation, node, words);
    if (user)
        fprintf(generation->out, "    user %s %s\n", user, group ? group : "");
    vrrp_write_flag(generation, "init_fail", node, "initially-failed");
    fputs("}\n", generation->out);
}

static void write_file(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out,
            "track_file \"%s\" {\n    file \"%s\"\n    weight 1\n    init_file %s%s\n}\n",
            leaf_value(node, "name"), leaf_value(node, "file"), leaf_value(node, "initial"),
            vrrp_is_true(node, "overwrite") ? " overwrite" : "");
}

static void write_process(const struct generation *generation, const struct lyd_node *node)
{
    const char *command = leaf_value(node, "command"), *match = leaf_value(node, "match");
    fprintf(generation->out, "vrrp_track_process \"%s\" {\n", leaf_value(node, "name"));
    fprintf(generation->out, "    process %s\n", command);
    if (strchr(command, ' ') || vrrp_is_true(node, "whole-command"))
        fputs("    full_command\n", generation->out);
    if (strcmp(match, "exact") != 0)
        fprintf(generation->out, "    param_match %s\n", match);
    vrrp_write_word(generation, "quorum", node, "quorum");
    vrrp_write_word(generation, "quorum_max", node, "maximum");
    if (!is_zero(node, "start-delay"))
        vrrp_write_word(generation, "fork_delay", node, "start-delay");
    if (!is_zero(node, "end-delay"))
        vrrp_write_word(generation, "terminate_delay", node, "end-delay");
    fputs("}\n", generation->out);
}

static void write_bfd(const struct generation *generation, const struct lyd_node *node)
{
    static const struct vrrp_keyword words[] = {
        {"neighbor", "neighbor_ip"},  {"source", "source_ip"},
        {"min-receive", "min_rx"},    {"min-transmit", "min_tx"},
        {"idle-transmit", "idle_tx"}, {"multiplier", "multiplier"},
        {"max-hops", "max_hops"},     {0}};
    bool ipv6 = strchr(leaf_value(node, "neighbor"), ':') != NULL;
    fprintf(generation->out, "bfd_instance \"%s\" {\n", leaf_value(node, "name"));
    vrrp_write_words(generation, node, words);
    vrrp_write_word(generation, ipv6 ? "hoplimit" : "ttl", node, "hop-limit");
    vrrp_write_flag(generation, "passive", node, "passive");
    fputs("}\n", generation->out);
}

/* Its weight is 1 where nothing else is said. The agent sees to it that it is there. */
void vrrp_write_own_file(const struct generation *generation, const char *kind, const char *name)
{
    fprintf(generation->out, "track_file \"" VRRP_OWN "%s.%s\" {\n    file \"%s/%s.%s\"\n}\n", kind,
            name, generation->folder, kind, name);
}

/* Each virtual server that anything tracks, once. */
static bool is_tracked(const struct generation *generation, const char *list, const char *name)
{
    size_t count, first = vrrp_range_of(generation, list, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct lyd_node *child;
        LY_LIST_FOR(lyd_child(generation->snapshot->entries[i]->node), child)
        {
            if (vrrp_is_child(child, "track-virtual-server") &&
                !strcmp(leaf_value(child, "virtual-server"), name))
                return true;
        }
    }
    return false;
}

/* Whether any instance or group has a child of a name. */
static bool any_tracks(const struct generation *generation, const char *what)
{
    static const char *const lists[] = {VRRP_INSTANCE, VRRP_GROUP};
    for (size_t list = 0; list < 2; list++) {
        size_t count, first = vrrp_range_of(generation, lists[list], &count);
        for (size_t i = first; i < first + count; i++)
            if (child_node(generation->snapshot->entries[i]->node, what))
                return true;
    }
    return false;
}

static void write_virtual_servers(const struct generation *generation)
{
    size_t count, first = vrrp_range_of(
                      generation, "/noria-virtual-server:virtual-servers/virtual-server", &count);
    if (!any_tracks(generation, "track-virtual-server"))
        return;
    for (size_t i = first; i < first + count; i++) {
        const char *name = leaf_value(generation->snapshot->entries[i]->node, "name");
        if (is_tracked(generation, VRRP_INSTANCE, name) || is_tracked(generation, VRRP_GROUP, name))
            vrrp_write_own_file(generation, VRRP_QUORUM, name);
    }
}

/*
 * The agent's health: a file while the agent runs; and, as that stays when the agent is gone, a
 * script that succeeds once nobody has held the agent's lock for so long.
 */
static void write_agent(const struct generation *generation)
{
    const struct unit *unit = schema_unit_find(generation->schema, VRRP_TOP);
    const struct entry *top = unit ? snapshot_find(generation->snapshot, unit, "") : NULL;
    if (!any_tracks(generation, "track-agent"))
        return;
    vrrp_write_own_file(generation, VRRP_AGENT, VRRP_AGENT_NAME);
    fprintf(
        generation->out,
        "vrrp_script \"" VRRP_OWN VRRP_AGENT "\" {\n"
        "    script \"/usr/bin/flock -n %s/" VRRP_ALIVE " /bin/true\"\n"
        "    interval 1\n    timeout 5\n    rise %s\n    fall 1\n    user root\n    init_fail\n}\n",
        generation->folder, top ? leaf_value(top->node, "agent-hold-time") : "10");
}

void vrrp_write_tracked(const struct generation *generation)
{
    vrrp_write_list(generation, VRRP_TOP "/script", write_script);
    vrrp_write_list(generation, VRRP_TOP "/file", write_file);
    vrrp_write_list(generation, VRRP_TOP "/process", write_process);
    vrrp_write_list(generation, VRRP_TOP "/bfd-session", write_bfd);
    write_virtual_servers(generation);
    write_agent(generation);
}

/* Tracking. */

static void write_weight(const struct generation *generation, const struct lyd_node *node)
{
    const char *weight = leaf_value(node, "weight");
    if (strcmp(weight, "0") != 0 || vrrp_is_true(node, "reverse"))
        fprintf(generation->out, " weight %s%s", weight,
                vrrp_is_true(node, "reverse") ? " reverse" : "");
    fputc('\n', generation->out);
}

static void track_interface(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        %s", leaf_value(node, "interface"));
    write_weight(generation, node);
}

static void track_process(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        \"%s\" weight %s%s\n", leaf_value(node, "process"),
            leaf_value(node, "weight"), vrrp_is_true(node, "reverse") ? " reverse" : "");
}

static void track_bfd(const struct generation *generation, const struct lyd_node *node)
{
    fprintf(generation->out, "        \"%s\"", leaf_value(node, "session"));
    write_weight(generation, node);
}

/* Those of the operator, and the one that knows whether the agent is gone: it succeeds then. */
static void track_scripts(const struct generation *generation, const struct lyd_node *node)
{
    const struct lyd_node *child, *agent = child_node(node, "track-agent");
    bool any = agent || child_node(node, "track-script");
    if (any)
        fputs("    track_script {\n", generation->out);
    if (agent) {
        const char *weight = leaf_value(agent, "weight");
        fprintf(generation->out, "        \"" VRRP_OWN VRRP_AGENT "\" weight %s reverse\n",
                weight + (*weight == '-'));
    }
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!vrrp_is_child(child, "track-script"))
            continue;
        fprintf(generation->out, "        \"%s\"", leaf_value(child, "script"));
        write_weight(generation, child);
    }
    if (any)
        fputs("    }\n", generation->out);
}

/* Those of the operator and the agent's own, in one block. */
static void track_files(const struct generation *generation, const struct lyd_node *node,
                        const char *order, bool weighted)
{
    const struct lyd_node *child;
    fprintf(generation->out, "    track_file {\n        \"" VRRP_OWN "%s.%s\"%s\n", order,
            leaf_value(node, "name"), weighted ? "" : " weight 0");
    LY_LIST_FOR(lyd_child(node), child)
    {
        const char *weight = leaf_value(child, "weight");
        if (vrrp_is_child(child, "track-file"))
            fprintf(generation->out, "        \"%s\" weight %s%s\n", leaf_value(child, "file"),
                    weight, vrrp_is_true(child, "reverse") ? " reverse" : "");
        else if (vrrp_is_child(child, "track-virtual-server"))
            fprintf(generation->out, "        \"" VRRP_OWN VRRP_QUORUM ".%s\" weight %s\n",
                    leaf_value(child, "virtual-server"), weight);
        else if (vrrp_is_child(child, "track-agent"))
            fprintf(generation->out,
                    "        \"" VRRP_OWN VRRP_AGENT "." VRRP_AGENT_NAME "\" weight %s\n", weight);
    }
    fputs("    }\n", generation->out);
}

void vrrp_write_tracking(const struct generation *generation, const struct lyd_node *node,
                         const char *order, bool weighted)
{
    track_files(generation, node, order, weighted);
    vrrp_write_each(generation, node, "track-interface", "track_interface", track_interface);
    track_scripts(generation, node);
    vrrp_write_each(generation, node, "track-process", "track_process", track_process);
    vrrp_write_each(generation, node, "track-bfd", "track_bfd", track_bfd);
    vrrp_write_quoted(generation, "notify_master", node, "notify-master");
    vrrp_write_quoted(generation, "notify_backup", node, "notify-backup");
    vrrp_write_quoted(generation, "notify_fault", node, "notify-fault");
    vrrp_write_quoted(generation, "notify_stop", node, "notify-stop");
    vrrp_write_quoted(generation, "notify_deleted", node, "notify-removal");
    vrrp_write_quoted(generation, "notify", node, "notify-any");
}
