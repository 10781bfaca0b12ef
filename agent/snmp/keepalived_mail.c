/*
 * KEEPALIVED-MIB: the mail group and emailTable.
 */
#include "agent/snmp/keepalived_mail.h"

#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/mail/settings.h"
#include "agent/snmp/keepalived.h"

/* What is looked at while rows are filled, or NULL. */
static struct mail_settings *settings;

void keepalived_mail_look(const struct schema *schema, const struct snapshot *running)
{
    struct error err = {0};

    mail_settings_unref(settings);
    settings = NULL;
    if (running && mail_settings_new(schema, running, &settings, &err) != DONE)
        log_error(AREA_SNMP, "who gets e-mail is not known: %s", error_message(&err));
    error_clear(&err);
}

static bool has_name(char *const *names, const char *name)
{
    while (*names && (!name || strcmp(*names, name) != 0))
        names++;
    return *names;
}

/* Whether somebody is told of a kind of event; of a virtual server, or of all if it has no name. */
static bool tells(unsigned kinds, const char *name)
{
    for (size_t i = 0; settings && i < settings->recipient_count; i++) {
        const struct mail_recipient *recipient = &settings->recipients[i];
        if (recipient->kinds & kinds &&
            (!*recipient->servers || has_name(recipient->servers, name)))
            return true;
    }
    return false;
}

bool keepalived_mail_of_quorum(const struct lyd_node *virtual_server, struct snmp_value *value)
{
    value->number = tells(MAIL_QUORUM, leaf_value(virtual_server, "name")) ? 1 : 2;
    return true;
}

bool keepalived_mail_of_server(const struct lyd_node *server, struct snmp_value *value)
{
    value->number = tells(MAIL_REAL_SERVER, leaf_value(lyd_parent(server), "name")) ? 1 : 2;
    return true;
}

/* What holds where nothing else is said: on(1), off(2), unset(3). */
static bool by_default(unsigned kinds, struct snmp_value *value)
{
    value->number = !settings || !settings->recipient_count ? 3 : tells(kinds, NULL) ? 1 : 2;
    return true;
}

static bool alert_vrrp(const struct lyd_node *mail, struct snmp_value *value)
{
    return by_default(MAIL_VRRP, value);
}

static bool alert_checker(const struct lyd_node *mail, struct snmp_value *value)
{
    return by_default(MAIL_QUORUM | MAIL_REAL_SERVER, value);
}

static bool unset(const struct lyd_node *mail, struct snmp_value *value)
{
    value->number = 3;
    return true;
}

/* --- the mail server --- */

/* InetAddressType (RFC 4001): unknown(0), ipv4(1), ipv6(2), dns(16); and the address. */
static bool take_server(const struct lyd_node *mail, struct snmp_value *value)
{
    const char *server = leaf_value(mail, "smtp/server");

    value->length = value->number = 0;
    if (!server || snmp_address(server, value))
        return true;
    value->number = 16;
    value->length = strnlen(server, SNMP_TEXT_MAX);
    memcpy(value->text, server, value->length);
    return true;
}

static const struct snmp_column scalars[] = {
    {1, READ_ONLY, KIND_INTEGER, NULL, NULL, take_server},
    {2, READ_ONLY, KIND_STRING, NULL, NULL, take_server},
    {3, READ_ONLY, KIND_UNSIGNED, "smtp/timeout", NULL, keepalived_zero},
    {4, READ_ONLY, KIND_STRING, "from", NULL, NULL},
    {6, READ_ONLY, KIND_UNSIGNED, "smtp/port", NULL, keepalived_zero},
    {7, READ_ONLY, KIND_INTEGER, NULL, NULL, keepalived_one}, /* of faults as of other states */
    {8, READ_ONLY, KIND_INTEGER, NULL, NULL, unset},
    {9, READ_ONLY, KIND_INTEGER, NULL, NULL, alert_vrrp},
    {10, READ_ONLY, KIND_INTEGER, NULL, NULL, alert_checker},
};

const struct snmp_table keepalived_mail = {
    .name = "keepalivedMail",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {1, 3},
    .oid_length = 2,
    .row = "/noria-mail:mail",
    .look = keepalived_mail_look,
    .columns = scalars,
    .column_count = sizeof(scalars) / sizeof(*scalars),
};

/* --- addresses --- */

/* So many numbers are a recipient's. */
#define ADDRESSES_MAX 1000

static uint32_t number(const struct entry *recipient, const struct lyd_node *address)
{
    const struct lyd_node *at = lyd_child(lyd_parent(address));
    uint32_t place = 1;

    for (; at && at != address; at = at->next)
        place += at->schema == address->schema;
    if (!recipient || !recipient->number || place >= ADDRESSES_MAX ||
        recipient->number > INT32_MAX / ADDRESSES_MAX)
        return 0;
    return (recipient->number - 1) * ADDRESSES_MAX + place;
}

static const struct snmp_column addresses[] = {
    {2, READ_ONLY, KIND_STRING, ".", NULL, NULL},
};

const struct snmp_table keepalived_email_table = {
    .name = "emailTable",
    .root = keepalived_mib,
    .root_length = KEEPALIVED_MIB_LENGTH,
    .oid = {1, 3, 5},
    .oid_length = 3,
    .index_count = 1,
    .row = "/noria-mail:mail/recipient/address",
    .number = number,
    .columns = addresses,
    .column_count = sizeof(addresses) / sizeof(*addresses),
};
