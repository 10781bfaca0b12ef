/*
 * Names, passwords and certificates of checks by libcurl. Core thread.
 */
#ifndef NORIA_HEALTH_CREDENTIALS_H
#define NORIA_HEALTH_CREDENTIALS_H

#include <curl/curl.h>
#include <libyang/libyang.h>

#include "agent/outcome.h"

/** Set the user, and the password that is in a file; refuses a file that cannot be read. */
enum outcome credentials_set_login(CURL *easy, const struct lyd_node *config, struct error *err);

/** Set what is checked of the server's certificate, and the one that is shown (grouping tls). */
void credentials_set_tls(CURL *easy, const struct lyd_node *config);

#endif
