/*
 * What keepalived's statements mean: the parts of the import, and what they share.
 */
#ifndef NORIA_IMPORT_KEEPALIVED_H
#define NORIA_IMPORT_KEEPALIVED_H

#include "clients/import/keepalived_read.h"

/** What statements of one block are read with. */
struct reading {
    struct import *import;
    const struct statement *all; /**< All statements of the file. */
    struct lyd_node *node;       /**< What the block is about. */
    const struct statement *block;
    const void *more; /**< What else the block's own functions need. */
};

/** A keyword of a block. The first of these that is set says what becomes of it. */
struct keyword {
    const char *name;
    const char *leaf;  /**< Takes the argument. */
    const char *value; /**< Instead of an argument; "bool": true without one, or what it says. */
    void (*take)(const struct reading *reading, const struct statement *statement);
    const char *why; /**< Why it is left out; "": nothing is lost, it is dealt with elsewhere. */
};

/** Go through a block's statements; an unknown one is noted. The table ends with a name of NULL. */
void keywords_take(const struct reading *reading, const struct keyword *keywords);

/** The last statement with a keyword among these, or NULL. @param other Its synonym, or NULL. */
const struct statement *statement_find(const struct statement *first, const char *keyword,
                                       const char *other);

/** The last setting of all with a keyword, in any global_defs; or NULL. */
const struct statement *keepalived_global(const struct statement *all, const char *keyword);

/** The word after the keyword, or NULL. */
const char *statement_argument(const struct statement *statement);

/** What a switch says: absent is fallback, without an argument it is on. */
bool statement_on(const struct statement *statement, bool fallback);

/** All words from one on, with blanks between them. @return To be freed. */
char *statement_rest(const struct statement *statement, size_t from);

/* The blocks. */
void keepalived_settings(struct import *import, const struct statement *all,
                         const struct statement *statement);
void keepalived_virtual_server(struct import *import, const struct statement *all,
                               const struct statement *statement);
void keepalived_vrrp(struct import *import, const struct statement *all);

/** A setting outside of all blocks that is left out. */
void keepalived_left(struct import *import, const struct statement *statement);

/** Whether e-mail is sent to anybody. */
bool keepalived_mails(const struct statement *all);

/** E-mail, when all virtual servers are there. */
void keepalived_mail(struct import *import, const struct statement *all);

/** The real server that a statement has become, or NULL. @param server Its virtual server. */
struct lyd_node *keepalived_real(const struct lyd_node *server, const struct statement *statement);

/** The scripts of a virtual server, and those that all its real servers have. @param node Its
 * entry. */
void keepalived_scripts(struct import *import, const struct statement *all,
                        const struct statement *server, struct lyd_node *node);

/** The scripts that its real servers do not have alike. */
void keepalived_own_scripts(struct import *import, const struct statement *all,
                            const struct statement *server, struct lyd_node *node);

/** What is about all of VRRP, and what is static. @param vrrp The container. */
void keepalived_vrrp_globals(struct import *import, const struct statement *all,
                             const struct statement *globals, struct lyd_node *vrrp);

/** Whether that function, or an instance, deals with a setting of all. */
bool keepalived_vrrp_is_global(const char *keyword);

/**
 * Both synchronisation daemons of the director main.
 * @param instance The instance that they follow, as it is named here; NULL: none.
 * @param id Their number; NULL: 0.
 */
void keepalived_sync_daemon(struct import *import, struct place place, const char *interface,
                            const char *instance, const char *id);

/**
 * The checks of a real server.
 * @param server The statement of its virtual server, whose times hold where it has none.
 * @param node The entry of the real server.
 */
void keepalived_checks(struct import *import, const struct statement *all,
                       const struct statement *server, const struct statement *real,
                       struct lyd_node *node);

/** Whether a keyword begins a check. */
bool keepalived_is_check(const char *keyword);

#endif
