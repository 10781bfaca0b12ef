/*
 * One host key: made, read, written, described.
 */
#include "agent/netconf/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A shorter blob of an RSA public key has less than 2048 bits. */
#define RSA_LINE_MIN 360

/* A private key's file is never as long. */
#define FILE_MAX 65536

const char *const hostkey_algorithm_names[HOSTKEY_ALGORITHMS] = {
    [HOSTKEY_ED25519] = "ed25519",
    [HOSTKEY_ECDSA] = "ecdsa",
    [HOSTKEY_RSA] = "rsa",
};

enum outcome hostkey_make(enum hostkey_algorithm algorithm, int bits, ssh_key *key,
                          struct error *err)
{
    static const struct {
        enum ssh_keytypes_e type;
        int bits;
    } kinds[HOSTKEY_ALGORITHMS] = {
        [HOSTKEY_ED25519] = {SSH_KEYTYPE_ED25519, 0},
        [HOSTKEY_ECDSA] = {SSH_KEYTYPE_ECDSA, 256},
        [HOSTKEY_RSA] = {SSH_KEYTYPE_RSA, 3072},
    };
    if (ssh_pki_generate(kinds[algorithm].type, bits ? bits : kinds[algorithm].bits, key) == SSH_OK)
        return DONE;
    return fail(err, TAG_OPERATION_FAILED, NULL, "libssh cannot make a host key of %s.",
                hostkey_algorithm_names[algorithm]);
}

enum hostkey_algorithm hostkey_algorithm_of(ssh_key key)
{
    switch (ssh_key_type(key)) {
    case SSH_KEYTYPE_ED25519:
        return HOSTKEY_ED25519;
    case SSH_KEYTYPE_ECDSA:
    case SSH_KEYTYPE_ECDSA_P256:
    case SSH_KEYTYPE_ECDSA_P384:
    case SSH_KEYTYPE_ECDSA_P521:
        return HOSTKEY_ECDSA;
    case SSH_KEYTYPE_RSA:
        return HOSTKEY_RSA;
    default:
        return HOSTKEY_ALGORITHMS;
    }
}

/* Looks at the file that is opened, not at one that may take its name's place meanwhile. */
static enum outcome read_private(const char *file, const char *where, char **text,
                                 struct error *err)
{
    struct stat st;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    enum outcome outcome = DONE;
    ssize_t length = 0;
    *text = calloc(1, FILE_MAX + 1);
    if (!*text)
        outcome = fail_memory(err);
    else if (descriptor < 0 || fstat(descriptor, &st))
        outcome = refuse(err, TAG_INVALID_VALUE, where, "Cannot read the host key %s: %s.", file,
                         strerror(errno));
    else if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX)
        outcome = refuse(err, TAG_INVALID_VALUE, where, "%s is no file with a host key.", file);
    else if ((st.st_mode & 077) || st.st_uid != geteuid())
        outcome = refuse(err, TAG_INVALID_VALUE, where,
                         "The host key %s may be read by others, so it is no secret: make it the "
                         "agent's own user's with mode 0600, or remove it and have a new one made.",
                         file);
    else if ((length = read(descriptor, *text, FILE_MAX)) < 0)
        outcome = refuse(err, TAG_INVALID_VALUE, where, "Cannot read the host key %s: %s.", file,
                         strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return outcome;
}

/* One that asks for a passphrase has nobody to give it. */
static int no_passphrase(const char *prompt, char *buffer, size_t length, int echo, int verify,
                         void *arg)
{
    return -1;
}

static enum outcome check_strength(ssh_key key, const char *file, const char *where,
                                   struct error *err)
{
    char *blob = NULL;
    enum hostkey_algorithm algorithm = hostkey_algorithm_of(key);
    if (algorithm == HOSTKEY_ALGORITHMS)
        return refuse(err, TAG_INVALID_VALUE, where,
                      "The host key %s is of an algorithm that is not served: make one of "
                      "ed25519, ecdsa or rsa.",
                      file);
    if (algorithm != HOSTKEY_RSA)
        return DONE;
    if (ssh_pki_export_pubkey_base64(key, &blob) != SSH_OK)
        return fail_memory(err);
    bool weak = strlen(blob) < RSA_LINE_MIN;
    ssh_string_free_char(blob);
    return weak ? refuse(err, TAG_INVALID_VALUE, where,
                         "The host key %s is of rsa with less than 2048 bits: make a longer one.",
                         file)
                : DONE;
}

enum outcome hostkey_read(const char *file, const char *where, ssh_key *key, struct error *err)
{
    char *text = NULL;
    *key = NULL;
    enum outcome outcome = read_private(file, where, &text, err);
    if (outcome == DONE &&
        ssh_pki_import_privkey_base64(text, NULL, no_passphrase, NULL, key) != SSH_OK)
        outcome = refuse(err, TAG_INVALID_VALUE, where,
                         "%s is no private key without a passphrase: restore it, or remove it and "
                         "have a new one made, which clients will have to be told.",
                         file);
    if (outcome == DONE)
        outcome = check_strength(*key, file, where, err);
    if (outcome != DONE) {
        ssh_key_free(*key);
        *key = NULL;
    }
    if (text)
        explicit_bzero(text, FILE_MAX);
    free(text);
    return outcome;
}

/* On stable storage before it has its name: a key that clients know must not be lost. */
static bool settle(const char *folder, const char *fresh, const char *file)
{
    int descriptor = open(fresh, O_RDONLY | O_CLOEXEC), parent = -1;
    bool done =
        descriptor >= 0 && !fchmod(descriptor, 0600) && !fsync(descriptor) && !rename(fresh, file);
    if (done) {
        parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        done = parent >= 0 && !fsync(parent);
    }
    int reason = errno;
    if (descriptor >= 0)
        close(descriptor);
    if (parent >= 0)
        close(parent);
    errno = reason;
    return done;
}

enum outcome hostkey_write(ssh_key key, const char *folder, const char *file, struct error *err)
{
    char *fresh = NULL;
    if (asprintf(&fresh, "%s.new", file) < 0)
        return fail_memory(err);
    /* libssh opens the file by its name: it has to be there and be private beforehand. */
    unlink(fresh);
    int descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool done = descriptor >= 0 &&
                ssh_pki_export_privkey_file(key, NULL, NULL, NULL, fresh) == SSH_OK &&
                settle(folder, fresh, file);
    int reason = errno;
    if (descriptor >= 0)
        close(descriptor);
    if (!done)
        unlink(fresh);
    free(fresh);
    return done ? DONE
                : fail(err, TAG_OPERATION_FAILED, NULL, "Cannot write the host key %s: %s.", file,
                       strerror(reason));
}

enum outcome hostkey_describe(ssh_key key, char **line, char **fingerprint, struct error *err)
{
    char *blob = NULL, *print = NULL;
    unsigned char *hash = NULL;
    size_t length = 0;
    *line = *fingerprint = NULL;
    if (ssh_pki_export_pubkey_base64(key, &blob) == SSH_OK &&
        ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &length) == SSH_OK &&
        (print = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, length))) {
        *fingerprint = strdup(print);
        if (asprintf(line, "%s %s", ssh_key_type_to_char(ssh_key_type(key)), blob) < 0)
            *line = NULL;
    }
    ssh_string_free_char(blob);
    ssh_string_free_char(print);
    ssh_clean_pubkey_hash(&hash);
    if (*line && *fingerprint)
        return DONE;
    free(*line);
    free(*fingerprint);
    *line = *fingerprint = NULL;
    return fail_memory(err);
}
