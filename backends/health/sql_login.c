#include "backends/health/sql_login.h"

#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/check.h"
#include "backends/health/credentials.h"

static bool is_true(const struct lyd_node *config, const char *leaf)
{
    const char *value = leaf_value(config, leaf);
    return value && !strcmp(value, "true");
}

/* @return Whether there was memory. */
static bool copy_texts(struct sql_login *login, const struct lyd_node *config)
{
    const struct {
        const char *leaf;
        char **to;
    } texts[] = {
        {"username", &login->username}, {"database", &login->database},
        {"query", &login->query},       {"server-name", &login->server_name},
        {"ca-file", &login->ca_file},   {"certificate-file", &login->certificate_file},
        {"key-file", &login->key_file},
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        const char *value = leaf_value(config, texts[i].leaf);
        if (value && !(*texts[i].to = strdup(value)))
            return false;
    }
    return true;
}

enum outcome sql_login_read(struct sql_login *login, const struct lyd_node *config,
                            struct error *err)
{
    char password[SECRET_SIZE];
    enum outcome outcome = credentials_secret(config, "password", "password-file", password, err);
    if (outcome == DONE && *password && !(login->password = strdup(password)))
        outcome = fail_memory(err);
    explicit_bzero(password, sizeof(password));
    login->tls = is_true(config, "tls");
    login->verify = is_true(config, "verify");
    if (outcome != DONE)
        return outcome;
    return copy_texts(login, config) ? DONE : fail_memory(err);
}

void sql_login_clear(struct sql_login *login)
{
    credentials_free(login->password);
    free(login->username);
    free(login->database);
    free(login->query);
    free(login->server_name);
    free(login->ca_file);
    free(login->certificate_file);
    free(login->key_file);
}
