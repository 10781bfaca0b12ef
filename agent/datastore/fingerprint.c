/*
 * The fingerprint of the YANG modules.
 */
#include "agent/datastore/fingerprint.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A module's text is hashed in pieces of this size. */
#define PIECE_SIZE 16384

/* With the zero byte that ends it, so that no two texts in a row can pass for other two. */
static bool add_text(EVP_MD_CTX *hash, const char *text)
{
    return EVP_DigestUpdate(hash, text ? text : "", text ? strlen(text) + 1 : 1) == 1;
}

static bool add_file(EVP_MD_CTX *hash, const char *path)
{
    char piece[PIECE_SIZE];
    ssize_t size;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    while ((size = read(fd, piece, sizeof(piece))) > 0 || (size < 0 && errno == EINTR))
        if (size > 0 && EVP_DigestUpdate(hash, piece, (size_t)size) != 1)
            size = 0;
    close(fd);
    return size == 0;
}

static bool add_features(EVP_MD_CTX *hash, const struct lys_module *module)
{
    const struct lysp_feature *feature = NULL;
    uint32_t index = 0;
    bool added = true;
    while (added && (feature = lysp_feature_next(feature, module->parsed, &index)))
        added = add_text(hash, feature->name) &&
                add_text(hash, feature->flags & LYS_FENABLED ? "on" : "off");
    return added;
}

static bool add_content(EVP_MD_CTX *hash, const struct modules *modules,
                        const struct lys_module *module)
{
    const char *text = modules_text(modules, module);
    if (text && !module->filepath)
        return EVP_DigestUpdate(hash, text, strlen(text)) == 1;
    return !module->filepath || add_file(hash, module->filepath);
}

/* Modules that are part of libyang have no file: their revision stands for their text. */
static bool add_module(EVP_MD_CTX *hash, const struct modules *modules,
                       const struct lys_module *module)
{
    return add_text(hash, module->name) && add_text(hash, module->revision) &&
           add_text(hash, module->implemented ? "implemented" : "imported") &&
           add_features(hash, module) && add_content(hash, modules, module);
}

enum outcome fingerprint_take(const struct ly_ctx *ctx, const struct modules *modules,
                              char text[FINGERPRINT_SIZE], struct error *err)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    enum outcome outcome = DONE;
    const struct lys_module *module;
    uint32_t index = 0;
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    if (!hash || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1 || !add_text(hash, NORIA_VERSION))
        outcome = fail_memory(err);
    while (outcome == DONE && (module = ly_ctx_get_module_iter(ctx, &index)))
        if (!add_module(hash, modules, module))
            outcome = fail(err, TAG_OPERATION_FAILED, NULL, "Cannot read the YANG module %s: %s.",
                           module->filepath ? module->filepath : module->name, strerror(errno));
    if (outcome == DONE && EVP_DigestFinal_ex(hash, digest, NULL) != 1)
        outcome = fail_memory(err);
    EVP_MD_CTX_free(hash);
    for (size_t i = 0; outcome == DONE && i < FINGERPRINT_SIZE / 2; i++)
        snprintf(text + 2 * i, 3, "%02x", digest[i]);
    return outcome;
}
