#include "agent/mail/reminder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Alarms whose changes are events of a kind, too. All are events of the kind alarm. */
static const struct {
    const char *type;
    enum mail_kind kind;
} kinds[] = {
    {"real-server-down", MAIL_REAL_SERVER},
    {"quorum-lost", MAIL_QUORUM},
    {"vrrp-fault", MAIL_VRRP},
    {"vrrp-split-brain", MAIL_VRRP},
    {"backend-down", MAIL_BACKEND},
};

static unsigned kinds_of(const struct alarm *alarm)
{
    unsigned found = MAIL_ALARM;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (!strcmp(alarm->type, kinds[i].type))
            found |= kinds[i].kind;
    return found;
}

/* Whether an alarm's resource is a virtual server, or part of one, that a recipient has not named.
 */
static bool is_of_others(const struct mail_recipient *recipient, const struct alarm *alarm)
{
    static const char before[] = "/virtual-server[name='";
    const char *found = *recipient->servers ? strstr(alarm->resource, before) : NULL;
    if (!found)
        return false;
    const char *name = found + sizeof(before) - 1;
    for (char **server = recipient->servers; *server; server++) {
        size_t length = strlen(*server);
        if (!strncmp(name, *server, length) && !strncmp(name + length, "']", 2))
            return false;
    }
    return true;
}

bool mail_reminds_of(const struct mail_recipient *recipient, const struct alarm *alarm)
{
    return !alarm->cleared && recipient->kinds & kinds_of(alarm) && !is_of_others(recipient, alarm);
}

static void add(struct mail_digest *digest, const struct alarm *alarm)
{
    char *words = NULL;
    if (asprintf(&words, "%s, still: %s (%s)", alarm->type, alarm_last(alarm)->text,
                 alarm->resource) < 0)
        words = NULL;
    mail_digest_add_words(digest, words, alarm->raised);
}

bool mail_digest_remind(struct mail_digest *digest, const struct mail_recipient *recipient,
                        struct alarm *const *alarms, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (mail_reminds_of(recipient, alarms[i]))
            add(digest, alarms[i]);
    digest->reminder = digest->count > 0;
    return digest->reminder;
}
