/*
 * keepalived's virtual_server and virtual_server_group.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/import/keepalived.h"
#include "clients/import/service.h"

/* "TUN type gue port 5555 csum" from a word on. */
static void take_method(struct import *import, const struct statement *statement, size_t from,
                        struct lyd_node *node)
{
    static const char *const methods[][2] = {{"NAT", "nat"}, {"DR", "dr"}, {"TUN", "tun"}};
    static const char *const sums[][2] = {
        {"nocsum", "none"}, {"csum", "full"}, {"remcsum", "remote"}};
    const char *method = from < statement->count ? statement->words[from] : "", *value = method;
    for (size_t i = 0; i < 3; i++)
        if (!strcasecmp(method, methods[i][0]))
            value = methods[i][1];
    import_leaf(import, statement->place, node, "forwarding-method", value);
    for (size_t at = from + 1; at < statement->count; at++) {
        const char *word = statement->words[at], *next = statement->words[at + 1];
        const char *sum = NULL;
        for (size_t i = 0; i < 3; i++)
            if (!strcmp(word, sums[i][0]))
                sum = sums[i][1];
        if (sum) {
            import_leaf(import, statement->place, node, "tunnel/checksum", sum);
        } else if (next && (!strcmp(word, "type") || !strcmp(word, "port"))) {
            import_leaf(import, statement->place, node,
                        word[0] == 't' ? "tunnel/type" : "tunnel/port", next);
            at++;
        } else {
            import_left(import, statement->place, "%s: not known of a tunnel", word);
        }
    }
}

static void take_own_method(const struct reading *reading, const struct statement *statement)
{
    take_method(reading->import, statement, 1, reading->node);
}

static void take_flag(const struct reading *reading, const struct statement *statement)
{
    struct lyd_node *before = import_find(reading->node, "scheduler-flags");
    const char *bit = service_scheduler_flag(statement->words[0]);
    char *bits = before ? import_text("%s %s", lyd_get_value(before), bit) : import_text("%s", bit);
    if (!before || !strstr(lyd_get_value(before), bit))
        import_leaf(reading->import, statement->place, reading->node, "scheduler-flags", bits);
    free(bits);
}

/* Without a value it is six minutes. */
static void take_persistence(const struct reading *reading, const struct statement *statement)
{
    const char *timeout = statement_argument(statement);
    import_container(reading->import, statement->place, reading->node, "persistence");
    import_leaf(reading->import, statement->place, reading->node, "persistence/timeout",
                timeout ? timeout : "360");
}

static void take_granularity(const struct reading *reading, const struct statement *statement)
{
    const char *mask = statement_argument(statement);
    int length = mask ? service_prefix_length(mask) : -1;
    if (length < 0)
        import_left(reading->import, statement->place, "persistence_granularity %s: not a mask",
                    mask ? mask : "");
    else
        import_number(reading->import, statement->place, reading->node, "persistence/prefix-length",
                      length);
}

static void take_quorum(const struct reading *reading, const struct statement *statement)
{
    const char *value = statement_argument(statement);
    struct lyd_node *health =
        import_container(reading->import, statement->place, reading->node, "noria-health:health");
    import_leaf(reading->import, statement->place, health, statement->words[0], value ? value : "");
}

static void take_sorry(const struct reading *reading, const struct statement *statement)
{
    struct service sorry;
    const char *address = statement_argument(statement);
    const char *port = statement->count > 2 ? statement->words[2] : NULL;
    struct lyd_node *node = NULL;
    if (!address || !service_of_address(&sorry, "tcp", address, port))
        import_left(reading->import, statement->place, "sorry_server: not an address and a port");
    else
        node = import_entry(reading->import, statement->place, reading->node, "sorry-server",
                            sorry.address, sorry.port);
    const struct statement *method =
        statement_find(reading->block, "sorry_server_lvs_method", "sorry_server_lb_kind");
    const struct statement *inhibit = statement_find(reading->block, "sorry_server_inhibit", NULL);
    if (node && method)
        take_method(reading->import, method, 1, node);
    if (node && statement_on(inhibit, false))
        import_leaf(reading->import, inhibit->place, node, "inhibit", "true");
}

/* Real servers. */

static const struct keyword real_keywords[] = {
    {"weight", "weight"},
    {"lvs_method", .take = take_own_method},
    {"lb_kind", .take = take_own_method},
    {"uthreshold", "upper-threshold"},
    {"lthreshold", "lower-threshold"},
    {"notify_up", .why = ""},
    {"notify_down", .why = ""},
    {"smtp_alert", .why = "a recipient chooses virtual servers (/mail/recipient/virtual-server)"},
    {"snmp_name", "description"},
    {"inhibit_on_failure", .why = ""},
    {"alpha", .why = ""},
    {"warmup", .why = ""},
    {"virtualhost", .why = ""},
    {"delay_loop", .why = ""},
    {"connect_timeout", .why = ""},
    {"retry", .why = ""},
    {"delay_before_retry", .why = ""},
    {"log_all_failures", .why = "keepalived has it in checks alone"},
    {NULL},
};

static void take_real(const struct reading *reading, const struct statement *statement)
{
    struct service real;
    const char *address = statement_argument(statement);
    const char *port = statement->count > 2 ? statement->words[2] : NULL;
    struct lyd_node *node = NULL;
    if (!address || !service_of_address(&real, "tcp", address, port))
        import_left(reading->import, statement->place, "real_server %s: not an address and a port",
                    address ? address : "");
    else
        node = import_entry(reading->import, statement->place, reading->node, "real-server",
                            real.address, real.port);
    if (!node)
        return;
    struct reading of_real = {.import = reading->import, .all = reading->all, .node = node};
    for (const struct statement *one = statement->child; one; one = one->next) {
        struct statement alone = *one;
        alone.next = NULL;
        of_real.block = &alone;
        if (!keepalived_is_check(one->words[0]))
            keywords_take(&of_real, real_keywords);
    }
    keepalived_checks(reading->import, reading->all, reading->more, statement, node);
}

static const struct keyword server_keywords[] = {
    {"lvs_sched", "scheduler"},
    {"lb_algo", "scheduler"},
    {"lvs_method", .take = take_own_method},
    {"lb_kind", .take = take_own_method},
    {"flag-1", .take = take_flag},
    {"flag-2", .take = take_flag},
    {"flag-3", .take = take_flag},
    {"sh-port", .take = take_flag},
    {"sh-fallback", .take = take_flag},
    {"mh-port", .take = take_flag},
    {"mh-fallback", .take = take_flag},
    {"ops", "one-packet", "true"},
    {"hashed", .why = "it is the kernel's own mark, and sets nothing"},
    {"persistence_timeout", .take = take_persistence},
    {"persistence_granularity", .take = take_granularity},
    {"persistence_engine", "persistence/engine"},
    {"protocol", .why = ""},
    {"ip_family", .why = ""},
    {"snmp_name", "description"},
    {"alpha", .why = ""},
    {"quorum", .take = take_quorum},
    {"hysteresis", .take = take_quorum},
    {"delay_loop", .why = ""},
    {"connect_timeout", .why = ""},
    {"retry", .why = ""},
    {"delay_before_retry", .why = ""},
    {"warmup", .why = ""},
    {"virtualhost", .why = ""},
    {"inhibit_on_failure", .why = ""},
    {"sorry_server", .take = take_sorry},
    {"sorry_server_lvs_method", .why = ""},
    {"sorry_server_lb_kind", .why = ""},
    {"sorry_server_inhibit", .why = ""},
    {"real_server", .take = take_real},
    {"quorum_up", .why = ""},
    {"quorum_down", .why = ""},
    {"omega", .why = ""},
    {"smtp_alert", .why = ""},
    {"ha_suspend", .why = ""},
    {NULL},
};

/* Health of the whole virtual server. */

static bool has_checks(const struct statement *real)
{
    for (const struct statement *one = real->child; one; one = one->next)
        if (keepalived_is_check(one->words[0]))
            return true;
    return false;
}

/* Whether all real servers inhibit by what each of them says. */
static bool all_inhibit(const struct statement *server)
{
    size_t count = 0, inhibit = 0;
    for (const struct statement *one = server->child; one; one = one->next) {
        if (strcmp(one->words[0], "real_server"))
            continue;
        count++;
        inhibit += statement_on(statement_find(one->child, "inhibit_on_failure", NULL), false);
    }
    return count && inhibit == count;
}

/* What is said of all, or of each; else each real server has its own. */
static void set_inhibit(struct import *import, const struct statement *server,
                        struct lyd_node *node)
{
    struct lyd_node *health = import_find(node, "health");
    if (!health) /* nothing can fail */
        return;
    bool of_all = statement_on(statement_find(server->child, "inhibit_on_failure", NULL), false) ||
                  all_inhibit(server);
    if (of_all)
        import_leaf(import, server->place, health, "on-failure", "inhibit");
    for (const struct statement *one = server->child; one; one = one->next) {
        const struct statement *own = strcmp(one->words[0], "real_server")
                                          ? NULL
                                          : statement_find(one->child, "inhibit_on_failure", NULL);
        struct lyd_node *real =
            own && statement_on(own, false) != of_all ? keepalived_real(node, one) : NULL;
        if (!real)
            continue;
        struct lyd_node *its = import_container(import, own->place, real, "noria-health:health");
        import_leaf(import, own->place, its, "on-failure", of_all ? "remove" : "inhibit");
    }
}

static void set_time(struct import *import, const struct statement *server, const char *keyword,
                     struct lyd_node *health, const char *leaf)
{
    const struct statement *time = statement_find(server->child, keyword, NULL);
    if (statement_argument(time))
        import_leaf(import, time->place, health, leaf, statement_argument(time));
}

static void set_health(struct import *import, const struct statement *all,
                       const struct statement *server, struct lyd_node *node)
{
    bool wanted = import_find(node, "health") != NULL;
    for (const struct statement *one = server->child; one && !wanted; one = one->next)
        wanted = !strcmp(one->words[0], "real_server") && has_checks(one);
    const struct statement *alpha = statement_find(server->child, "alpha", NULL);
    if (!wanted && !alpha)
        return;
    struct lyd_node *health = import_container(import, server->place, node, "noria-health:health");
    /* keepalived's default */
    if (!statement_find(server->child, "delay_loop", NULL))
        import_leaf(import, server->place, health, "delay-loop", "60");
    set_time(import, server, "delay_loop", health, "delay-loop");
    set_time(import, server, "connect_timeout", health, "timeout");
    set_time(import, server, "retry", health, "retry");
    set_time(import, server, "delay_before_retry", health, "delay-before-retry");
    set_time(import, server, "warmup", health, "warmup");
    const struct statement *suspend = statement_find(server->child, "ha_suspend", NULL);
    if (statement_on(suspend, false))
        import_leaf(import, suspend->place, health, "ha-suspend", "true");
    if (statement_on(alpha, false))
        import_leaf(import, alpha->place, health, "alpha", "true");
    const struct statement *log = keepalived_global(all, "checker_log_all_failures");
    if (statement_on(log, false))
        import_leaf(import, log->place, health, "log-all-failures", "true");
}

/* A copy below another parent, whose schema nodes are others of the same names. */
static void copy(struct import *import, const struct lyd_node *from, struct lyd_node *parent)
{
    const char *name = from->schema->name;
    struct place place = from->priv ? *(const struct place *)from->priv : (struct place){"?", 0};
    struct lyd_node *to, *child;
    if (from->schema->nodetype & LYD_NODE_TERM) {
        import_leaf(import, place, parent, name, lyd_get_value(from));
        return;
    }
    to = from->schema->nodetype == LYS_LIST
             ? import_entry(import, place, parent, name, lyd_get_value(lyd_child(from)), NULL)
             : import_container(import, place, parent, name);
    if (!to)
        return;
    LY_LIST_FOR(lyd_child_no_keys(from), child)
    {
        copy(import, child, to);
    }
}

/* Checks that all real servers have alike become the virtual server's. */
static void share_checks(struct import *import, struct lyd_node *node)
{
    struct lyd_node *child, *first = NULL, *health = import_find(node, "health");
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (strcmp(child->schema->name, "real-server"))
            continue;
        struct lyd_node *own = import_find(child, "health");
        if (!own || (first && lyd_compare_single(first, own, LYD_COMPARE_FULL_RECURSION)))
            return;
        first = first ? first : own;
    }
    if (!first || !health)
        return;
    struct lyd_node *check;
    LY_LIST_FOR(lyd_child(first), check)
    {
        copy(import, check, health);
    }
    LY_LIST_FOR(lyd_child(node), child)
    {
        if (!strcmp(child->schema->name, "real-server"))
            lyd_free_tree(import_find(child, "health"));
    }
}

/* What is served. */

static const char *protocol_of(const struct statement *server)
{
    const char *protocol = statement_argument(statement_find(server->child, "protocol", NULL));
    static const char *const names[][2] = {{"TCP", "tcp"}, {"UDP", "udp"}, {"SCTP", "sctp"}};
    for (size_t i = 0; protocol && i < 3; i++)
        if (!strcasecmp(protocol, names[i][0]))
            return names[i][1];
    return protocol ? NULL : "tcp";
}

/* Of a mark: what is said, or the family of its real servers. */
static bool mark_is_ipv6(const struct statement *server)
{
    const char *family = statement_argument(statement_find(server->child, "ip_family", NULL));
    const char *real = statement_argument(statement_find(server->child, "real_server", NULL));
    if (family)
        return !strcmp(family, "inet6");
    return real && service_text_is_ipv6(real);
}

/* "192.0.2.1-5", "192.0.2.1-192.0.2.5", "2001:db8::1-a": the last address. @return To be freed. */
static char *last_of_range(const char *first, const char *last)
{
    if (service_text_is_ipv4(last) || service_text_is_ipv6(last))
        return import_text("%s", last);
    const char *end = strrchr(first, strchr(first, ':') ? ':' : '.');
    return import_text("%.*s%s", end ? (int)(end - first + 1) : 0, first, last);
}

static void take_addresses(struct import *import, const struct statement *statement,
                           struct lyd_node *server, const char *protocol)
{
    const char *word = statement->words[0];
    char *name = import_name(word), *first = import_text("%.*s", (int)strcspn(word, "-/"), word);
    const char *port = statement->count > 1 ? statement->words[1] : "0";
    char *key = import_text("a%s-%s", name, port);
    struct lyd_node *member = import_entry(import, statement->place, server, "member", key, NULL);
    if (member) {
        const char *more = word + strlen(first);
        import_leaf(import, statement->place, member, "address", first);
        import_leaf(import, statement->place, member, "port", port);
        import_leaf(import, statement->place, member, "protocol", protocol);
        char *last = *more == '-' ? last_of_range(first, more + 1) : NULL;
        if (last)
            import_leaf(import, statement->place, member, "last-address", last);
        else if (*more == '/')
            import_leaf(import, statement->place, member, "prefix-length", more + 1);
        free(last);
    }
    free(key);
    free(first);
    free(name);
}

static void take_mark(struct import *import, const struct statement *statement,
                      struct lyd_node *server, bool ipv6)
{
    const char *mark = statement_argument(statement);
    if (statement->count > 2)
        ipv6 = !strcmp(statement->words[2], "inet6");
    char *key = import_text("mark%s-%s", ipv6 ? "6" : "", mark ? mark : "");
    struct lyd_node *member = import_entry(import, statement->place, server, "member", key, NULL);
    if (member) {
        import_leaf(import, statement->place, member, "firewall-mark", mark ? mark : "");
        if (ipv6)
            import_leaf(import, statement->place, member, "address-family", "ipv6");
    }
    free(key);
}

static struct lyd_node *make_group(struct import *import, const struct statement *all,
                                   const struct statement *server, const char *protocol)
{
    const char *group = server->count > 2 ? server->words[2] : "";
    const struct statement *members = all;
    while (members && (strcmp(members->words[0], "virtual_server_group") || members->count < 2 ||
                       strcmp(members->words[1], group)))
        members = members->next;
    if (!members) {
        import_left(import, server->place, "virtual_server group %s: there is no such group",
                    group);
        return NULL;
    }
    char *own = import_name(group);
    char *name = import_text("%s%s%s", own, strcmp(protocol, "tcp") ? "-" : "",
                             strcmp(protocol, "tcp") ? protocol : "");
    struct lyd_node *node = import_entry(import, server->place, service_list(import, server->place),
                                         "virtual-server", name, NULL);
    for (const struct statement *one = members->child; node && one; one = one->next) {
        if (!strcmp(one->words[0], "fwmark"))
            take_mark(import, one, node, mark_is_ipv6(server));
        else
            take_addresses(import, one, node, protocol);
    }
    free(name);
    free(own);
    return node;
}

static struct lyd_node *make_server(struct import *import, const struct statement *all,
                                    const struct statement *server)
{
    struct service service = {0};
    const char *what = statement_argument(server), *protocol = protocol_of(server);
    const char *second = server->count > 2 ? server->words[2] : NULL;
    bool understood = what && protocol;
    if (understood && !strcmp(what, "group"))
        return make_group(import, all, server, protocol);
    if (understood && !strcmp(what, "fwmark"))
        understood = second && service_of_mark(&service, second, mark_is_ipv6(server));
    else if (understood)
        understood = service_of_address(&service, protocol, what, second);
    if (understood)
        return service_make(import, server->place, &service, NULL);
    import_left(import, server->place,
                "virtual_server %s: not an address and a port, a mark or a group of a known "
                "protocol",
                what ? what : "");
    return NULL;
}

void keepalived_virtual_server(struct import *import, const struct statement *all,
                               const struct statement *statement)
{
    struct lyd_node *node = make_server(import, all, statement);
    if (!node)
        return;
    struct reading reading = {
        .import = import, .all = all, .node = node, .block = statement->child, .more = statement};
    keywords_take(&reading, server_keywords);
    keepalived_scripts(import, all, statement, node);
    set_health(import, all, statement, node);
    share_checks(import, node);
    set_inhibit(import, statement, node);
    keepalived_own_scripts(import, all, statement, node);
}
