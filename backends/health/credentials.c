#include "backends/health/credentials.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/check.h"

#define PASSWORD_SIZE 256

static void set_text(CURL *easy, CURLoption option, const struct lyd_node *config, const char *leaf)
{
    const char *value = leaf_value(config, leaf);
    if (value)
        curl_easy_setopt(easy, option, value);
}

/* The first line of a file. @return Whether there is one. */
static bool read_password(const char *path, char password[PASSWORD_SIZE])
{
    FILE *file = fopen(path, "re");
    bool read = file && fgets(password, PASSWORD_SIZE, file);
    if (file)
        fclose(file);
    if (read)
        password[strcspn(password, "\r\n")] = '\0';
    return read;
}

enum outcome credentials_set_login(CURL *easy, const struct lyd_node *config, struct error *err)
{
    const char *path = leaf_value(config, "password-file");
    char password[PASSWORD_SIZE];
    set_text(easy, CURLOPT_USERNAME, config, "username");
    if (!path)
        return DONE;
    if (!read_password(path, password))
        return check_refuse(config, "password-file", err, "No password can be read from %s.", path);
    curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof(password));
    return DONE;
}

void credentials_set_tls(CURL *easy, const struct lyd_node *config)
{
    const char *value = leaf_value(config, "verify");
    long verify = value && !strcmp(value, "true");
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, verify);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, verify * 2);
    set_text(easy, CURLOPT_CAINFO, config, "ca-file");
    set_text(easy, CURLOPT_SSLCERT, config, "certificate-file");
    set_text(easy, CURLOPT_SSLKEY, config, "key-file");
}
