#include "agent/mail/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/clock.h"

#define SECOND INT64_C(1000000000)

/* A line of a message, without its end, may be so long (RFC 5322, 2.1.1), less our time. */
#define WORDS_MAX 900

/* Events by module and name; NULL: every one of the module. */
static const struct {
    const char *module, *name;
    unsigned kind;
} kinds[] = {
    {"noria-health", "real-server-state-change", MAIL_REAL_SERVER},
    {"noria-health", "quorum-change", MAIL_QUORUM},
    {"noria-vrrp", NULL, MAIL_VRRP},
    {"noria-operations", NULL, MAIL_ORDER},
    {"ietf-alarms", "alarm-notification", MAIL_ALARM},
    {"noria-agent", "backend-status-change", MAIL_BACKEND},
    {"noria-agent", "self-test", MAIL_SELF_TEST},
};

unsigned mail_kind_of(const struct lyd_node *event)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(event->schema->module->name, kinds[i].module) &&
            (!kinds[i].name || !strcmp(event->schema->name, kinds[i].name)))
            return kinds[i].kind;
    return 0;
}

bool mail_wants(const struct mail_recipient *recipient, const struct lyd_node *event)
{
    const char *server = leaf_value(event, "virtual-server");
    if (!(recipient->kinds & mail_kind_of(event)))
        return false;
    if (!server || !*recipient->servers)
        return true;
    for (char **name = recipient->servers; *name; name++)
        if (!strcmp(*name, server))
            return true;
    return false;
}

static const char *value(const struct lyd_node *event, const char *leaf)
{
    const char *found = leaf_value(event, leaf);
    return found ? found : "";
}

static void put_virtual_server(FILE *stream, const struct lyd_node *event, const char *about)
{
    fprintf(stream, "%s%s%s%s", value(event, "virtual-server"), about ? " (" : "",
            about ? about : "", about ? ")" : "");
}

static void put_real_server(FILE *stream, const struct lyd_node *event, const char *about)
{
    const char *error = leaf_value(event, "error"), *check = leaf_value(event, "check");
    bool v6 = strchr(value(event, "address"), ':');
    fprintf(stream, "real server %s%s%s:%s of ", v6 ? "[" : "", value(event, "address"),
            v6 ? "]" : "", value(event, "port"));
    put_virtual_server(stream, event, about);
    fprintf(stream, " is %s", value(event, "state"));
    if (check)
        fprintf(stream, " (check %s%s%s)", check, error ? ": " : "", error ? error : "");
}

static void put_quorum(FILE *stream, const struct lyd_node *event, const char *about)
{
    fputs("the quorum of ", stream);
    put_virtual_server(stream, event, about);
    fprintf(stream, " is %s: real servers of weight %s serve, the quorum is %s",
            value(event, "state"), value(event, "weight-up"), value(event, "quorum"));
}

static void put_vrrp(FILE *stream, const struct lyd_node *event)
{
    const char *instance = leaf_value(event, "instance");
    fprintf(stream, "VRRP %s %s is %s, it was %s", instance ? "instance" : "group",
            instance ? instance : value(event, "sync-group"), value(event, "state"),
            value(event, "former-state"));
}

/* Any event: its name, and its leaves by theirs. */
static void put_leaves(FILE *stream, const struct lyd_node *event)
{
    const struct lyd_node *child;
    const char *separator = ": ";
    fputs(event->schema->name, stream);
    LY_LIST_FOR(lyd_child(event), child)
    {
        if (!child->schema || !(child->schema->nodetype & (LYS_LEAF | LYS_LEAFLIST)))
            continue;
        fprintf(stream, "%s%s %s", separator, child->schema->name, lyd_get_value(child));
        separator = ", ";
    }
}

/* What stands in an event may come from elsewhere: it must not end a line or a header. */
static void make_one_line(char *text)
{
    if (strlen(text) > WORDS_MAX)
        text[WORDS_MAX] = '\0';
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}

char *mail_words(const struct lyd_node *event, const char *about)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    switch (mail_kind_of(event)) {
    case MAIL_REAL_SERVER:
        put_real_server(stream, event, about);
        break;
    case MAIL_QUORUM:
        put_quorum(stream, event, about);
        break;
    case MAIL_VRRP:
        put_vrrp(stream, event);
        break;
    default:
        put_leaves(stream, event);
    }
    if (fclose(stream)) {
        free(text);
        return NULL;
    }
    make_one_line(text);
    return text;
}

static void count_event(struct mail_digest *digest, const struct lyd_node *event)
{
    const char *state = value(event, "state");
    unsigned kind = mail_kind_of(event);
    digest->down += kind == MAIL_REAL_SERVER && !strcmp(state, "down");
    digest->up += kind == MAIL_REAL_SERVER && !strcmp(state, "up");
    digest->quorums += kind == MAIL_QUORUM && !strcmp(state, "lost");
}

static void add_line(struct mail_digest *digest, const char *words, int64_t time)
{
    char text[CLOCK_TEXT_SIZE];
    size_t more = strlen(clock_text(time, text)) + strlen(words) + 4;
    char *lines = realloc(digest->lines, digest->size + more);
    if (!lines)
        return;
    digest->lines = lines;
    digest->size += (size_t)snprintf(lines + digest->size, more, "%s %s\r\n", text, words);
}

void mail_digest_add_words(struct mail_digest *digest, char *words, int64_t time)
{
    if (!digest->count++)
        digest->since = time;
    if (!words)
        return;
    make_one_line(words);
    add_line(digest, words, time);
    if (digest->first)
        free(words);
    else
        digest->first = words;
}

void mail_digest_add(struct mail_digest *digest, const struct lyd_node *event, const char *about,
                     int64_t time)
{
    count_event(digest, event);
    char *words = digest->count < MAIL_LINES_MAX ? mail_words(event, about) : NULL;
    mail_digest_add_words(digest, words, time);
}

void mail_digest_clear(struct mail_digest *digest)
{
    free(digest->lines);
    free(digest->first);
    *digest = (struct mail_digest){0};
}

/* Only ASCII is legal in a header as it stands, and a short subject is read on a telephone. */
static void put_header_text(FILE *stream, const char *text)
{
    for (size_t i = 0; text[i] && i < 150; i++)
        fputc(text[i] < ' ' || text[i] > '~' ? '?' : text[i], stream);
}

static void put_subject(FILE *stream, const struct mail_settings *settings,
                        const struct mail_digest *digest)
{
    fputs("Subject: [", stream);
    put_header_text(stream, settings->node);
    fputs("] ", stream);
    if (digest->count == 1 && digest->first) {
        put_header_text(stream, digest->first);
    } else {
        fprintf(stream, "%u %s", digest->count, digest->reminder ? "still wrong" : "events");
        if (digest->down || digest->up)
            fprintf(stream, ": %u down, %u up", digest->down, digest->up);
        if (digest->quorums)
            fprintf(stream, ", %u quorum%s lost", digest->quorums, digest->quorums > 1 ? "s" : "");
    }
    fputs("\r\n", stream);
}

static void put_headers(FILE *stream, const struct mail_settings *settings,
                        const struct mail_recipient *recipient, const struct mail_digest *digest,
                        int64_t now)
{
    char date[64];
    struct tm when;
    time_t seconds = (time_t)(now / SECOND);
    gmtime_r(&seconds, &when);
    /* Names of days and months are those of the C locale, which the agent never leaves. */
    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S +0000", &when);
    fprintf(stream, "From: %s\r\nTo: ", settings->from);
    for (char **address = recipient->addresses; *address; address++)
        fprintf(stream, "%s%s", address == recipient->addresses ? "" : ",\r\n ", *address);
    fputs("\r\n", stream);
    put_subject(stream, settings, digest);
    fprintf(stream,
            "Date: %s\r\nMessage-ID: <%" PRIx64 ".%" PRIx64 ".%s>\r\n"
            "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n",
            date, now, digest->since, settings->from);
}

char *mail_message(const struct mail_settings *settings, const struct mail_recipient *recipient,
                   const struct mail_digest *digest, int64_t now)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return NULL;
    put_headers(stream, settings, recipient, digest, now);
    fprintf(stream, "What %s on %s:\r\n\r\n", digest->reminder ? "is still wrong" : "happened",
            settings->node);
    fputs(digest->lines ? digest->lines : "", stream);
    if (digest->count > MAIL_LINES_MAX)
        fprintf(stream, "... and %u more.\r\n", digest->count - MAIL_LINES_MAX);
    if (digest->lost)
        fprintf(stream, "%" PRIu64 " events were too many at once and are not in this message.\r\n",
                digest->lost);
    if (!fclose(stream))
        return text;
    free(text);
    return NULL;
}
