/*
 * Settings: what /noria-mail:mail asks for, in the form that the mailer works with.
 *
 * Made on the core thread and constant from then on; any thread may read them.
 */
#ifndef NORIA_MAIL_SETTINGS_H
#define NORIA_MAIL_SETTINGS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "agent/datastore/snapshot.h"

/** What may be told of: bits. */
enum mail_kind {
    MAIL_REAL_SERVER = 1 << 0,
    MAIL_QUORUM = 1 << 1,
    MAIL_VRRP = 1 << 2,
    MAIL_ORDER = 1 << 3,
    MAIL_ALARM = 1 << 4,
    MAIL_BACKEND = 1 << 5,
    MAIL_SELF_TEST = 1 << 6,
};

/** What a recipient is told who asks for nothing. */
#define MAIL_DEFAULT (MAIL_REAL_SERVER | MAIL_QUORUM | MAIL_VRRP | MAIL_SELF_TEST)

/** Somebody who is told. */
struct mail_recipient {
    char *name;       /**< Owned. */
    char **addresses; /**< Ended by NULL. Owned. */
    unsigned kinds;   /**< Bits of enum mail_kind. */
    char **servers;   /**< Virtual servers, ended by NULL; none: all. Owned. */
    unsigned remind;  /**< Seconds from one reminder to the next; 0: none. */
};

/** Whether a connection is secured. */
enum mail_tls { MAIL_TLS_NONE, MAIL_TLS_STARTTLS, MAIL_TLS_IMMEDIATE };

/** All settings, counted by reference. Texts are owned. */
struct mail_settings {
    atomic_uint refs;
    char *from;
    char *node;     /**< Name of this node in subjects. */
    unsigned delay; /**< Seconds. */
    bool smtp;      /**< By SMTP, else by a program. */
    char *program;
    char *url; /**< Of the mail server, as libcurl has it. */
    enum mail_tls tls;
    bool verify;
    char *ca_file, *username, *password_file; /**< Or NULL. */
    unsigned timeout;                         /**< Seconds. */
    size_t recipient_count;                   /**< 0 where e-mail is off. */
    struct mail_recipient *recipients;        /**< Owned. */
};

/**
 * The settings that a snapshot asks for.
 * @param[out] settings With one reference.
 */
enum outcome mail_settings_new(const struct schema *schema, const struct snapshot *snapshot,
                               struct mail_settings **settings, struct error *err);

/** One more reference. @return The settings. */
struct mail_settings *mail_settings_ref(struct mail_settings *settings);

/** Give a reference back; NULL is legal. */
void mail_settings_unref(struct mail_settings *settings);

#endif
