/*
 * Managers.
 */
#include "agent/snmp/manager.h"

#include <stdlib.h>
#include <string.h>

/* "aa:bb:cc" (RFC 6991, hex-string). */
static void read_key(const char *text, struct snmp_key *key)
{
    for (key->length = 0; text && *text && key->length < SNMP_KEY_MAX; text += *text == ':')
        key->octets[key->length++] = (unsigned char)strtoul(text, (char **)&text, 16);
}

void snmp_engine_id_read(const char *text, struct snmp_engine_id *id)
{
    for (id->length = 0; text && *text && id->length < SNMP_ENGINE_ID_MAX; text += *text == ':')
        id->octets[id->length++] = (unsigned char)strtoul(text, (char **)&text, 16);
}

bool snmp_engine_id_is(const struct snmp_engine_id *a, const struct snmp_engine_id *b)
{
    return a->length == b->length && !memcmp(a->octets, b->octets, a->length);
}

static int level_of(const char *name)
{
    if (!strcmp(name, "no-auth-no-priv"))
        return SNMP_SEC_LEVEL_NOAUTH;
    return !strcmp(name, "auth-no-priv") ? SNMP_SEC_LEVEL_AUTHNOPRIV : SNMP_SEC_LEVEL_AUTHPRIV;
}

enum outcome snmp_user_read(struct snmp_user *user, const struct lyd_node *node, struct error *err)
{
    const char *level = leaf_value(node, "security-level");
    *user = (struct snmp_user){0};
    if (!leaf_copy(node, "name", &user->name) || !leaf_copy(node, "auth/protocol", &user->hash) ||
        !leaf_copy(node, "view", &user->view) || !leaf_copy(node, "write-as", &user->writer))
        return fail_memory(err);
    read_key(leaf_value(node, "auth/key"), &user->auth);
    read_key(leaf_value(node, "privacy/key"), &user->privacy);
    user->level = level_of(level ? level : "auth-priv");
    return DONE;
}

void snmp_user_clear(struct snmp_user *user)
{
    free(user->name);
    free(user->hash);
    free(user->view);
    free(user->writer);
    explicit_bzero(user, sizeof(*user));
}

/* Views. */

/* "1.3.6.*.4" (RFC 7407, wildcard-object-identifier). */
static bool read_oid(const char *text, struct snmp_subtree *subtree)
{
    while (*text && subtree->length < MAX_OID_LEN) {
        size_t at = subtree->length++;
        subtree->any[at] = *text == '*';
        if (subtree->any[at])
            text++;
        else
            subtree->name[at] = strtoul(text, (char **)&text, 10);
        text += *text == '.';
    }
    return subtree->length > 0;
}

enum outcome snmp_view_read(struct snmp_view *view, const struct lyd_node *node, struct error *err)
{
    const struct lyd_node *child;
    size_t count = 0;
    *view = (struct snmp_view){0};
    LY_LIST_FOR(lyd_child(node), child)
    count++;
    view->subtrees = calloc(count + 1, sizeof(*view->subtrees));
    if (!view->subtrees || !leaf_copy(node, "name", &view->name))
        return fail_memory(err);
    LY_LIST_FOR(lyd_child(node), child)
    {
        struct snmp_subtree *subtree = &view->subtrees[view->count];
        subtree->excluded = !strcmp(LYD_NAME(child), "exclude");
        if ((subtree->excluded || !strcmp(LYD_NAME(child), "include")) &&
            read_oid(lyd_get_value(child), subtree))
            view->count++;
    }
    return DONE;
}

void snmp_view_clear(struct snmp_view *view)
{
    free(view->name);
    free(view->subtrees);
    *view = (struct snmp_view){0};
}

/* Whether an OID is the begin of a subtree's, or in it. */
static bool meets(const struct snmp_subtree *subtree, const oid *name, size_t length)
{
    for (size_t i = 0; i < length && i < subtree->length; i++)
        if (!subtree->any[i] && subtree->name[i] != name[i])
            return false;
    return true;
}

/* Whether the first of two subtrees decides where both have an OID. */
static bool outdoes(const struct snmp_subtree *a, const struct snmp_subtree *b)
{
    if (!b || a->length != b->length)
        return !b || a->length > b->length;
    int order = snmp_oid_compare(a->name, a->length, b->name, b->length);
    return order > 0 || (order == 0 && a->excluded);
}

bool snmp_view_sees(const struct snmp_view *view, const oid *name, size_t length)
{
    const struct snmp_subtree *nearest = NULL;
    for (size_t i = 0; view && i < view->count; i++) {
        const struct snmp_subtree *at = &view->subtrees[i];
        if (at->length <= length && meets(at, name, length) && outdoes(at, nearest))
            nearest = at;
    }
    return !view || (nearest && !nearest->excluded);
}

enum snmp_sight snmp_view_sight(const struct snmp_view *view, const oid *name, size_t length)
{
    bool seen = snmp_view_sees(view, name, length);
    for (size_t i = 0; view && i < view->count; i++) {
        const struct snmp_subtree *at = &view->subtrees[i];
        if (at->length > length && meets(at, name, length) && at->excluded == seen)
            return SIGHT_PART;
    }
    return seen ? SIGHT_ALL : SIGHT_NONE;
}
