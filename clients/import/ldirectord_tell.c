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
    if (*command->value != '/' || strpbrk(command->value, " \t")) {
        import_left(import, command->place,
                    "fallbackcommand: Noria runs a program by its path, without more arguments");
        return;
    }
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

static void take_mail(struct import *import, const struct section *section, struct lyd_node *server)
{
    const struct setting *alert = ldirectord_setting(section, "emailalert");
    const struct setting *from = ldirectord_setting(section, "emailalertfrom");
    const struct setting *smtp = ldirectord_setting(section, "smtp");
    const struct setting *again = ldirectord_setting(section, "emailalertfreq");
    const char *name = lyd_get_value(import_find(server, "name"));
    if (!alert || !*alert->value)
        return;
    const char *recipient_name = is_own(section, alert) ? name : RECIPIENT;
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
    if (from)
        import_leaf(import, from->place, mail, "from", from->value);
    if (smtp)
        import_leaf(import, smtp->place, mail, "smtp/server", smtp->value);
}

void ldirectord_tell(struct import *import, const struct section *section, struct lyd_node *server)
{
    take_command(import, section, server);
    take_mail(import, section, server);
}
