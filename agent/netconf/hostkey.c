/*
 * Host keys: made at the first start, kept in the folder of the state.
 *
 * Ed25519 for all that is newer than 2014, ECDSA for clients without it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/log.h"
#include "agent/netconf/internal.h"

/* A kind of host key. */
struct kind {
    const char *file;
    enum ssh_keytypes_e type;
    int bits;
};

static const struct kind kinds[] = {
    {"ssh_host_ed25519_key", SSH_KEYTYPE_ED25519, 0},
    {"ssh_host_ecdsa_key", SSH_KEYTYPE_ECDSA, 256},
};

/* On stable storage before it has its name: a key that clients know must not be lost. */
static enum outcome settle(const char *folder, const char *fresh, const char *path,
                           struct error *err)
{
    int file = open(fresh, O_RDONLY | O_CLOEXEC), parent = -1;
    bool done = file >= 0 && !fchmod(file, 0600) && !fsync(file) && !rename(fresh, path);
    if (done) {
        parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        done = parent >= 0 && !fsync(parent);
    }
    int reason = errno;
    if (file >= 0)
        close(file);
    if (parent >= 0)
        close(parent);
    return done ? DONE
                : fail(err, TAG_OPERATION_FAILED, NULL, "Cannot write the host key %s: %s.", path,
                       strerror(reason));
}

static enum outcome make_key(const struct kind *kind, const char *folder, const char *path,
                             struct error *err)
{
    ssh_key key = NULL;
    char *fresh = NULL;
    enum outcome outcome = DONE;
    if (asprintf(&fresh, "%s.new", path) < 0) {
        fresh = NULL;
        return fail_memory(err);
    }
    /* libssh opens the file by its name: it has to be there and be private beforehand. */
    unlink(fresh);
    int file = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0)
        outcome = fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make the host key %s: %s.", fresh,
                       strerror(errno));
    else
        close(file);
    if (outcome == DONE && (ssh_pki_generate(kind->type, kind->bits, &key) != SSH_OK ||
                            ssh_pki_export_privkey_file(key, NULL, NULL, NULL, fresh) != SSH_OK))
        outcome =
            fail(err, TAG_OPERATION_FAILED, NULL, "libssh cannot make the host key %s.", fresh);
    if (outcome == DONE)
        outcome = settle(folder, fresh, path, err);
    if (outcome == DONE)
        log_notice(AREA_SSH, "made the host key %s", path);
    ssh_key_free(key);
    free(fresh);
    return outcome;
}

static enum outcome load_key(const char *path, ssh_key *key, struct error *err)
{
    struct stat st;
    if (stat(path, &st))
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot read the host key %s: %s.", path,
                    strerror(errno));
    if (st.st_mode & 077)
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "The host key %s may be read by others, so it is no secret: make its mode "
                    "0600, or remove it and have a new one made.",
                    path);
    if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, key) != SSH_OK)
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "The host key %s cannot be read: restore it, or remove it and have a new one "
                    "made, which clients will have to be told.",
                    path);
    return DONE;
}

static enum outcome add_key(const struct kind *kind, const char *folder, ssh_bind keys,
                            struct error *err)
{
    ssh_key key = NULL;
    char *path = NULL;
    enum outcome outcome = DONE;
    if (asprintf(&path, "%s/%s", folder, kind->file) < 0)
        return fail_memory(err);
    if (access(path, F_OK))
        outcome = make_key(kind, folder, path, err);
    if (outcome == DONE)
        outcome = load_key(path, &key, err);
    /* The key is libssh's from here on. */
    if (outcome == DONE && ssh_bind_options_set(keys, SSH_BIND_OPTIONS_IMPORT_KEY, key) < 0) {
        ssh_key_free(key);
        outcome =
            fail(err, TAG_OPERATION_FAILED, NULL, "libssh does not take the host key %s.", path);
    }
    free(path);
    return outcome;
}

enum outcome hostkey_load(const char *state_dir, ssh_bind *keys, struct error *err)
{
    bool own_settings = false; /* not those of /etc/ssh */
    *keys = ssh_bind_new();
    if (!*keys || ssh_bind_options_set(*keys, SSH_BIND_OPTIONS_PROCESS_CONFIG, &own_settings) < 0)
        return fail_memory(err);
    enum outcome outcome = DONE;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds) && outcome == DONE; i++)
        outcome = add_key(&kinds[i], state_dir, *keys, err);
    return outcome;
}
