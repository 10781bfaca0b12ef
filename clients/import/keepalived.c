/*
 * keepalived.conf(5): what its blocks are.
 */
#include "clients/import/keepalived.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
            keepalived_settings(import, all, one);
        else if (!strcmp(one->words[0], "virtual_server"))
            keepalived_virtual_server(import, all, one);
        else if (!elsewhere[i])
            keepalived_left(import, one);
    }
    keepalived_vrrp(import, all);
    keepalived_mail(import, all);
    statements_free(all);
    return DONE;
}
