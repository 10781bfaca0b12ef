#include "agent/mail/settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAIL "/noria-mail:mail"

static const struct {
    const char *name;
    enum mail_kind kind;
} kinds[] = {
    {"real-server", MAIL_REAL_SERVER},
    {"quorum", MAIL_QUORUM},
    {"vrrp", MAIL_VRRP},
    {"order", MAIL_ORDER},
    {"alarm", MAIL_ALARM},
    {"backend", MAIL_BACKEND},
    {"self-test", MAIL_SELF_TEST},
};

static unsigned kind_of(const char *name)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(kinds[i].name, name))
            return kinds[i].kind;
    return 0;
}

/* A copy of a leaf's value, or of another text. @return Whether there was memory. */
static bool copy(const struct lyd_node *node, const char *leaf, const char *otherwise, char **text)
{
    const char *value = node ? leaf_value(node, leaf) : NULL;
    value = value ? value : otherwise;
    *text = value ? strdup(value) : NULL;
    return *text || !value;
}

static unsigned number(const struct lyd_node *node, const char *leaf, unsigned otherwise)
{
    const char *value = node ? leaf_value(node, leaf) : NULL;
    return value ? (unsigned)strtoul(value, NULL, 10) : otherwise;
}

/* Values of a leaf-list, ended by NULL. @return NULL for want of memory. */
static char **values_of(const struct lyd_node *node, const char *name)
{
    const struct lyd_node *child;
    size_t count = 0;
    LY_LIST_FOR(lyd_child(node), child)
    count += child->schema && !strcmp(child->schema->name, name);
    char **values = calloc(count + 1, sizeof(*values));
    count = 0;
    LY_LIST_FOR(values ? lyd_child(node) : NULL, child)
    {
        if (child->schema && !strcmp(child->schema->name, name) &&
            (values[count] = strdup(lyd_get_value(child))))
            count++;
    }
    return values;
}

static void free_values(char **values)
{
    for (char **at = values; at && *at; at++)
        free(*at);
    free(values);
}

static enum outcome add_recipient(struct mail_settings *settings, const struct lyd_node *node,
                                  struct error *err)
{
    struct mail_recipient *recipient = &settings->recipients[settings->recipient_count++];
    char **events = values_of(node, "event");
    recipient->addresses = values_of(node, "address");
    recipient->servers = values_of(node, "virtual-server");
    recipient->remind = number(node, "reminder", 0);
    for (char **event = events; event && *event; event++)
        recipient->kinds |= kind_of(*event);
    recipient->kinds = recipient->kinds ? recipient->kinds : MAIL_DEFAULT;
    bool whole = copy(node, "name", "", &recipient->name) && events && recipient->addresses &&
                 recipient->servers;
    free_values(events);
    return whole ? DONE : fail_memory(err);
}

/* libcurl names this node to the server by what follows the server's name. */
static bool set_server(struct mail_settings *settings, const struct lyd_node *smtp,
                       const char *host)
{
    const char *server = leaf_value(smtp, "server"), *tls = leaf_value(smtp, "tls");
    const char *helo = leaf_value(smtp, "helo-name"), *verify = leaf_value(smtp, "verify");
    bool v6 = strchr(server, ':');
    settings->smtp = true;
    settings->tls = tls && !strcmp(tls, "starttls")    ? MAIL_TLS_STARTTLS
                    : tls && !strcmp(tls, "immediate") ? MAIL_TLS_IMMEDIATE
                                                       : MAIL_TLS_NONE;
    settings->verify = !verify || strcmp(verify, "false") != 0;
    settings->timeout = number(smtp, "timeout", 30);
    if (asprintf(&settings->url, "%s://%s%s%s:%u/%s",
                 settings->tls == MAIL_TLS_IMMEDIATE ? "smtps" : "smtp", v6 ? "[" : "", server,
                 v6 ? "]" : "", number(smtp, "port", 25), helo ? helo : host) < 0)
        settings->url = NULL;
    return settings->url && copy(smtp, "ca-file", NULL, &settings->ca_file) &&
           copy(smtp, "username", NULL, &settings->username) &&
           copy(smtp, "password-file", NULL, &settings->password_file);
}

static enum outcome set_general(struct mail_settings *settings, const struct lyd_node *mail,
                                struct error *err)
{
    char host[256] = "localhost", from[300];
    const struct lyd_node *smtp = mail ? child_node(mail, "smtp") : NULL;
    gethostname(host, sizeof(host) - 1);
    snprintf(from, sizeof(from), "noria@%s", host);
    settings->delay = number(mail, "delay", 5);
    bool whole = copy(mail, "from", from, &settings->from) &&
                 copy(mail, "node-name", host, &settings->node) &&
                 copy(mail, "sendmail/program", "/usr/sbin/sendmail", &settings->program) &&
                 (!smtp || !leaf_value(smtp, "server") || set_server(settings, smtp, host));
    return whole ? DONE : fail_memory(err);
}

static enum outcome fill(struct mail_settings *settings, const struct schema *schema,
                         const struct snapshot *snapshot, struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, MAIL);
    const struct unit *list = schema_unit_find(schema, MAIL "/recipient");
    const struct entry *entry = unit ? snapshot_find(snapshot, unit, "") : NULL;
    const char *enabled = entry ? leaf_value(entry->node, "enabled") : NULL;
    size_t count = 0, first = list ? snapshot_range(snapshot, list, &count) : 0;
    enum outcome outcome = set_general(settings, entry ? entry->node : NULL, err);
    settings->recipients = calloc(count + 1, sizeof(*settings->recipients));
    if (!settings->recipients)
        return fail_memory(err);
    if (enabled && !strcmp(enabled, "false"))
        count = 0;
    for (size_t i = first; i < first + count && outcome == DONE; i++)
        outcome = add_recipient(settings, snapshot->entries[i]->node, err);
    return outcome;
}

enum outcome mail_settings_new(const struct schema *schema, const struct snapshot *snapshot,
                               struct mail_settings **settings, struct error *err)
{
    struct mail_settings *made = calloc(1, sizeof(*made));
    if (!made)
        return fail_memory(err);
    atomic_init(&made->refs, 1);
    enum outcome outcome = fill(made, schema, snapshot, err);
    if (outcome == DONE)
        *settings = made;
    else
        mail_settings_unref(made);
    return outcome;
}

struct mail_settings *mail_settings_ref(struct mail_settings *settings)
{
    atomic_fetch_add(&settings->refs, 1);
    return settings;
}

void mail_settings_unref(struct mail_settings *settings)
{
    if (!settings || atomic_fetch_sub(&settings->refs, 1) != 1)
        return;
    for (size_t i = 0; i < settings->recipient_count; i++) {
        free(settings->recipients[i].name);
        free_values(settings->recipients[i].addresses);
        free_values(settings->recipients[i].servers);
    }
    free(settings->recipients);
    free(settings->from);
    free(settings->node);
    free(settings->program);
    free(settings->url);
    free(settings->ca_file);
    free(settings->username);
    free(settings->password_file);
    free(settings);
}
