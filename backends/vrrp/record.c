/*
 * keepalived's record.
 */
#include "backends/vrrp/record.h"

#include <string.h>

/* What begins with a line is of the kind, and has the rest of the line as its name. */
static const struct {
    const char *words;
    enum vrrp_kind kind;
} beginnings[] = {
    {"VRRP Instance", VRRP_KIND_INSTANCE}, {"VRRP Script", VRRP_KIND_SCRIPT},
    {"Track file", VRRP_KIND_FILE},        {"VRRP Track process", VRRP_KIND_PROCESS},
    {"VRRP Track BFD", VRRP_KIND_BFD},
};

struct line {
    size_t indent;
    char field[VRRP_RECORDED_MAX];
    char value[VRRP_RECORDED_MAX];
};

static void keep(char *to, const char *from, size_t length)
{
    if (length >= VRRP_RECORDED_MAX)
        length = VRRP_RECORDED_MAX - 1;
    memcpy(to, from, length);
    to[length] = '\0';
}

static void split(const char *text, size_t length, struct line *line)
{
    for (line->indent = 0; line->indent < length && text[line->indent] == ' ';)
        line->indent++;
    text += line->indent;
    length -= line->indent;
    const char *equal = memmem(text, length, " = ", 3);
    keep(line->field, text, equal ? (size_t)(equal - text) : length);
    keep(line->value, equal ? equal + 3 : "", equal ? length - (size_t)(equal + 3 - text) : 0);
}

static enum vrrp_kind begun(const struct line *line)
{
    for (size_t i = 0; i < sizeof(beginnings) / sizeof(*beginnings); i++)
        if (line->indent == 1 && !strcmp(line->field, beginnings[i].words))
            return beginnings[i].kind;
    return VRRP_KIND_NONE;
}

void vrrp_record_read(const char *text, size_t length,
                      void (*take)(enum vrrp_kind kind, const char *name, const char *field,
                                   const char *value, void *arg),
                      void *arg)
{
    const char *end = text + length, *next;
    enum vrrp_kind kind = VRRP_KIND_NONE;
    char name[VRRP_RECORDED_MAX] = "";
    for (; text < end; text = next + 1) {
        struct line line;
        next = memchr(text, '\n', (size_t)(end - text));
        if (!next)
            return;
        split(text, (size_t)(next - text), &line);
        if (line.indent < 3) { /* what is said of something is further in */
            kind = begun(&line);
            keep(name, line.value, strlen(line.value));
        } else if (kind != VRRP_KIND_NONE && line.indent == 3) {
            take(kind, name, line.field, line.value, arg);
        }
    }
}
