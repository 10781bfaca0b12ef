#include "clients/import/keepalived_repeat.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "agent/array.h"
#include "clients/import/import.h"

/* Parts of what is in parentheses, which is cut up. */
struct parts {
    char *text; /* owned */
    char **list;
    size_t count, room;
};

void repeat_clear(struct repeat *repeat)
{
    for (size_t i = 0; i < repeat->name_count; i++)
        free(repeat->names[i]);
    for (size_t i = 0; i < repeat->count * repeat->name_count; i++)
        free(repeat->values[i]);
    free(repeat->values);
    *repeat = (struct repeat){0};
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    size_t length = strlen(text);
    while (length && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    return text;
}

/* Cut a text at its commas; those in braces stay. */
static void cut(char *text, struct parts *parts)
{
    bool braces = false;
    char *from = text;
    for (;; text++) {
        braces = *text == '{' || (braces && *text != '}');
        if (*text && (*text != ',' || braces))
            continue;
        if (!array_grow(&parts->list, parts->count, &parts->room, sizeof(*parts->list)))
            import_need(NULL);
        bool end = !*text;
        *text = '\0';
        parts->list[parts->count++] = trim(from);
        from = text + 1;
        if (end)
            return;
    }
}

static bool is_name(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c != '_' && !isalnum((unsigned char)*c))
            return false;
    return *text && !isdigit((unsigned char)*text);
}

static void add_value(struct repeat *repeat, size_t at, char *value)
{
    if (!array_grow(&repeat->values, at, &repeat->room, sizeof(*repeat->values)))
        import_need(NULL);
    repeat->values[at] = value;
}

/* One round of numbers after the other. */
static bool count_up(struct repeat *repeat, const struct parts *parts, bool hexadecimal)
{
    long numbers[3] = {0};
    size_t given = parts->count - 1;
    char *end;
    for (size_t i = 0; i < given && given <= 3; i++) {
        numbers[i] = strtol(parts->list[i + 1], &end, 0);
        if (end == parts->list[i + 1] || *end || labs(numbers[i]) > 1000000000)
            return false;
    }
    if (!given || given > 3 || !is_name(parts->list[0]))
        return false;
    long last = numbers[given - 1], first = given > 1 ? numbers[0] : last > 0 ? 1 : -1;
    long step = given > 2 ? numbers[1] : last >= first ? 1 : -1;
    if (!step || (last - first) / step > REPEAT_MAX)
        return false;
    repeat->names[repeat->name_count++] = import_text("%s", parts->list[0]);
    for (long at = first; step > 0 ? at <= last : at >= last; at += step)
        add_value(repeat, repeat->count++, import_text(hexadecimal ? "%lx" : "%ld", at));
    return true;
}

/* "{A, B}" or "A": its parts. @return How many; 0 if they are too many. */
static size_t take_group(char *text, char **words)
{
    struct parts parts = {0};
    size_t length = strlen(text), count = 0;
    if (*text == '{' && length > 1 && text[length - 1] == '}') {
        text[length - 1] = '\0';
        cut(text + 1, &parts);
        count = parts.count <= REPEAT_NAMES_MAX ? parts.count : 0;
        for (size_t i = 0; i < count; i++)
            words[i] = parts.list[i];
        free(parts.list);
        return count;
    }
    words[0] = text;
    return 1;
}

static bool go_through(struct repeat *repeat, const struct parts *parts)
{
    char *words[REPEAT_NAMES_MAX];
    size_t names = take_group(parts->list[0], words);
    for (size_t i = 0; i < names; i++) {
        if (!is_name(words[i]))
            return false;
        repeat->names[repeat->name_count++] = import_text("%s", words[i]);
    }
    for (size_t i = 1; i < parts->count && names; i++) {
        if (take_group(parts->list[i], words) != names)
            return false;
        for (size_t k = 0; k < names; k++)
            add_value(repeat, repeat->count * names + k, import_text("%s", words[k]));
        repeat->count++;
    }
    return repeat->count;
}

bool repeat_read(const char *line, struct repeat *repeat)
{
    struct parts parts = {0};
    *repeat = (struct repeat){0};
    size_t word = strcspn(line, "(");
    const char *end = strchr(line, ')');
    if (!end || line[word] != '(')
        return false;
    parts.text = import_text("%.*s", (int)(end - line - (long)word - 1), line + word + 1);
    cut(parts.text, &parts);
    repeat->rest = end + 1;
    bool understood = false;
    if (word == 4 && !strncmp(line, "~SEQ", word))
        understood = count_up(repeat, &parts, false);
    else if (word == 5 && !strncmp(line, "~SEQx", word))
        understood = count_up(repeat, &parts, true);
    else if (word == 4 && !strncmp(line, "~LST", word))
        understood = go_through(repeat, &parts);
    free(parts.list);
    free(parts.text);
    return understood;
}
