#include "agent/command_line.h"

#include <stdlib.h>
#include <string.h>

/* Copy a word without its quotes. @return What follows it. */
static const char *take_word(const char *from, char *to)
{
    char quote = '\0';
    for (; *from && (quote || !strchr(" \t", *from)); from++) {
        if (quote ? *from == quote : *from == '"' || *from == '\'')
            quote = quote ? '\0' : *from;
        else
            *to++ = *from;
    }
    *to = '\0';
    return from;
}

char **command_line_split(const char *text, size_t *count)
{
    size_t length = strlen(text), words = 0;
    /* A word is a character and what is between it and the next one, at the least. */
    char **list = malloc((length / 2 + 2) * sizeof(*list) + length + 1);
    if (!list)
        return NULL;
    char *to = (char *)(list + length / 2 + 2);
    for (text += strspn(text, " \t"); *text; text += strspn(text, " \t")) {
        list[words++] = to;
        text = take_word(text, to);
        to += strlen(to) + 1;
    }
    list[words] = NULL;
    if (count)
        *count = words;
    return list;
}
