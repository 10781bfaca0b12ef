/*
 * USM.
 */
#include "agent/snmp/usm.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/datastore/file.h"

/* File in the folder; its content is the octets. */
#define FILE_NAME "engine-id"

/* RFC 3411, SnmpEngineID: the enterprise's number with the first bit set, then what follows is
 * octets. */
#define OCTETS_FORMAT 5
#define RANDOM_OCTETS 12

/* RFC 3414, A.2: so many octets of the repeated password are hashed. */
#define STRETCH 1048576

/* The engine's identity. */

static bool make_id(struct snmp_engine_id *id)
{
    const uint32_t enterprise = UINT32_C(0x80000000) | NORIA_ENTERPRISE;
    for (size_t i = 0; i < 4; i++)
        id->octets[i] = (unsigned char)(enterprise >> (24 - 8 * i));
    id->octets[4] = OCTETS_FORMAT;
    id->length = 5 + RANDOM_OCTETS;
    return getrandom(id->octets + 5, RANDOM_OCTETS, 0) == RANDOM_OCTETS;
}

static bool read_id(int folder, struct snmp_engine_id *id)
{
    char *data = NULL;
    size_t size = 0;
    int fd = openat(folder, FILE_NAME, O_RDONLY | O_CLOEXEC);
    bool known = fd >= 0 && file_read(fd, SNMP_ENGINE_ID_MAX, &data, &size) && size >= 5;
    if (known) {
        memcpy(id->octets, data, size);
        id->length = size;
    }
    free(data);
    if (fd >= 0)
        close(fd);
    return known;
}

enum outcome snmp_engine_id_load(const char *folder, struct snmp_engine_id *id, struct error *err)
{
    if (mkdir(folder, 0700) < 0 && errno != EEXIST)
        return fail(err, TAG_OPERATION_FAILED, NULL, "Cannot make %s: %s.", folder,
                    strerror(errno));
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool known = fd >= 0 && read_id(fd, id);
    if (!known && fd >= 0)
        known = make_id(id) &&
                file_replace(fd, FILE_NAME, FILE_NAME ".new", (const char *)id->octets, id->length);
    int number = errno;
    if (fd >= 0)
        close(fd);
    return known ? DONE
                 : fail(err, TAG_OPERATION_FAILED, NULL,
                        "Cannot keep the SNMP engine's identity in %s: %s.", folder,
                        strerror(number));
}

/* Keys. */

static bool digest(EVP_MD_CTX *ctx, const EVP_MD *hash, const char *password,
                   const struct snmp_engine_id *id, struct snmp_key *key)
{
    unsigned char block[64], user[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    size_t size = strlen(password), at = 0;
    bool well = EVP_DigestInit_ex(ctx, hash, NULL);
    for (size_t done = 0; done < STRETCH && well; done += sizeof(block)) {
        for (size_t i = 0; i < sizeof(block); i++, at = (at + 1) % size)
            block[i] = (unsigned char)password[at];
        well = EVP_DigestUpdate(ctx, block, sizeof(block));
    }
    well = well && EVP_DigestFinal_ex(ctx, user, &length) && EVP_DigestInit_ex(ctx, hash, NULL) &&
           EVP_DigestUpdate(ctx, user, length) && EVP_DigestUpdate(ctx, id->octets, id->length) &&
           EVP_DigestUpdate(ctx, user, length) && EVP_DigestFinal_ex(ctx, key->octets, &length);
    key->length = well ? length : 0;
    explicit_bzero(block, sizeof(block));
    explicit_bzero(user, sizeof(user));
    return well;
}

bool snmp_usm_localize(const struct snmp_engine_id *id, const char *hash, const char *password,
                       struct snmp_key *key)
{
    const EVP_MD *function = EVP_get_digestbyname(hash);
    EVP_MD_CTX *ctx = function && *password ? EVP_MD_CTX_new() : NULL;
    bool well = ctx && digest(ctx, function, password, id, key);
    EVP_MD_CTX_free(ctx);
    return well;
}

/* Users. */

static int auth_type(const char *hash)
{
    static const struct {
        const char *name;
        int type;
    } types[] = {{"sha1", NETSNMP_USMAUTH_HMACSHA1},
                 {"sha224", NETSNMP_USMAUTH_HMAC128SHA224},
                 {"sha256", NETSNMP_USMAUTH_HMAC192SHA256},
                 {"sha384", NETSNMP_USMAUTH_HMAC256SHA384},
                 {"sha512", NETSNMP_USMAUTH_HMAC384SHA512}};
    for (size_t i = 0; hash && i < sizeof(types) / sizeof(*types); i++)
        if (!strcmp(types[i].name, hash))
            return types[i].type;
    return NETSNMP_USMAUTH_NOAUTH;
}

/* snmpAuthProtocols and snmpPrivProtocols (RFC 3411, 5) and what is in them. */
enum { AUTHENTICATION = 1, PRIVACY = 2 };
enum { PRIVACY_NONE = 1, PRIVACY_AES = 4 };

static bool set_protocol(oid **to, size_t *to_length, oid family, oid protocol)
{
    const oid name[] = {1, 3, 6, 1, 6, 3, 10, 1, family, protocol};
    free(*to);
    *to_length = sizeof(name) / sizeof(*name);
    *to = snmp_duplicate_objid(name, *to_length);
    return *to;
}

static bool set_octets(unsigned char **to, size_t *to_length, const unsigned char *from,
                       size_t length)
{
    *to = malloc(length + 1);
    *to_length = *to ? length : 0;
    if (*to)
        memcpy(*to, from, length);
    return *to;
}

static bool fill_user(struct usmUser *to, const struct snmp_engine_id *id,
                      const struct snmp_user *from)
{
    oid hash = (oid)auth_type(from->hash);
    oid privacy = from->privacy.length ? PRIVACY_AES : PRIVACY_NONE;
    to->name = strdup(from->name);
    to->secName = strdup(from->name);
    to->userStatus = RS_ACTIVE;
    to->userStorageType = ST_READONLY; /* they are ours to store */
    if (!to->name || !to->secName ||
        !set_octets(&to->engineID, &to->engineIDLen, id->octets, id->length) ||
        !set_protocol(&to->authProtocol, &to->authProtocolLen, AUTHENTICATION, hash) ||
        !set_octets(&to->authKey, &to->authKeyLen, from->auth.octets, from->auth.length))
        return false;
    return set_protocol(&to->privProtocol, &to->privProtocolLen, PRIVACY, privacy) &&
           set_octets(&to->privKey, &to->privKeyLen, from->privacy.octets, from->privacy.length);
}

static void remove_users(void)
{
    struct usmUser *user;
    while ((user = usm_get_userList())) {
        usm_remove_user(user);
        usm_free_user(user);
    }
}

static enum outcome add_user(const struct snmp_engine_id *id, const struct snmp_user *from,
                             struct error *err)
{
    struct usmUser *user = usm_create_user();
    if (!user || !fill_user(user, id, from)) {
        usm_free_user(user);
        return fail_memory(err);
    }
    usm_add_user(user);
    return DONE;
}

enum outcome snmp_usm_apply(const struct snmp_engine_id *id, const struct snmp_settings *settings,
                            struct error *err)
{
    enum outcome outcome = DONE;
    remove_users();
    for (size_t i = 0; i < settings->user_count && outcome == DONE; i++)
        outcome = add_user(id, &settings->users[i], err);
    for (size_t i = 0; i < settings->destination_count && outcome == DONE; i++) {
        const struct snmp_destination *at = &settings->destinations[i];
        /* One of our own engine would take the place of a user of ours. */
        if (at->remote.name && !snmp_engine_id_is(&at->engine, id))
            outcome = add_user(&at->engine, &at->remote, err);
    }
    return outcome;
}
