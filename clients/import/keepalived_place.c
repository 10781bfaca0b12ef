/*
 * Addresses, routes and rules of keepalived, which are written as ip(8) has them.
 */
#include "clients/import/keepalived_place.h"

#include <stdlib.h>
#include <string.h>

/* A word of ip(8) and its leaf. */
struct word {
    const char *name, *leaf;
    const char *value; /* instead of the next word */
    bool number;       /* the next word is 0 or 1, and the leaf a boolean */
};

#define TRUE "true"

static const struct word address_words[] = {{"dev", "interface"},
                                            {"label", "label"},
                                            {"scope", "scope"},
                                            {"peer", "peer"},
                                            {"preferred_lft", "preferred-lifetime"},
                                            {"track_group", "track-group"},
                                            {"noprefixroute", "no-prefix-route", TRUE},
                                            {"home", "home", TRUE},
                                            {"-nodad", "no-duplicate-detection", TRUE},
                                            {"mngtmpaddr", "manage-temporary", TRUE},
                                            {"autojoin", "autojoin", TRUE},
                                            {"use_vmac", "own-mac", TRUE},
                                            {"no_track", "no-track", TRUE},
                                            {NULL}};

static const struct word hop_words[] = {{"via", "gateway"},          {"gw", "gateway"},
                                        {"dev", "interface"},        {"weight", "weight"},
                                        {"onlink", "on-link", TRUE}, {NULL}};

static const struct word route_words[] = {
    {"via", "gateway"},
    {"gw", "gateway"},
    {"or", "alternative-gateway"},
    {"dev", "interface"},
    {"oif", "interface"},
    {"src", "preferred-source"},
    {"metric", "metric"},
    {"priority", "metric"},
    {"preference", "metric"},
    {"table", "table"},
    {"scope", "scope"},
    {"tos", "type-of-service"},
    {"dsfield", "type-of-service"},
    {"protocol", "protocol"},
    {"mtu", "mtu"},
    {"hoplimit", "hop-limit"},
    {"advmss", "advertised-mss"},
    {"rtt", "round-trip-time"},
    {"rttvar", "round-trip-variance"},
    {"reordering", "reordering"},
    {"window", "window"},
    {"cwnd", "congestion-window"},
    {"ssthresh", "slow-start-threshold"},
    {"rto_min", "minimum-retransmission-time"},
    {"initcwnd", "initial-congestion-window"},
    {"initrwnd", "initial-receive-window"},
    {"realms", "realms"},
    {"congctl", "congestion-control"},
    {"track_group", "track-group"},
    {"quickack", "quick-acknowledgements", .number = true},
    {"fastopen_no_cookie", "fast-open-without-cookie", .number = true},
    {"onlink", "on-link", TRUE},
    {"append", "append", TRUE},
    {"no_track", "no-track", TRUE},
    {"unicast", "type", "unicast"},
    {"blackhole", "type", "blackhole"},
    {"unreachable", "type", "unreachable"},
    {"prohibit", "type", "prohibit"},
    {"throw", "type", "throw"},
    {NULL}};

static const struct word rule_words[] = {{"table", "table"},
                                         {"lookup", "table"},
                                         {"from", "from"},
                                         {"to", "to"},
                                         {"tos", "type-of-service"},
                                         {"dsfield", "type-of-service"},
                                         {"iif", "input-interface"},
                                         {"dev", "input-interface"},
                                         {"oif", "output-interface"},
                                         {"ip_proto", "transport"},
                                         {"ipproto", "transport"},
                                         {"sport", "source-port"},
                                         {"dport", "destination-port"},
                                         {"uidrange", "user-range"},
                                         {"realms", "realms"},
                                         {"protocol", "protocol"},
                                         {"goto", "goto"},
                                         {"suppress_prefixlength", "suppress-prefix-length"},
                                         {"suppress_ifgroup", "suppress-group"},
                                         {"track_group", "track-group"},
                                         {"inet", "address-family", "ipv4"},
                                         {"inet6", "address-family", "ipv6"},
                                         {"not", "not", TRUE},
                                         {"no_track", "no-track", TRUE},
                                         {"l3mdev", "layer-3-master", ""},
                                         {"blackhole", "drop", "blackhole"},
                                         {"unreachable", "drop", "unreachable"},
                                         {"prohibit", "drop", "prohibit"},
                                         {NULL}};

static const struct word *find_word(const struct word *words, const char *name)
{
    while (words->name && strcmp(words->name, name))
        words++;
    return words->name ? words : NULL;
}

/*
 * A word, and the one behind it if it takes one.
 * @param[in,out] at The word's place. @return Whether it is understood.
 */
static bool take_word(struct import *import, const struct statement *line, size_t *at,
                      struct lyd_node *node, const struct word *words)
{
    const char *name = line->words[*at];
    const struct word *word = find_word(words, name);
    if (!word || (!word->value && *at + 1 == line->count)) {
        import_left(import, line->place, "%s: Noria has nothing like it", name);
        return false;
    }
    const char *value = word->value ? word->value : line->words[++*at];
    if (word->number)
        value = strcmp(value, "0") ? TRUE : "false";
    return import_leaf(import, line->place, node, word->leaf, value);
}

/* Addresses. */

static bool take_broadcast(struct import *import, const struct statement *line, size_t *at,
                           struct lyd_node *node)
{
    const char *value = *at + 1 < line->count ? line->words[++*at] : "";
    return import_leaf(import, line->place, node, "broadcast",
                       !strcmp(value, "+")   ? "set"
                       : !strcmp(value, "-") ? "clear"
                                             : value);
}

static void take_address(struct import *import, const struct statement *line,
                         struct lyd_node *parent, const char *list, const char *interface)
{
    const char *text = line->words[0], *slash = strchr(text, '/');
    char *address = import_text("%.*s", (int)strcspn(text, "/"), text);
    struct lyd_node *node = import_entry(import, line->place, parent, list, address, NULL);
    bool understood = node != NULL;
    if (node && slash)
        import_leaf(import, line->place, node, "prefix-length", slash + 1);
    if (node && interface)
        import_leaf(import, line->place, node, "interface", interface);
    for (size_t i = 1; i < line->count && understood; i++)
        understood = strcmp(line->words[i], "brd") && strcmp(line->words[i], "broadcast")
                         ? take_word(import, line, &i, node, address_words)
                         : take_broadcast(import, line, &i, node);
    free(address);
}

/* Routes. */

/* A destination without a length is a host; "default" is everywhere. */
static char *prefix_of(const char *text, const char *like)
{
    bool ipv6 = strchr(strcmp(text, "default") ? text : like, ':') != NULL;
    if (!strcmp(text, "default"))
        return import_text("%s", ipv6 ? "::/0" : "0.0.0.0/0");
    return import_text("%s%s", text, strchr(text, '/') ? "" : ipv6 ? "/128" : "/32");
}

/* The first word that no other one takes. @return The number of words if there is none. */
static size_t destination_at(const struct statement *line)
{
    size_t i = 0;
    for (; i < line->count; i++) {
        const struct word *word = find_word(route_words, line->words[i]);
        if (word && !word->value)
            i++;
        else if (!word && strcmp(line->words[i], "to") && strcmp(line->words[i], "inet") &&
                 strcmp(line->words[i], "inet6"))
            return i;
    }
    return line->count;
}

static bool take_hops(struct import *import, const struct statement *line, size_t from,
                      struct lyd_node *route)
{
    struct lyd_node *hop = NULL;
    unsigned number = 0;
    bool understood = true;
    for (size_t i = from; i < line->count && understood; i++) {
        char text[16];
        if (strcmp(line->words[i], "nexthop")) {
            understood = hop && take_word(import, line, &i, hop, hop_words);
            continue;
        }
        snprintf(text, sizeof(text), "%u", ++number);
        hop = import_entry(import, line->place, route, "next-hop", text, NULL);
        understood = hop != NULL;
    }
    return understood;
}

/* 'mtu lock 1400', 'features ecn'. */
static bool take_two_words(struct import *import, const struct statement *line, size_t *at,
                           struct lyd_node *route, bool *understood)
{
    const char *next = *at + 1 < line->count ? line->words[*at + 1] : "";
    bool lock = !strcmp(line->words[*at], "mtu") && !strcmp(next, "lock");
    bool ecn = !strcmp(line->words[*at], "features") && !strcmp(next, "ecn");
    if (lock && *at + 2 < line->count) {
        *understood = import_leaf(import, line->place, route, "mtu-lock", TRUE) &&
                      import_leaf(import, line->place, route, "mtu", line->words[*at + 2]);
        *at += 2;
    } else if (ecn) {
        *understood = import_leaf(import, line->place, route, "explicit-congestion", TRUE);
        *at += 1;
    }
    return lock || ecn;
}

static bool take_route_words(struct import *import, const struct statement *line, size_t skipped,
                             struct lyd_node *route)
{
    bool understood = true;
    for (size_t i = 0; i < line->count && understood; i++) {
        const char *word = line->words[i];
        if (!strcmp(word, "nexthop"))
            return take_hops(import, line, i, route);
        if (i == skipped || !strcmp(word, "to") || !strcmp(word, "inet") ||
            !strcmp(word, "inet6") || take_two_words(import, line, &i, route, &understood))
            continue;
        understood = take_word(import, line, &i, route, route_words);
    }
    return understood;
}

/* A route that is not understood to its end is left out: it would lead elsewhere. */
static void take_route(struct import *import, const struct statement *line, struct lyd_node *parent,
                       const char *list, const char *block)
{
    size_t at = destination_at(line);
    const char *gateway = "";
    for (size_t i = 0; i + 1 < line->count; i++)
        if (!strcmp(line->words[i], "via") || !strcmp(line->words[i], "gw") ||
            !strcmp(line->words[i], "inet6"))
            gateway = strcmp(line->words[i], "inet6") ? line->words[i + 1] : ":";
    if (at == line->count) {
        import_left(import, line->place, "%s: a route needs its destination", block);
        return;
    }
    char *destination = prefix_of(line->words[at], gateway);
    struct lyd_node *node = import_entry(import, line->place, parent, list, destination, NULL);
    if (node && !take_route_words(import, line, at, node)) {
        import_left(import, line->place, "%s %s: left out whole", block, destination);
        lyd_free_tree(node);
    }
    free(destination);
}

/* Rules. */

static bool take_mark(struct import *import, const struct statement *line, size_t *at,
                      struct lyd_node *rule)
{
    const char *value = *at + 1 < line->count ? line->words[++*at] : "",
               *slash = strchr(value, '/');
    char text[16];
    snprintf(text, sizeof(text), "%lu", strtoul(value, NULL, 0));
    if (!import_leaf(import, line->place, rule, "mark", *value ? text : ""))
        return false;
    snprintf(text, sizeof(text), "%lu", slash ? strtoul(slash + 1, NULL, 0) : 0);
    return !slash || import_leaf(import, line->place, rule, "mark-mask", text);
}

static bool is_preference(const char *word)
{
    return !strcmp(word, "preference") || !strcmp(word, "pref") || !strcmp(word, "priority") ||
           !strcmp(word, "order");
}

static void take_rule(struct import *import, const struct statement *line, struct lyd_node *parent,
                      const char *list, const char *block)
{
    const char *preference = NULL;
    for (size_t i = 0; i + 1 < line->count; i++)
        if (is_preference(line->words[i]))
            preference = line->words[i + 1];
    if (!preference) {
        import_left(import, line->place, "%s: a rule needs its preference, to be told from others",
                    block);
        return;
    }
    struct lyd_node *node = import_entry(import, line->place, parent, list, preference, NULL);
    bool understood = node != NULL;
    for (size_t i = 0; i < line->count && understood; i++) {
        if (is_preference(line->words[i]))
            i++;
        else if (!strcmp(line->words[i], "fwmark"))
            understood = take_mark(import, line, &i, node);
        else
            understood = take_word(import, line, &i, node, rule_words);
    }
    if (node && !understood) {
        import_left(import, line->place, "%s %s: left out whole", block, preference);
        lyd_free_tree(node);
    }
}

void keepalived_place(struct import *import, struct lyd_node *parent, const char *interface,
                      const struct statement *statement)
{
    static const struct {
        const char *keyword, *list;
    } lists[] = {{"virtual_ipaddress", "virtual-address"},
                 {"virtual_ipaddress_excluded", "excluded-address"},
                 {"static_ipaddress", "static-address"},
                 {"virtual_routes", "virtual-route"},
                 {"static_routes", "static-route"},
                 {"virtual_rules", "virtual-rule"},
                 {"static_rules", "static-rule"}};
    const char *block = statement->words[0], *list = NULL;
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
        if (!strcmp(block, lists[i].keyword))
            list = lists[i].list;
    for (const struct statement *line = statement->child; line && list; line = line->next) {
        if (strstr(block, "routes"))
            take_route(import, line, parent, list, block);
        else if (strstr(block, "rules"))
            take_rule(import, line, parent, list, block);
        else
            take_address(import, line, parent, list, interface);
    }
}
