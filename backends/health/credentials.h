/*
 * Names, passwords and certificates of checks. Core thread.
 */
#ifndef NORIA_HEALTH_CREDENTIALS_H
#define NORIA_HEALTH_CREDENTIALS_H

#include <curl/curl.h>
#include <libyang/libyang.h>

#include "agent/outcome.h"

/** Room for a secret, with its ending zero. */
#define SECRET_SIZE 256

/**
 * Read a secret: a leaf of the configuration, or the first line of a file that another leaf names.
 * @param[out] secret "" if there is neither. To be overwritten by its reader.
 * @return Refuses a file that cannot be read.
 */
enum outcome credentials_secret(const struct lyd_node *config, const char *leaf,
                                const char *file_leaf, char secret[SECRET_SIZE], struct error *err);

/** Set the user and the password of a transfer. */
enum outcome credentials_set_login(CURL *easy, const struct lyd_node *config, struct error *err);

/** Set what is checked of the server's certificate, and the one that is shown (grouping tls). */
void credentials_set_tls(CURL *easy, const struct lyd_node *config);

/** Overwrite and free a secret; NULL is legal. */
void credentials_free(char *secret);

#endif
