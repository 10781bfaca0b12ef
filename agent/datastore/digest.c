/*
 * Digests.
 */
#include "agent/datastore/digest.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32

/* Of the text of an entry, which names all that it holds. NULL: it could not be made. */
static const unsigned char *entry_digest(const struct entry *entry)
{
    struct entry *shared = (struct entry *)entry; /* what is kept does not change what it says */
    unsigned char *digest = atomic_load(&shared->digest), *none = NULL;
    if (digest)
        return digest;
    const char *text = entry_text(entry);
    digest = text ? malloc(DIGEST_SIZE) : NULL;
    if (digest && EVP_Digest(text, strlen(text), digest, NULL, EVP_sha256(), NULL) != 1) {
        free(digest);
        digest = NULL;
    }
    /* Two readers may come here at once; the first one's stays. */
    if (digest && !atomic_compare_exchange_strong(&shared->digest, &none, digest)) {
        free(digest);
        digest = none;
    }
    return digest;
}

enum outcome snapshot_digest(const struct snapshot *snapshot, char text[DIGEST_TEXT_SIZE],
                             struct error *err)
{
    unsigned char sum[DIGEST_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool well = context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; i < snapshot->count && well; i++) {
        const unsigned char *digest = entry_digest(snapshot->entries[i]);
        well = digest && EVP_DigestUpdate(context, digest, DIGEST_SIZE) == 1;
    }
    well = well && EVP_DigestFinal_ex(context, sum, NULL) == 1;
    EVP_MD_CTX_free(context);
    if (!well)
        return fail(err, TAG_OPERATION_FAILED, NULL,
                    "The digest of the configuration cannot be made: memory is short, or libcrypto "
                    "has no SHA-256.");
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        snprintf(text + 2 * i, 3, "%02x", sum[i]);
    return DONE;
}
