/*
 * Managers: SNMPv3 users and views, as /noria-agent:snmp-agent configures them.
 *
 * Part of the settings: made on the core thread, constant from then on.
 */
#ifndef NORIA_SNMP_MANAGER_H
#define NORIA_SNMP_MANAGER_H

#include <net-snmp/net-snmp-config.h>

#include <net-snmp/net-snmp-includes.h>

#include "agent/datastore/snapshot.h"

/** The longest localized key: that of SHA-512. */
#define SNMP_KEY_MAX 64

/** Octets of a key for AES-128 (RFC 3826). */
#define SNMP_KEY_AES 16

/** A localized key (RFC 3414, 2.6), a secret. */
struct snmp_key {
    size_t length; /**< 0: there is none. */
    unsigned char octets[SNMP_KEY_MAX];
};

/** A part of the tree of objects; or several, where any number stands for some of its own. */
struct snmp_subtree {
    oid name[MAX_OID_LEN]; /**< 0 where any will do. */
    bool any[MAX_OID_LEN]; /**< The mask (RFC 3415, 5), inverted. */
    size_t length;
    bool excluded;
};

/** A view: what of the tree can be seen (RFC 3415). */
struct snmp_view {
    char *name; /**< Owned. */
    size_t count;
    struct snmp_subtree *subtrees; /**< Owned. */
};

/** A user of SNMPv3 (RFC 3414). */
struct snmp_user {
    char *name; /**< Owned. */
    char *hash; /**< Of the authentication, "sha256"; NULL: none. Owned. */
    struct snmp_key auth, privacy;
    int level;    /**< The least that requests must have, SNMP_SEC_LEVEL_*. */
    char *view;   /**< Name of what it sees; NULL: everything. Owned. */
    char *writer; /**< As whom it writes; NULL: it only reads. Owned. */
};

/** The longest identity of an SNMP engine (RFC 3411). */
#define SNMP_ENGINE_ID_MAX 32

/** The identity of an engine. */
struct snmp_engine_id {
    size_t length; /**< 0: there is none. */
    unsigned char octets[SNMP_ENGINE_ID_MAX];
};

/** Read an engine's identity, "80:00:..."; of none if text is NULL. */
void snmp_engine_id_read(const char *text, struct snmp_engine_id *id);

/** Whether two are the same. */
bool snmp_engine_id_is(const struct snmp_engine_id *a, const struct snmp_engine_id *b);

/** Read a user. On failure it is to be cleared, too. */
enum outcome snmp_user_read(struct snmp_user *user, const struct lyd_node *node, struct error *err);

/** Free what a user owns. */
void snmp_user_clear(struct snmp_user *user);

/** Read a view. On failure it is to be cleared, too. */
enum outcome snmp_view_read(struct snmp_view *view, const struct lyd_node *node, struct error *err);

/** Free what a view owns. */
void snmp_view_clear(struct snmp_view *view);

/** What a view says of an OID and all that is below it. */
enum snmp_sight {
    SIGHT_NONE, /**< Nothing of it is seen. */
    SIGHT_PART, /**< Some of what is below is seen otherwise than the rest. */
    SIGHT_ALL,
};

/**
 * What a view says of an OID: the longest subtree that it is in decides, and of equally long ones
 * the last in the order of OIDs. NULL sees all.
 */
enum snmp_sight snmp_view_sight(const struct snmp_view *view, const oid *name, size_t length);

/** Whether a view has an OID itself, whatever it says of what is below it. */
bool snmp_view_sees(const struct snmp_view *view, const oid *name, size_t length);

#endif
