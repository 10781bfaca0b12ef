/*
 * What the checkers of database servers are told alike. Core thread.
 */
#ifndef NORIA_HEALTH_SQL_LOGIN_H
#define NORIA_HEALTH_SQL_LOGIN_H

#include <libyang/libyang.h>
#include <stdbool.h>

#include "agent/outcome.h"

/** A login, and a query; texts are owned, and NULL where nothing is said. */
struct sql_login {
    char *username, *password, *database, *query;
    bool tls, verify;
    char *server_name, *ca_file, *certificate_file, *key_file;
};

/** Read one; what it owns is to be freed even if that fails. */
enum outcome sql_login_read(struct sql_login *login, const struct lyd_node *config,
                            struct error *err);

/** Free what it owns. */
void sql_login_clear(struct sql_login *login);

#endif
