/*
 * Who may log in: the users of the running configuration, and nobody else.
 *
 * An attempt for a user that does not exist takes the same steps as one for a user that does.
 */
#include <crypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/netconf/internal.h"

/* A hash that no password has: what is computed for users without one. */
#define NO_PASSWORD "$6$rounds=5000$zIvUpT4s0iYqf1Tt$"

static const struct entry *find_user(struct agent *agent, const struct snapshot *running,
                                     const char *user)
{
    const struct unit *unit = schema_unit_find(agent->schema, "/noria-agent:netconf-server/user");
    /* A key with both kinds of quotes in it cannot be written as a predicate. */
    const char *quote = !strchr(user, '\'') ? "'" : !strchr(user, '"') ? "\"" : NULL;
    char *key = NULL;
    if (!unit || !quote || asprintf(&key, "[name=%s%s%s]", quote, user, quote) < 0)
        return NULL;
    const struct entry *entry = snapshot_find(running, unit, key);
    free(key);
    return entry;
}

/* The method that another user's password is hashed by, so that the time tells nothing. */
static const char *some_hash(struct agent *agent, const struct snapshot *running)
{
    const struct unit *unit = schema_unit_find(agent->schema, "/noria-agent:netconf-server/user");
    size_t count, first = unit ? snapshot_range(running, unit, &count) : 0;
    for (size_t i = first; unit && i < first + count; i++) {
        const char *hash = leaf_value(running->entries[i]->node, "password");
        if (hash)
            return hash;
    }
    return NO_PASSWORD;
}

/* Whether two strings are equal, in a time that does not say how far they are. */
static bool same_secret(const char *a, const char *b)
{
    size_t length = strlen(a);
    unsigned difference = 0;
    if (length != strlen(b))
        return false;
    for (size_t i = 0; i < length; i++)
        difference |= (unsigned char)a[i] ^ (unsigned char)b[i];
    return !difference;
}

bool auth_password(struct agent *agent, const char *user, const char *password)
{
    struct snapshot *running = agent_running(agent);
    struct crypt_data *work = calloc(1, sizeof(*work));
    const struct entry *entry = find_user(agent, running, user);
    const char *hash = entry ? leaf_value(entry->node, "password") : NULL;
    const char *computed =
        work ? crypt_r(password, hash ? hash : some_hash(agent, running), work) : NULL;
    /* What crypt(3) cannot do yields "*0" or "*1", which is no hash. */
    bool right = computed && computed[0] != '*' && hash && same_secret(computed, hash);
    if (work)
        explicit_bzero(work, sizeof(*work));
    free(work);
    snapshot_unref(running);
    return right;
}

/* Whether a key is that of a line "type base64 [comment]". */
static bool is_key_of_line(const char *line, ssh_key key)
{
    char type[64];
    size_t length = strcspn(line, " ");
    if (!line[length] || length >= sizeof(type))
        return false;
    memcpy(type, line, length);
    type[length] = '\0';
    char *blob = strndup(line + length + 1, strcspn(line + length + 1, " "));
    ssh_key known = NULL;
    bool same =
        blob &&
        ssh_pki_import_pubkey_base64(blob, ssh_key_type_from_name(type), &known) == SSH_OK &&
        !ssh_key_cmp(key, known, SSH_KEY_CMP_PUBLIC);
    ssh_key_free(known);
    free(blob);
    return same;
}

bool auth_key(struct agent *agent, const char *user, ssh_key key)
{
    struct snapshot *running = agent_running(agent);
    const struct entry *entry = find_user(agent, running, user);
    const struct lyd_node *child;
    bool known = false;
    LY_LIST_FOR(entry ? lyd_child(entry->node) : NULL, child)
    {
        if (!strcmp(LYD_NAME(child), "authorized-key"))
            known = known || is_key_of_line(lyd_get_value(child), key);
    }
    snapshot_unref(running);
    return known;
}
