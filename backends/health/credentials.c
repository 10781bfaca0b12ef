#include "backends/health/credentials.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/datastore/entry.h"
#include "backends/health/check.h"

static void set_text(CURL *easy, CURLoption option, const struct lyd_node *config, const char *leaf)
{
    const char *value = leaf_value(config, leaf);
    if (value)
        curl_easy_setopt(easy, option, value);
}

/* The first line of a file. @return Whether there is one. */
static bool read_line(const char *path, char line[SECRET_SIZE])
{
    FILE *file = fopen(path, "re");
    bool read = file && fgets(line, SECRET_SIZE, file);
    if (file)
        fclose(file);
    if (read)
        line[strcspn(line, "\r\n")] = '\0';
    return read;
}

enum outcome credentials_secret(const struct lyd_node *config, const char *leaf,
                                const char *file_leaf, char secret[SECRET_SIZE], struct error *err)
{
    const char *text = leaf_value(config, leaf), *path = leaf_value(config, file_leaf);
    secret[0] = '\0';
    if (text)
        snprintf(secret, SECRET_SIZE, "%s", text);
    else if (path && !read_line(path, secret))
        return check_refuse(config, file_leaf, err, "No %s can be read from %s.", leaf, path);
    return DONE;
}

enum outcome credentials_set_login(CURL *easy, const struct lyd_node *config, struct error *err)
{
    char password[SECRET_SIZE];
    enum outcome outcome = credentials_secret(config, "password", "password-file", password, err);
    set_text(easy, CURLOPT_USERNAME, config, "username");
    if (outcome == DONE && (leaf_value(config, "password") || leaf_value(config, "password-file")))
        curl_easy_setopt(easy, CURLOPT_PASSWORD, password);
    explicit_bzero(password, sizeof(password));
    return outcome;
}

void credentials_free(char *secret)
{
    if (secret)
        explicit_bzero(secret, strlen(secret));
    free(secret);
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
