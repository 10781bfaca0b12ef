/*
 * Statements of keepalived.conf(5), and tables of keywords that say what becomes of them.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clients/import/keepalived.h"

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
