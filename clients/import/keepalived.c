/*
 * keepalived.conf(5): what its blocks are, and the settings of all.
 */
#include "clients/import/keepalived.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/import/service.h"

const struct statement *statement_find(const struct statement *first, const char *keyword,
                                       const char *other)
{
    const struct statement *found = NULL;
    for (; first; first = first->next)
        if (!strcmp(first->words[0], keyword) || (other && !strcmp(first->words[0], other)))
            found = first;
    return found;
}

const char *statement_argument(const struct statement *statement)
{
    return statement && statement->count > 1 ? statement->words[1] : NULL;
}

bool statement_on(const struct statement *statement, bool fallback)
{
    static const char *const no[] = {"false", "off", "no"};
    const char *word = statement_argument(statement);
    for (size_t i = 0; word && i < sizeof(no) / sizeof(*no); i++)
        if (!strcasecmp(word, no[i]))
            return false;
    return statement ? true : fallback;
}

char *statement_rest(const struct statement *statement, size_t from)
{
    char *rest = import_text("%s", from < statement->count ? statement->words[from] : "");
    for (size_t i = from + 1; i < statement->count; i++) {
        char *more = import_text("%s %s", rest, statement->words[i]);
        free(rest);
        rest = more;
    }
    return rest;
}

static void take_keyword(const struct reading *reading, const struct statement *statement,
                         const struct keyword *keyword)
{
    struct import *import = reading->import;
    const char *argument = statement_argument(statement);
    if (keyword->take) {
        keyword->take(reading, statement);
    } else if (keyword->why) {
        if (*keyword->why)
            import_left(import, statement->place, "%s: %s", keyword->name, keyword->why);
    } else if (keyword->value && !strcmp(keyword->value, "bool")) {
        import_leaf(import, statement->place, reading->node, keyword->leaf,
                    statement_on(statement, true) ? "true" : "false");
    } else if (keyword->value) {
        import_leaf(import, statement->place, reading->node, keyword->leaf, keyword->value);
    } else if (!argument) {
        import_left(import, statement->place, "%s: it lacks its value", keyword->name);
    } else {
        import_leaf(import, statement->place, reading->node, keyword->leaf, argument);
        if (statement->count > 2)
            import_left(import, statement->place, "%s: only its first value was taken",
                        keyword->name);
    }
}

void keywords_take(const struct reading *reading, const struct keyword *keywords)
{
    for (const struct statement *one = reading->block; one; one = one->next) {
        const struct keyword *keyword = keywords;
        while (keyword->name && strcmp(keyword->name, one->words[0]))
            keyword++;
        if (keyword->name)
            take_keyword(reading, one, keyword);
        else
            import_left(reading->import, one->place, "%s: Noria has nothing like it",
                        one->words[0]);
    }
}

/* global_defs */

static void take_timeouts(const struct reading *reading, const struct statement *statement)
{
    static const char *const leaves[][2] = {
        {"tcp", "timeouts/tcp"}, {"tcpfin", "timeouts/tcp-fin"}, {"udp", "timeouts/udp"}};
    struct lyd_node *main = service_main_director(reading->import, statement->place);
    for (size_t i = 1; i < statement->count; i += 2) {
        const char *leaf = NULL;
        for (size_t j = 0; j < sizeof(leaves) / sizeof(*leaves); j++)
            if (!strcmp(statement->words[i], leaves[j][0]))
                leaf = leaves[j][1];
        if (leaf && i + 1 < statement->count)
            import_leaf(reading->import, statement->place, main, leaf, statement->words[i + 1]);
        else
            import_left(reading->import, statement->place, "lvs_timeouts %s: not understood",
                        statement->words[i]);
    }
}

static void set_daemon(const struct reading *reading, const struct statement *statement,
                       const char *state)
{
    static const char *const leaves[][2] = {{"id", "sync-id"},
                                            {"maxlen", "max-length"},
                                            {"port", "port"},
                                            {"ttl", "ttl"},
                                            {"group", "multicast-group"}};
    struct import *import = reading->import;
    struct lyd_node *main = service_main_director(import, statement->place);
    struct lyd_node *above = import_container(import, statement->place, main, "sync-daemon");
    struct lyd_node *node = import_container(import, statement->place, above, state);
    import_leaf(import, statement->place, node, "interface", statement->words[1]);
    for (size_t i = 2; i + 1 < statement->count; i++)
        for (size_t j = 0; j < sizeof(leaves) / sizeof(*leaves); j++)
            if (!strcmp(statement->words[i], leaves[j][0]))
                import_leaf(import, statement->place, node, leaves[j][1], statement->words[i + 1]);
}

/* Words that are not "KEYWORD VALUE" name the instance that the daemon is to follow. */
static void take_daemon(const struct reading *reading, const struct statement *statement)
{
    if (statement->count < 2) {
        import_left(reading->import, statement->place, "lvs_sync_daemon: it lacks its interface");
        return;
    }
    set_daemon(reading, statement, "master");
    set_daemon(reading, statement, "backup");
    if (statement->count > 2 && statement->count % 2)
        import_left(reading->import, statement->place,
                    "lvs_sync_daemon: both daemons run always, and do not follow an instance");
}

#define SCRIPTS "Noria runs no such script; subscribe to its notifications"
#define PROCESS "of keepalived's own processes"

static const struct keyword global[] = {
    {"lvs_timeouts", .take = take_timeouts},
    {"lvs_sync_daemon", .take = take_daemon},
    {"notification_email", .why = ""},
    {"notification_email_from", .why = ""},
    {"smtp_server", .why = ""},
    {"smtp_helo_name", .why = ""},
    {"smtp_connect_timeout", .why = ""},
    {"smtp_alert", .why = ""},
    {"smtp_alert_checker", .why = ""},
    {"smtp_alert_vrrp", .why = ""},
    {"no_email_faults", .why = ""},
    {"no_checker_emails", .why = ""},
    {"email_faults", .why = "let the recipient have the alarms, too (docs/health.md)"},
    {"notify_fifo", .why = SCRIPTS},
    {"notify_fifo_script", .why = SCRIPTS},
    {"vrrp_notify_fifo", .why = SCRIPTS},
    {"vrrp_notify_fifo_script", .why = SCRIPTS},
    {"lvs_notify_fifo", .why = SCRIPTS},
    {"lvs_notify_fifo_script", .why = SCRIPTS},
    {"vrrp_priority", .why = PROCESS},
    {"checker_priority", .why = PROCESS},
    {"bfd_priority", .why = PROCESS},
    {"vrrp_rt_priority", .why = PROCESS},
    {"checker_rt_priority", .why = PROCESS},
    {"bfd_rt_priority", .why = PROCESS},
    {"vrrp_no_swap", .why = PROCESS},
    {"checker_no_swap", .why = PROCESS},
    {"max_auto_priority", .why = PROCESS},
    {"process_names", .why = PROCESS},
    {"snmp_socket", .why = "configure Noria's own SNMP agent (docs/snmp.md)"},
    {"enable_snmp_checker", .why = "configure Noria's own SNMP agent (docs/snmp.md)"},
    {"enable_snmp_vrrp", .why = "configure Noria's own SNMP agent (docs/snmp.md)"},
    {"enable_snmp_rfc", .why = "configure Noria's own SNMP agent (docs/snmp.md)"},
    {"enable_traps", .why = "configure Noria's own SNMP agent (docs/snmp.md)"},
    {"lvs_flush", .why = "Noria takes over the table as it is"},
    {"lvs_flush_on_stop", .why = "Noria leaves the table as it is when it ends"},
    {NULL},
};

/* Whether keepalived_vrrp() deals with a setting of all. */
static bool is_vrrp_setting(const char *keyword)
{
    static const char *const names[] = {
        "router_id",          "script_user",       "vrrp_strict",       "vrrp_version",
        "vrrp_startup_delay", "vrrp_mcast_group4", "vrrp_mcast_group6", NULL};
    for (size_t i = 0; names[i]; i++)
        if (!strcmp(keyword, names[i]))
            return true;
    return !strncmp(keyword, "vrrp_garp_", strlen("vrrp_garp_"));
}

static void take_global(struct import *import, const struct statement *all,
                        const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct statement alone = *one;
        alone.next = NULL;
        struct reading reading = {.import = import, .all = all, .block = &alone};
        if (!is_vrrp_setting(one->words[0]))
            keywords_take(&reading, global);
    }
}

static void take_left(struct import *import, const struct statement *statement)
{
    static const char *const reasons[][2] = {
        {"static_ipaddress", "addresses of the node are its own network configuration's"},
        {"static_routes", "routes of the node are its own network configuration's"},
        {"static_rules", "rules of the node are its own network configuration's"},
        {"track_group", "it belongs to static addresses, routes and rules"},
        {"garp_group", "Noria has no such group"},
        {"net_namespace", "make the namespace a director's (docs/directors.md)"},
        {"net_namespace_ipvs", "make the namespace a director's (docs/directors.md)"},
        {"instance", "there is one Noria on a node"},
        {"interface_up_down_delays", "Noria has nothing like it"},
        {"linkbeat_interfaces", "Noria has nothing like it"},
    };
    const char *why = "Noria has nothing like it";
    for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++)
        if (!strcmp(statement->words[0], reasons[i][0]))
            why = reasons[i][1];
    import_left(import, statement->place, "%s: %s", statement->words[0], why);
}

enum outcome import_keepalived(struct import *import, const char *text, const char *file,
                               struct error *err)
{
    static const char *const elsewhere[] = {"virtual_server_group",
                                            "SSL",
                                            "vrrp_instance",
                                            "vrrp_sync_group",
                                            "vrrp_script",
                                            "vrrp_track_file",
                                            "track_file",
                                            "bfd_instance",
                                            "vrrp_track_process",
                                            "track_process",
                                            NULL};
    struct statement *all;
    if (keepalived_read(import, text, file, &all, err) != DONE)
        return REFUSED;
    for (const struct statement *one = all; one; one = one->next) {
        size_t i = 0;
        while (elsewhere[i] && strcmp(one->words[0], elsewhere[i]))
            i++;
        if (!strcmp(one->words[0], "global_defs"))
            take_global(import, all, one);
        else if (!strcmp(one->words[0], "virtual_server"))
            keepalived_virtual_server(import, all, one);
        else if (!elsewhere[i])
            take_left(import, one);
    }
    keepalived_vrrp(import, all);
    keepalived_mail(import, all);
    statements_free(all);
    return DONE;
}
