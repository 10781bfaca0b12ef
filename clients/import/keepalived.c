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

const struct statement *keepalived_global(const struct statement *all, const char *keyword)
{
    const struct statement *found = NULL;
    for (const struct statement *block = all; block; block = block->next) {
        const struct statement *one = strcmp(block->words[0], "global_defs")
                                          ? NULL
                                          : statement_find(block->child, keyword, NULL);
        found = one ? one : found;
    }
    return found;
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
    for (size_t i = 2; i + 1 < statement->count; i++)
        for (size_t j = 0; j < sizeof(leaves) / sizeof(*leaves); j++)
            if (!strcmp(statement->words[i], leaves[j][0]))
                import_leaf(import, statement->place, node, leaves[j][1], statement->words[i + 1]);
}

void keepalived_sync_daemon(struct import *import, struct place place, const char *interface,
                            const char *instance, const char *id)
{
    static const char *const roles[] = {"master", "backup"};
    struct lyd_node *main = service_main_director(import, place);
    struct lyd_node *above = import_container(import, place, main, "sync-daemon");
    for (size_t i = 0; i < 2; i++) {
        struct lyd_node *node = import_container(import, place, above, roles[i]);
        import_leaf(import, place, node, "interface", interface);
        if (id)
            import_leaf(import, place, node, "sync-id", id);
    }
    if (instance)
        import_leaf(import, place, above, "noria-vrrp:vrrp-instance", instance);
}

/* The number of the instance that is followed, which is that of the daemons unless they have one.
 */
static const char *id_of(const struct statement *all, const char *instance)
{
    for (const struct statement *one = all; one; one = one->next)
        if (!strcmp(one->words[0], "vrrp_instance") && one->count > 1 &&
            !strcmp(one->words[1], instance))
            return statement_argument(statement_find(one->child, "virtual_router_id", NULL));
    return NULL;
}

/* 'INTERFACE [[inst] INSTANCE] [KEYWORD VALUE]...' */
static void take_daemon(const struct reading *reading, const struct statement *statement)
{
    const char *given = NULL;
    if (statement->count < 2) {
        import_left(reading->import, statement->place, "lvs_sync_daemon: it lacks its interface");
        return;
    }
    if (statement->count > 3 && !strcmp(statement->words[2], "inst"))
        given = statement->words[3];
    else if (statement->count > 2 && statement->count % 2)
        given = statement->words[2];
    char *instance = given ? import_name(given) : NULL;
    keepalived_sync_daemon(reading->import, statement->place, statement->words[1], instance,
                           given ? id_of(reading->all, given) : NULL);
    free(instance);
    set_daemon(reading, statement, "master");
    set_daemon(reading, statement, "backup");
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
    {"vrrp_notify_fifo", .why = SCRIPTS},
    {"vrrp_notify_fifo_script", .why = SCRIPTS},
    {"lvs_notify_fifo", .why = SCRIPTS},
    {"lvs_notify_fifo_script", .why = SCRIPTS},
    {"checker_log_all_failures", .why = ""},
    {"checker_priority", .why = PROCESS},
    {"bfd_priority", .why = PROCESS},
    {"checker_rt_priority", .why = PROCESS},
    {"bfd_rt_priority", .why = PROCESS},
    {"checker_no_swap", .why = PROCESS},
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

static void take_global(struct import *import, const struct statement *all,
                        const struct statement *statement)
{
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct statement alone = *one;
        alone.next = NULL;
        struct reading reading = {.import = import, .all = all, .block = &alone};
        if (!keepalived_vrrp_is_global(one->words[0]))
            keywords_take(&reading, global);
    }
}

static void take_left(struct import *import, const struct statement *statement)
{
    static const char *const reasons[][2] = {
        {"net_namespace", "make the namespace a director's (docs/directors.md)"},
        {"net_namespace_ipvs", "make the namespace a director's (docs/directors.md)"},
        {"instance", "there is one Noria on a node"},
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
    static const char *const elsewhere[] = {"virtual_server_group", "SSL",
                                            "vrrp_instance",        "vrrp_sync_group",
                                            "vrrp_script",          "vrrp_track_file",
                                            "track_file",           "bfd_instance",
                                            "vrrp_track_process",   "track_process",
                                            "static_ipaddress",     "static_routes",
                                            "static_rules",         "track_group",
                                            "garp_group",           "interface_up_down_delays",
                                            "linkbeat_interfaces",  NULL};
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
