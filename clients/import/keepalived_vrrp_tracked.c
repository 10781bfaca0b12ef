/*
 * keepalived's VRRP: what can be tracked and who tracks it, and what that shares with instances and
 * groups.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clients/import/keepalived_vrrp.h"
#include "clients/import/service.h"

#define USER "all scripts run as the script-user"

struct lyd_node *keepalived_vrrp_entry(struct import *import, const struct statement *statement,
                                       struct lyd_node *vrrp, const char *list)
{
    const char *given = statement_argument(statement);
    char *name = import_name(given ? given : "");
    struct lyd_node *node = import_entry(import, statement->place, vrrp, list, name, NULL);
    free(name);
    return node;
}

void keepalived_vrrp_command(const struct reading *reading, const struct statement *statement,
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

void keepalived_vrrp_scaled(const struct reading *reading, const struct statement *statement,
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

void keepalived_vrrp_whole(const struct reading *reading, const struct statement *statement)
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
            keepalived_vrrp_scaled(reading, statement, leaves[i][1], 1);
}

/* Scripts, files, processes, sessions. */

static void take_script(const struct reading *reading, const struct statement *statement)
{
    keepalived_vrrp_command(reading, statement, "command");
}

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
    {"interval", .take = keepalived_vrrp_whole},
    {"timeout", .take = keepalived_vrrp_whole},
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
    {"min_rx", .take = keepalived_vrrp_whole},
    {"min_tx", .take = keepalived_vrrp_whole},
    {"idle_tx", .take = keepalived_vrrp_whole},
    {"multiplier", "multiplier"},
    {"passive", "passive", "true"},
    {"ttl", "hop-limit"},
    {"hoplimit", "hop-limit"},
    {"max_hops", "max-hops"},
    {"weight", .why = ""},
    {"vrrp", .why = ""},
    {"checker", .why = ""},
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

/* What is in a 'weight' statement may be followed by 'reverse'. */
static bool is_reverse(const struct statement *statement)
{
    return statement->count > 1 && !strcmp(statement->words[statement->count - 1], "reverse");
}

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

void keepalived_vrrp_track(const struct reading *reading, const struct statement *statement)
{
    for (size_t i = 0; i < sizeof(tracked) / sizeof(*tracked); i++)
        if (!strcmp(statement->words[0], tracked[i].keyword))
            for (const struct statement *one = statement->child; one; one = one->next)
                take_tracked(reading, &tracked[i], one);
}

void keepalived_vrrp_tracked(struct import *import, const struct statement *statement,
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
                                  .node =
                                      keepalived_vrrp_entry(import, statement, vrrp, kinds[i].list),
                                  .block = statement->child};
        if (reading.node)
            keywords_take(&reading, kinds[i].keywords);
    }
}
