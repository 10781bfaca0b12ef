/*
 * From the lines of a keepalived.conf to statements.
 */
#include "clients/import/keepalived_read.h"

#include <ctype.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/array.h"
#include "clients/import/keepalived_repeat.h"

enum {
    DEPTH = 32,               /* of blocks, of files in files, of definitions in definitions */
    EXPANSIONS = 100000,      /* lines that definitions may come to */
    LINE_MAX_LENGTH = 1 << 16 /* of a line after its definitions are put in */
};

struct definition {
    char *name, *value;
    struct definition *next;
};

struct reader {
    struct import *import;
    struct error *err;
    struct definition *definitions;
    struct statement **ends[DEPTH];   /* where the next statement goes, by depth of blocks */
    struct statement *openers[DEPTH]; /* who opened the blocks */
    struct statement *last;           /* the last one, which a brace may follow on its own line */
    size_t depth;
    unsigned expansions;
    bool full; /* too many expansions, which is noted once */
};

static enum outcome read_text(struct reader *reader, const char *text, const char *file,
                              unsigned level);

void statements_free(struct statement *first)
{
    while (first) {
        struct statement *next = first->next;
        statements_free(first->child);
        for (size_t i = 0; i < first->count; i++)
            free(first->words[i]);
        free(first->words);
        free(first);
        first = next;
    }
}

/* Statements. */

static void add_word(struct statement **now, struct place place, char *word)
{
    if (!*now) {
        *now = import_need(calloc(1, sizeof(**now)));
        (*now)->place = place;
    }
    struct statement *to = *now;
    to->words = import_need(realloc(to->words, (to->count + 2) * sizeof(*to->words)));
    to->words[to->count++] = word;
    to->words[to->count] = NULL;
}

static void add_statement(struct reader *reader, struct statement *statement)
{
    *reader->ends[reader->depth] = statement;
    reader->ends[reader->depth] = &statement->next;
    reader->last = statement;
}

static enum outcome open_block(struct reader *reader, struct place place)
{
    if (!reader->last || reader->last->block)
        return refuse(reader->err, TAG_INVALID_VALUE, NULL, "%s:%u: a block without a name",
                      place.file, place.line);
    if (reader->depth + 1 == DEPTH)
        return refuse(reader->err, TAG_INVALID_VALUE, NULL, "%s:%u: too many blocks in blocks",
                      place.file, place.line);
    reader->last->block = true;
    reader->depth++;
    reader->openers[reader->depth] = reader->last;
    reader->ends[reader->depth] = &reader->last->child;
    reader->last = NULL;
    return DONE;
}

static enum outcome close_block(struct reader *reader, struct place place)
{
    if (!reader->depth)
        return refuse(reader->err, TAG_INVALID_VALUE, NULL,
                      "%s:%u: a block ends here that has not begun", place.file, place.line);
    reader->depth--;
    reader->last = NULL;
    return DONE;
}

/* Words. */

static char *take_quoted(struct reader *reader, struct place place, const char **text)
{
    char quote = *(*text)++, *word = import_need(malloc(strlen(*text) + 1)), *to = word;
    for (; **text && **text != quote; (*text)++) {
        if (**text == '\\' && ((*text)[1] == quote || (*text)[1] == '\\'))
            (*text)++;
        *to++ = **text;
    }
    *to = '\0';
    if (**text)
        (*text)++;
    else
        import_left(reader->import, place, "a quote is not closed: it ends with the line");
    return word;
}

/* "${NAME}" that is not defined stays as it is, with its braces. */
static char *take_bare(const char **text)
{
    const char *begin = *text;
    for (bool name = false; **text && !isspace((unsigned char)**text); (*text)++) {
        if (**text == '{' && *text > begin && (*text)[-1] == '$')
            name = true;
        else if (**text == '}' && name)
            name = false;
        else if (**text == '{' || **text == '}')
            break;
    }
    return import_need(strndup(begin, (size_t)(*text - begin)));
}

static enum outcome take_words(struct reader *reader, struct place place, const char *text)
{
    struct statement *now = NULL;
    for (;;) {
        while (isspace((unsigned char)*text))
            text++;
        if (*text && *text != '{' && *text != '}') {
            bool quoted = *text == '"' || *text == '\'';
            add_word(&now, place, quoted ? take_quoted(reader, place, &text) : take_bare(&text));
            continue;
        }
        if (now)
            add_statement(reader, now);
        now = NULL;
        if (!*text)
            return DONE;
        enum outcome outcome =
            *text++ == '{' ? open_block(reader, place) : close_block(reader, place);
        if (outcome != DONE)
            return outcome;
    }
}

/* Definitions. */

static struct definition *find_definition(const struct reader *reader, const char *name,
                                          size_t length)
{
    for (struct definition *one = reader->definitions; one; one = one->next)
        if (strlen(one->name) == length && !strncmp(one->name, name, length))
            return one;
    return NULL;
}

static void define(struct reader *reader, const char *name, size_t length, const char *value)
{
    struct definition *one = find_definition(reader, name, length);
    if (!one) {
        one = import_need(calloc(1, sizeof(*one)));
        one->name = import_need(strndup(name, length));
        one->next = reader->definitions;
        reader->definitions = one;
    }
    free(one->value);
    one->value = import_need(strdup(value));
}

static size_t name_length(const char *text)
{
    size_t length = 0;
    while (text[length] == '_' || isalnum((unsigned char)text[length]))
        length++;
    return isdigit((unsigned char)*text) ? 0 : length;
}

/*
 * The first reference in a text to something that is defined.
 * @param[out] begin, end Where it stands.
 */
static const struct definition *find_reference(const struct reader *reader, const char *text,
                                               const char **begin, const char **end)
{
    for (const char *at = text; (at = strchr(at, '$')); at++) {
        bool braced = at[1] == '{';
        const char *name = at + 1 + braced;
        size_t length = name_length(name);
        char after = name[length];
        if (!length || (braced ? after != '}' : after && !isspace((unsigned char)after)))
            continue;
        const struct definition *one = find_definition(reader, name, length);
        if (!one)
            continue;
        *begin = at;
        *end = name + length + braced;
        return one;
    }
    return NULL;
}

/* Cut a comment off: from '#' or '!' on, outside of quotes. */
static void cut_comment(char *line)
{
    bool quoted = false;
    for (char *c = line; *c; c++) {
        if (*c == '\\' && c[1])
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (*c == '#' || *c == '!')) {
            *c = '\0';
            return;
        }
    }
}

/* Lines. */

static enum outcome take_line(struct reader *reader, struct place place, const char *line,
                              unsigned level);

/*
 * "@ID rest" or "@^ID rest": whether it holds.
 * @param[in,out] line The rest of the line.
 */
static bool condition_holds(struct reader *reader, struct place place, const char **line)
{
    bool not_it = (*line)[1] == '^';
    const char *id = *line + 1 + not_it;
    size_t length = strcspn(id, " \t");
    *line = id + length + strspn(id + length, " \t");
    if (!reader->import->config_id) {
        import_left(reader->import, place,
                    "@%s%.*s: a conditional line: say by --config-id which ones hold",
                    not_it ? "^" : "", (int)length, id);
        return false;
    }
    bool same = strlen(reader->import->config_id) == length &&
                !strncmp(reader->import->config_id, id, length);
    return same != not_it;
}

/* Put the value of a definition in place of a reference, and take the lines that this comes to. */
static enum outcome take_expanded(struct reader *reader, struct place place, const char *line,
                                  const char *begin, const char *end, const char *value,
                                  unsigned level)
{
    if (level == DEPTH || ++reader->expansions > EXPANSIONS ||
        strlen(line) + strlen(value) > LINE_MAX_LENGTH) {
        if (!reader->full)
            import_left(reader->import, place, "definitions come to too much");
        reader->full = true;
        return DONE;
    }
    char *text = import_text("%.*s%s%s", (int)(begin - line), line, value, end), *rest = text, *one;
    enum outcome outcome = DONE;
    while (outcome == DONE && (one = strsep(&rest, "\n")))
        outcome = take_line(reader, place, one, level + 1);
    free(text);
    return outcome;
}

/* "~SEQ(...) line", "~LST(...) line". */
static enum outcome take_repeated(struct reader *reader, struct place place, const char *line,
                                  unsigned level)
{
    struct repeat repeat;
    enum outcome outcome = DONE;
    bool fits = level < DEPTH;
    if (!repeat_read(line, &repeat))
        import_left(reader->import, place, "%.*s: not understood; write its lines out",
                    (int)strcspn(line, "( \t"), line);
    for (size_t i = 0; i < repeat.count && fits && outcome == DONE; i++) {
        for (size_t k = 0; k < repeat.name_count; k++)
            define(reader, repeat.names[k], strlen(repeat.names[k]),
                   repeat.values[i * repeat.name_count + k]);
        fits = ++reader->expansions <= EXPANSIONS;
        if (fits)
            outcome = take_line(reader, place, repeat.rest, level + 1);
    }
    if (!fits && !reader->full)
        import_left(reader->import, place, "definitions come to too much");
    reader->full = reader->full || !fits;
    repeat_clear(&repeat);
    return outcome;
}

static void include(struct reader *reader, struct place place, const char *pattern, unsigned level,
                    enum outcome *outcome)
{
    glob_t found = {0};
    const char *slash = strrchr(place.file, '/');
    char *path = pattern[0] == '/' || !slash
                     ? import_text("%s", pattern)
                     : import_text("%.*s/%s", (int)(slash - place.file), place.file, pattern);
    if (reader->import->alone || level >= DEPTH / 2 || glob(path, GLOB_BRACE, NULL, &found) ||
        !found.gl_pathc)
        import_left(reader->import, place, "include %s: %s", pattern,
                    level >= DEPTH / 2 ? "too many files in files" : "there is no such file");
    for (size_t i = 0; i < found.gl_pathc && *outcome == DONE; i++) {
        FILE *stream = fopen(found.gl_pathv[i], "re");
        char *text = NULL;
        size_t room = 0;
        if (!stream || (getdelim(&text, &room, '\0', stream) < 0 && ferror(stream)))
            import_left(reader->import, place, "include %s: cannot be read", found.gl_pathv[i]);
        else
            *outcome = read_text(reader, text ? text : "", found.gl_pathv[i], level + 1);
        free(text);
        if (stream)
            fclose(stream);
    }
    globfree(&found);
    free(path);
}

static bool begins_with(const char *line, const char *keyword)
{
    size_t length = strlen(keyword);
    return !strncmp(line, keyword, length) && isspace((unsigned char)line[length]);
}

/* "include" and its variants, which differ in what keepalived calls an error. */
static bool is_include(const char *line)
{
    static const char *const words[] = {"include",  "includer", "includem",
                                        "includew", "includeb", "includea"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (begins_with(line, words[i]))
            return true;
    return false;
}

static enum outcome take_line(struct reader *reader, struct place place, const char *line,
                              unsigned level)
{
    const char *begin, *end;
    line += strspn(line, " \t\r\f\v");
    while (*line == '@')
        if (!condition_holds(reader, place, &line))
            return DONE;
    if (*line == '$') {
        size_t length = name_length(line + 1);
        if (length && line[1 + length] == '=') {
            define(reader, line + 1, length, line + length + 2);
            return DONE;
        }
    }
    if (*line == '~')
        return take_repeated(reader, place, line, level);
    const struct definition *one = find_reference(reader, line, &begin, &end);
    if (one)
        return take_expanded(reader, place, line, begin, end, one->value, level);
    if (is_include(line)) {
        enum outcome outcome = DONE;
        char *pattern = import_need(strdup(line + strcspn(line, " \t")));
        char *last = pattern + strlen(pattern);
        while (last > pattern && isspace((unsigned char)last[-1]))
            *--last = '\0';
        include(reader, place, pattern + strspn(pattern, " \t"), level, &outcome);
        free(pattern);
        return outcome;
    }
    return take_words(reader, place, line);
}

/*
 * The next line without its comment; those that end with '\' go on in the next one. Lines of a
 * definition stay lines, others become one. @return To be freed; NULL at the end.
 */
static char *next_line(const char **text, struct place *place)
{
    char *joined = NULL;
    bool more = true;
    while (more && **text) {
        size_t length = strcspn(*text, "\n");
        char *line = import_need(strndup(*text, length));
        *text += length + ((*text)[length] == '\n');
        place->line++;
        cut_comment(line);
        size_t end = strlen(line);
        while (end && isspace((unsigned char)line[end - 1]))
            line[--end] = '\0';
        more = end && line[end - 1] == '\\';
        if (more)
            line[end - 1] = '\0';
        if (!joined) {
            joined = line;
            continue;
        }
        const char *first = joined + strspn(joined, " \t");
        bool definition = (*first == '$' || *first == '@') && strchr(first, '=');
        char *both = import_text("%s%s%s", joined, definition ? "\n" : " ", line);
        free(joined);
        free(line);
        joined = both;
    }
    return joined;
}

static enum outcome read_text(struct reader *reader, const char *text, const char *file,
                              unsigned level)
{
    struct place at = {.file = import_file(reader->import, file)};
    enum outcome outcome = DONE;
    char *line;
    while (outcome == DONE) {
        struct place place = {at.file, at.line + 1};
        if (!(line = next_line(&text, &at)))
            break;
        outcome = take_line(reader, place, line, level);
        free(line);
    }
    return outcome;
}

static void define_known(struct reader *reader)
{
    define(reader, "_HASH", strlen("_HASH"), "#");
    define(reader, "_BANG", strlen("_BANG"), "!");
    if (reader->import->config_id)
        define(reader, "_INSTANCE", strlen("_INSTANCE"), reader->import->config_id);
}

enum outcome keepalived_read(struct import *import, const char *text, const char *file,
                             struct statement **first, struct error *err)
{
    struct reader reader = {.import = import, .err = err};
    *first = NULL;
    reader.ends[0] = first;
    define_known(&reader);
    enum outcome outcome = read_text(&reader, text, file, 0);
    if (outcome == DONE && reader.depth) {
        struct place place = reader.openers[reader.depth]->place;
        outcome = refuse(err, TAG_INVALID_VALUE, NULL, "%s:%u: the block %s has no end", place.file,
                         place.line, reader.openers[reader.depth]->words[0]);
    }
    while (reader.definitions) {
        struct definition *next = reader.definitions->next;
        free(reader.definitions->name);
        free(reader.definitions->value);
        free(reader.definitions);
        reader.definitions = next;
    }
    if (outcome != DONE) {
        statements_free(*first);
        *first = NULL;
    }
    return outcome;
}
