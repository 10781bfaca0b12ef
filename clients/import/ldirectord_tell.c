/*
 * What ldirectord tells: e-mail, and the command that is run while no real server is left.
 */
#include <stdlib.h>
#include <string.h>

#include "clients/import/ldirectord.h"

/* Of the settings of all. */
#define RECIPIENT "ldirectord"

static void take_command(struct import *import, const struct section *section,
                         struct lyd_node *server)
{
    const struct setting *command = ldirectord_setting(section, "fallbackcommand");
    if (!command)
        return;
    if (*command->value != '/') {
        import_left(import, command->place, "fallbackcommand: the program needs its whole path");
        return;
    }
    if (strpbrk(command->value, "|&;<>()$`\\*?["))
        import_left(import, command->place,
                    "fallbackcommand: there is no shell; look at %s, or call sh -c",
                    command->value);
    struct lyd_node *health =
        import_container(import, command->place, server, "noria-health:health");
    import_leaf(import, command->place, health, "fallback-command", command->value);
}

/* "a@example.org, b@example.org" */
static void set_addresses(struct import *import, const struct setting *setting,
                          struct lyd_node *recipient)
{
    char *copy = import_need(strdup(setting->value)), *rest = copy, *word;
    while ((word = strsep(&rest, ", \t")))
        if (*word)
            import_leaf(import, setting->place, recipient, "address", word);
    free(copy);
}

static struct lyd_node *find_recipient(const struct lyd_node *mail, const char *name)
{
    struct lyd_node *child;
    LY_LIST_FOR(lyd_child(mail), child)
    {
        if (!strcmp(child->schema->name, "recipient") &&
            !strcmp(lyd_get_value(lyd_child(child)), name))
            return child;
    }
    return NULL;
}

static bool is_own(const struct section *section, const struct setting *setting)
{
    return setting >= section->settings && setting < section->settings + section->count;
}

/* One of several words with commas between them. */
static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);
    for (; *words; words += strcspn(words, ", \t"), words += strspn(words, ", \t"))
        if (!strncmp(words, word, length) && strchr(", \t", words[length]))
            return true;
    return false;
}

/* In which of its states ldirectord tells; Noria has none. @return Whether anything is told. */
static bool tells(struct import *import, const struct section *section)
{
    const struct setting *states = ldirectord_setting(section, "emailalertstatus");
    if (!states || has_word(states->value, "all") || has_word(states->value, "running"))
        return true;
    if (has_word(states->value, "none"))
        return false;
    import_left(import, states->place,
                "emailalertstatus: changes are told whenever they happen, also while it runs");
    return true;
}

/* What is said of all e-mail, once; another value of one virtual server is noted. */
static void set_once(struct import *import, const struct setting *setting, struct lyd_node *mail,
                     const char *container, const char *leaf)
{
    const struct lyd_node *above = container ? import_find(mail, container) : mail;
    const struct lyd_node *set = above ? import_find(above, leaf) : NULL;
    char *path = import_text("%s%s%s", container ? container : "", container ? "/" : "", leaf);
    if (setting && set && strcmp(lyd_get_value(set), setting->value) != 0)
        import_left(import, setting->place, "%s: it is one for all e-mail, here %s", setting->key,
                    lyd_get_value(set));
    else if (setting)
        import_leaf(import, setting->place, mail, path, setting->value);
    free(path);
}

static void take_mail(struct import *import, const struct section *section, struct lyd_node *server)
{
    const struct setting *alert = ldirectord_setting(section, "emailalert");
    const struct setting *from = ldirectord_setting(section, "emailalertfrom");
    const struct setting *smtp = ldirectord_setting(section, "smtp");
    const struct setting *again = ldirectord_setting(section, "emailalertfreq");
    const char *name = lyd_get_value(import_find(server, "name"));
    if (!alert || !*alert->value || !tells(import, section))
        return;
    bool own = is_own(section, alert) || (again && is_own(section, again));
    const char *recipient_name = own ? name : RECIPIENT;
    struct lyd_node *mail = import_container(import, alert->place, NULL, "noria-mail:mail");
    struct lyd_node *recipient = find_recipient(mail, recipient_name);
    if (!recipient) {
        recipient = import_entry(import, alert->place, mail, "recipient", recipient_name, NULL);
        if (!recipient)
            return;
        set_addresses(import, alert, recipient);
        if (again)
            import_leaf(import, again->place, recipient, "reminder", again->value);
    }
    /* By name, since others may tell somebody else or nobody. */
    import_leaf(import, alert->place, recipient, "virtual-server", name);
    set_once(import, from, mail, NULL, "from");
    set_once(import, smtp, mail, "smtp", "server");
}

void ldirectord_tell(struct import *import, const struct section *section, struct lyd_node *server)
{
    take_command(import, section, server);
    take_mail(import, section, server);
}
