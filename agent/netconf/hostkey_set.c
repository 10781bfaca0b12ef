/*
 * Sets of host keys: plain values, read from the configuration and loaded from files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/hostkey.h"

void hostkey_clear(struct hostkey *key)
{
    free(key->name);
    free(key->where);
    free(key->file);
    free(key->line);
    free(key->fingerprint);
    free(key->reason);
    ssh_key_free(key->key);
}

void hostkey_set_free(struct hostkey_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        hostkey_clear(&set->all[i]);
    free(set->all);
    *set = (struct hostkey_set){0};
}

/* What the configuration says. */

static enum hostkey_algorithm algorithm_named(const char *name)
{
    enum hostkey_algorithm algorithm = HOSTKEY_ED25519;
    while (algorithm < HOSTKEY_ALGORITHMS && strcmp(name, hostkey_algorithm_names[algorithm]))
        algorithm++;
    return algorithm;
}

static enum outcome set_names(struct hostkey *key, const char *state_dir, const char *name,
                              const char *file, struct error *err)
{
    key->name = strdup(name);
    key->made = !file;
    if ((file ? asprintf(&key->file, "%s/host-keys/%s", state_dir, file)
              : asprintf(&key->file, "%s/ssh_host_%s_key", state_dir, name)) < 0)
        key->file = NULL;
    return key->name && key->file ? DONE : fail_memory(err);
}

enum outcome hostkey_set_read_own(const char *state_dir, struct hostkey_set *set, struct error *err)
{
    enum outcome outcome = DONE;
    *set = (struct hostkey_set){.all = calloc(2, sizeof(*set->all))};
    if (!set->all)
        return fail_memory(err);
    for (enum hostkey_algorithm a = HOSTKEY_ED25519; a <= HOSTKEY_ECDSA && outcome == DONE; a++) {
        struct hostkey *key = &set->all[set->count++];
        key->algorithm = a;
        outcome = set_names(key, state_dir, hostkey_algorithm_names[a], NULL, err);
    }
    if (outcome != DONE)
        hostkey_set_free(set);
    return outcome;
}

enum outcome hostkey_read_entry(const char *state_dir, const struct entry *entry,
                                struct hostkey *key, struct error *err)
{
    const char *algorithm = leaf_value(entry->node, "algorithm");
    const char *size = leaf_value(entry->node, "size");
    const char *file = leaf_value(entry->node, "file");
    if (asprintf(&key->where, "%s%s", entry->unit->path, entry->key) < 0) {
        key->where = NULL;
        return fail_memory(err);
    }
    key->bits = size ? atoi(size) : 0;
    key->algorithm = algorithm ? algorithm_named(algorithm) : HOSTKEY_ALGORITHMS;
    if (!file && !algorithm)
        return refuse(err, TAG_MISSING_ELEMENT, key->where,
                      "A size needs an algorithm: name ed25519, ecdsa or rsa.");
    return set_names(key, state_dir, leaf_value(entry->node, "name"), file, err);
}

enum outcome hostkey_set_read(const struct schema *schema, const char *state_dir,
                              const struct snapshot *snapshot, struct hostkey_set *set,
                              struct error *err)
{
    const struct unit *unit = schema_unit_find(schema, "/noria-agent:netconf-server/host-key");
    size_t count, first = snapshot_range(snapshot, unit, &count);
    enum outcome outcome = DONE;
    if (!count)
        return hostkey_set_read_own(state_dir, set, err);
    *set = (struct hostkey_set){.all = calloc(count, sizeof(*set->all))};
    if (!set->all)
        return fail_memory(err);
    for (size_t i = 0; i < count && outcome == DONE; i++)
        outcome = hostkey_read_entry(state_dir, snapshot->entries[first + i],
                                     &set->all[set->count++], err);
    if (outcome != DONE)
        hostkey_set_free(set);
    return outcome;
}

static bool same_texts(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static bool same_key(const struct hostkey *a, const struct hostkey *b)
{
    return !strcmp(a->name, b->name) && !strcmp(a->file, b->file) && a->made == b->made &&
           a->bits == b->bits && same_texts(a->where, b->where) &&
           (!a->made || a->algorithm == b->algorithm);
}

bool hostkey_set_same(const struct hostkey_set *a, const struct hostkey_set *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; i < a->count && same; i++)
        same = same_key(&a->all[i], &b->all[i]);
    return same;
}

/* Keys from files. A set that is loaded belongs to nobody else yet. */

static enum outcome load_key(struct hostkey *key, struct error *err)
{
    enum outcome outcome;
    if (key->made && access(key->file, F_OK) && errno == ENOENT) {
        outcome = hostkey_make(key->algorithm, key->bits, &key->key, err);
        key->fresh = true;
    } else {
        outcome = hostkey_read(key->file, key->where, &key->key, err);
    }
    if (outcome != DONE)
        return outcome;
    enum hostkey_algorithm algorithm = hostkey_algorithm_of(key->key);
    if (key->made && algorithm != key->algorithm)
        return refuse(err, TAG_INVALID_VALUE, key->where,
                      "There is a host key %s already, and it is of %s: take another name for one "
                      "of %s, or remove the file.",
                      key->file, hostkey_algorithm_names[algorithm],
                      hostkey_algorithm_names[key->algorithm]);
    key->algorithm = algorithm;
    return hostkey_describe(key->key, &key->line, &key->fingerprint, err);
}

static const struct hostkey *find_algorithm(const struct hostkey_set *set,
                                            const struct hostkey *wanted)
{
    for (const struct hostkey *key = set->all; key < wanted; key++)
        if (key->key && key->algorithm == wanted->algorithm)
            return key;
    return NULL;
}

static enum outcome load_in_set(const struct hostkey_set *set, struct hostkey *key,
                                struct error *err)
{
    enum outcome outcome = load_key(key, err);
    const struct hostkey *other = outcome == DONE ? find_algorithm(set, key) : NULL;
    if (other)
        outcome = refuse(err, TAG_INVALID_VALUE, key->where,
                         "The host keys %s and %s are both of %s: a server has one of each "
                         "algorithm, so delete one.",
                         other->name, key->name, hostkey_algorithm_names[key->algorithm]);
    return outcome;
}

enum outcome hostkey_set_load(struct hostkey_set *set, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < set->count && outcome == DONE; i++)
        outcome = load_in_set(set, &set->all[i], err);
    return outcome;
}

enum outcome hostkey_set_write(const char *folder, struct hostkey_set *set, struct error *err)
{
    enum outcome outcome = DONE;
    for (size_t i = 0; i < set->count && outcome == DONE; i++) {
        struct hostkey *key = &set->all[i];
        if (!key->key || !key->fresh)
            continue;
        outcome = hostkey_write(key->key, folder, key->file, err);
        if (outcome == DONE)
            log_notice(AREA_SSH, "made the host key %s, %s", key->file, key->fingerprint);
    }
    return outcome;
}

enum outcome hostkey_set_bind(const struct hostkey_set *set, ssh_bind *bind, struct error *err)
{
    bool own_settings = false; /* not those of /etc/ssh */
    *bind = ssh_bind_new();
    if (!*bind || ssh_bind_options_set(*bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &own_settings) < 0)
        return fail_memory(err);
    for (size_t i = 0; i < set->count; i++) {
        ssh_key copy = set->all[i].key ? ssh_key_dup(set->all[i].key) : NULL;
        if (!set->all[i].key)
            continue;
        if (!copy)
            return fail_memory(err);
        if (ssh_bind_options_set(*bind, SSH_BIND_OPTIONS_IMPORT_KEY, copy) < 0) {
            ssh_key_free(copy);
            return fail(err, TAG_OPERATION_FAILED, set->all[i].where,
                        "libssh does not take the host key %s.", set->all[i].file);
        }
    }
    return DONE;
}

size_t hostkey_set_load_some(struct hostkey_set *set)
{
    size_t usable = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct hostkey *key = &set->all[i];
        struct error err = {0};
        if (load_in_set(set, key, &err) == DONE) {
            usable++;
        } else {
            log_error(AREA_SSH, "the host key %s is not used: %s", key->name, err.message);
            key->reason = strdup(err.message ? err.message : "out of memory");
            ssh_key_free(key->key);
            key->key = NULL;
        }
        error_clear(&err);
    }
    return usable;
}
