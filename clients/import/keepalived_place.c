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
};

/* The rest of a line, word by word. @return Whether all is understood. */
static bool take_words(struct import *import, const struct statement *line, size_t from,
                       struct lyd_node *node, const struct word *words)
{
    bool all = true;
    for (size_t i = from; i < line->count; i++) {
        const struct word *word = words;
        while (word->name && strcmp(word->name, line->words[i]))
            word++;
        if (!word->name || (!word->value && i + 1 == line->count)) {
            import_left(import, line->place, "%s: Noria has nothing like it", line->words[i]);
            return false;
        }
        all &= import_leaf(import, line->place, node, word->leaf,
                           word->value ? word->value : line->words[++i]);
    }
    return all;
}

static void take_address(struct import *import, const struct statement *line,
                         struct lyd_node *instance, const char *list)
{
    static const struct word words[] = {{"dev", "interface"},
                                        {"label", "label"},
                                        {"scope", "scope"},
                                        {"noprefixroute", "no-prefix-route", "true"},
                                        {NULL}};
    const char *text = line->words[0], *slash = strchr(text, '/');
    char *address = import_text("%.*s", (int)strcspn(text, "/"), text);
    struct lyd_node *node = import_entry(import, line->place, instance, list, address, NULL);
    if (node && slash)
        import_leaf(import, line->place, node, "prefix-length", slash + 1);
    if (node)
        take_words(import, line, 1, node, words);
    free(address);
}

/* A destination without a length is a host; "default" is everywhere. */
static char *prefix_of(const char *text, const char *like)
{
    bool ipv6 = strchr(strcmp(text, "default") ? text : like, ':') != NULL;
    if (!strcmp(text, "default"))
        return import_text("%s", ipv6 ? "::/0" : "0.0.0.0/0");
    return import_text("%s%s", text, strchr(text, '/') ? "" : ipv6 ? "/128" : "/32");
}

/* A route that is not understood to its end is left out: it would lead elsewhere. */
static void take_route(struct import *import, const struct statement *line,
                       struct lyd_node *instance)
{
    static const struct word words[] = {
        {"via", "gateway"},   {"gw", "gateway"},        {"to", "destination"}, {"dev", "interface"},
        {"metric", "metric"}, {"preference", "metric"}, {"table", "table"},    {NULL}};
    const char *gateway = "";
    for (size_t i = 0; i + 1 < line->count; i++)
        if (!strcmp(line->words[i], "via") || !strcmp(line->words[i], "gw"))
            gateway = line->words[i + 1];
    char *destination = prefix_of(line->words[0], gateway);
    if (!strpbrk(destination, ".:")) { /* src, blackhole, unreachable, ... */
        import_left(import, line->place, "%s: a route of a kind that Noria does not have",
                    line->words[0]);
        free(destination);
        return;
    }
    struct lyd_node *node =
        import_entry(import, line->place, instance, "virtual-route", destination, NULL);
    if (node && !take_words(import, line, 1, node, words)) {
        import_left(import, line->place, "virtual_routes %s: left out whole", destination);
        lyd_free_tree(node);
    }
    free(destination);
}

static void take_rule(struct import *import, const struct statement *line,
                      struct lyd_node *instance)
{
    static const struct word words[] = {
        {"table", "table"}, {"lookup", "table"}, {"from", "from"}, {"to", "to"}, {NULL}};
    struct statement rest = *line;
    const char *preference = NULL;
    size_t count = 0;
    rest.words = import_need(calloc(line->count + 1, sizeof(*rest.words)));
    for (size_t i = 0; i < line->count; i++) {
        bool named = i + 1 < line->count &&
                     (!strcmp(line->words[i], "preference") || !strcmp(line->words[i], "pref") ||
                      !strcmp(line->words[i], "priority"));
        if (named)
            preference = line->words[++i];
        else
            rest.words[count++] = line->words[i];
    }
    rest.count = count;
    struct lyd_node *node = NULL;
    if (!preference)
        import_left(import, line->place,
                    "virtual_rules: a rule needs its preference, to be told from others");
    else
        node = import_entry(import, line->place, instance, "virtual-rule", preference, NULL);
    if (node && !take_words(import, &rest, 0, node, words)) {
        import_left(import, line->place, "virtual_rules %s: left out whole", preference);
        lyd_free_tree(node);
    }
    free(rest.words);
}

void keepalived_place(struct import *import, struct lyd_node *instance,
                      const struct statement *statement)
{
    const char *keyword = statement->words[0];
    for (const struct statement *line = statement->child; line; line = line->next) {
        if (!strcmp(keyword, "virtual_routes"))
            take_route(import, line, instance);
        else if (!strcmp(keyword, "virtual_rules"))
            take_rule(import, line, instance);
        else
            take_address(import, line, instance,
                         strcmp(keyword, "virtual_ipaddress") ? "excluded-address"
                                                              : "virtual-address");
    }
}
