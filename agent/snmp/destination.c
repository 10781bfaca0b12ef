/*
 * Destinations.
 */
#include "agent/snmp/destination.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/log.h"
#include "agent/snmp/settings.h"
#include "agent/snmp/usm.h"

#define MICROSECONDS 1000000L

enum outcome snmp_destination_read(struct snmp_destination *destination,
                                   const struct lyd_node *node, struct error *err)
{
    const char *address = leaf_value(node, "address"), *port = leaf_value(node, "port");
    const char *type = leaf_value(node, "type");
    const struct lyd_node *remote = child_node(node, "remote-user");
    bool v6 = address && strchr(address, ':');
    *destination = (struct snmp_destination){0};
    if (!leaf_copy(node, "name", &destination->name) ||
        !leaf_copy(node, "community", &destination->community) ||
        !leaf_copy(node, "user", &destination->user) ||
        asprintf(&destination->spec, "udp%s:%s%s%s:%s", v6 ? "6" : "", v6 ? "[" : "", address,
                 v6 ? "]" : "", port) < 0)
        return fail_memory(err);
    if (remote && snmp_user_read(&destination->remote, remote, err) != DONE)
        return FAILED;
    snmp_engine_id_read(leaf_value(node, "remote-user/engine-id"), &destination->engine);
    destination->inform = type && !strcmp(type, "inform");
    destination->timeout = (unsigned)strtoul(leaf_value(node, "timeout"), NULL, 10);
    destination->retries = (unsigned)strtoul(leaf_value(node, "retries"), NULL, 10);
    return DONE;
}

static bool is_same_key(const struct snmp_key *a, const struct snmp_key *b)
{
    return a->length == b->length && !memcmp(a->octets, b->octets, a->length);
}

/* Whether two are one user for Net-SNMP, which has room for the keys of one alone. */
static bool is_at_odds(const struct snmp_destination *a, const struct snmp_destination *b)
{
    const char *one = a->remote.hash ? a->remote.hash : "";
    const char *other = b->remote.hash ? b->remote.hash : "";

    return a->remote.name && b->remote.name && !strcmp(a->remote.name, b->remote.name) &&
           snmp_engine_id_is(&a->engine, &b->engine) &&
           (strcmp(one, other) != 0 || !is_same_key(&a->remote.auth, &b->remote.auth) ||
            !is_same_key(&a->remote.privacy, &b->remote.privacy));
}

static enum outcome refuse_user(const struct snmp_destination *destination, const char *message,
                                struct error *err)
{
    char quote = strchr(destination->name, '\'') ? '"' : '\'', *path;

    if (asprintf(&path, "/noria-agent:snmp-agent/target[name=%c%s%c]/remote-user/engine-id", quote,
                 destination->name, quote) < 0)
        path = NULL;
    refuse(err, TAG_INVALID_VALUE, path, "%s", message);
    free(path);
    return REFUSED;
}

enum outcome snmp_destinations_check(const struct snmp_settings *settings,
                                     const struct snmp_engine_id *id, struct error *err)
{
    for (size_t i = 0; i < settings->destination_count; i++) {
        const struct snmp_destination *at = &settings->destinations[i];
        if (at->remote.name && snmp_engine_id_is(&at->engine, id))
            return refuse_user(at,
                               "This is the agent's own engine: name the target's, whose "
                               "snmpEngineID says it.",
                               err);
        for (size_t j = 0; j < i; j++)
            if (is_at_odds(at, &settings->destinations[j]))
                return refuse_user(at,
                                   "Another target has the same user of the same engine, with "
                                   "other keys: one of them is wrong.",
                                   err);
    }
    return DONE;
}

void snmp_destination_clear(struct snmp_destination *destination)
{
    free(destination->name);
    free(destination->spec);
    if (destination->community)
        explicit_bzero(destination->community, strlen(destination->community));
    free(destination->community);
    free(destination->user);
    snmp_user_clear(&destination->remote);
    *destination = (struct snmp_destination){0};
}

static int level_of(const struct snmp_user *user)
{
    return user->privacy.length ? SNMP_SEC_LEVEL_AUTHPRIV
           : user->auth.length  ? SNMP_SEC_LEVEL_AUTHNOPRIV
                                : SNMP_SEC_LEVEL_NOAUTH;
}

static const struct snmp_user *user_of(const struct snmp_destination *destination,
                                       const struct snmp_settings *settings)
{
    if (destination->remote.name)
        return &destination->remote;
    return destination->user
               ? snmp_settings_user(settings, destination->user, strlen(destination->user))
               : NULL;
}

char *snmp_destination_identity(const struct snmp_destination *destination,
                                const struct snmp_settings *settings)
{
    const struct snmp_user *user = user_of(destination, settings);
    char engine[2 * SNMP_ENGINE_ID_MAX + 1] = "", *text = NULL;

    for (size_t i = 0; i < destination->engine.length; i++)
        snprintf(engine + 2 * i, 3, "%02x", destination->engine.octets[i]);
    if (asprintf(&text, "%s\n%s\n%d %u %u\n%s\n%d %s\n%s", destination->name, destination->spec,
                 destination->inform, destination->timeout, destination->retries, engine,
                 user ? level_of(user) : 0, user ? user->name : "",
                 destination->community ? destination->community : "") < 0)
        return NULL;
    return text;
}

/*
 * Of a trap the sender is authoritative (RFC 3414, 1.5.1): it is sent with our own user. Of an
 * inform it is the receiver, whose clock is learned from its first answer.
 */
static void set_user(netsnmp_session *session, const struct snmp_user *user,
                     const struct snmp_engine_id *id, const struct snmp_engine_id *authoritative)
{
    session->version = SNMP_VERSION_3;
    session->securityModel = SNMP_SEC_MODEL_USM;
    session->securityName = user->name;
    session->securityNameLen = strlen(user->name);
    session->securityLevel = level_of(user);
    session->contextEngineID = (unsigned char *)id->octets;
    session->contextEngineIDLen = id->length;
    session->securityEngineID = (unsigned char *)authoritative->octets;
    session->securityEngineIDLen = authoritative->length;
    session->isAuthoritative =
        authoritative == id ? SNMP_SESS_AUTHORITATIVE : SNMP_SESS_NONAUTHORITATIVE;
    session->flags |= SNMP_FLAGS_DONT_PROBE;
}

netsnmp_session *snmp_destination_open(const struct snmp_destination *destination,
                                       const struct snmp_settings *settings,
                                       const struct snmp_engine_id *id)
{
    netsnmp_session session;
    snmp_sess_init(&session);
    session.peername = destination->spec;
    session.timeout = (long)destination->timeout * MICROSECONDS;
    session.retries = (int)destination->retries;
    if (destination->community) {
        session.version = SNMP_VERSION_2c;
        session.community = (unsigned char *)destination->community;
        session.community_len = strlen(destination->community);
    } else {
        const struct snmp_user *user = user_of(destination, settings);
        if (!user)
            return NULL;
        set_user(&session, user, id, destination->remote.name ? &destination->engine : id);
    }
    netsnmp_session *opened = snmp_open(&session);
    if (!opened)
        log_error(AREA_SNMP, "notifications cannot be sent to %s (%s): %s", destination->name,
                  destination->spec, snmp_api_errstring(session.s_snmp_errno));
    return opened;
}
