#include "backends/health/radius_packet.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

/* Codes of packets, and types of attributes. */
enum { ACCESS_REQUEST = 1, ACCESS_ACCEPT = 2, ACCESS_REJECT = 3, ACCOUNTING_RESPONSE = 5 };
enum { ACCESS_CHALLENGE = 11, STATUS_SERVER = 12 };
enum { USER_NAME = 1, USER_PASSWORD = 2, NAS_IDENTIFIER = 32, MESSAGE_AUTHENTICATOR = 80 };

#define HEADER 20
#define DIGEST 16 /* octets of MD5 */
#define PASSWORD_MAX 128

/* MD5 of up to four pieces. @return Whether it is to be had. */
static bool md5(unsigned char digest[DIGEST], const void *const pieces[], const size_t sizes[],
                size_t count)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool done = context && EVP_DigestInit_ex(context, EVP_md5(), NULL);
    for (size_t i = 0; i < count && done; i++)
        done = EVP_DigestUpdate(context, pieces[i], sizes[i]);
    done = done && EVP_DigestFinal_ex(context, digest, NULL);
    EVP_MD_CTX_free(context);
    return done;
}

static bool hmac(unsigned char digest[DIGEST], const char *secret, const unsigned char *data,
                 size_t size)
{
    unsigned length = 0;
    return HMAC(EVP_md5(), secret, (int)strlen(secret), data, size, digest, &length) &&
           length == DIGEST;
}

static size_t add(unsigned char *packet, size_t at, int type, const void *value, size_t size)
{
    packet[at] = (unsigned char)type;
    packet[at + 1] = (unsigned char)(size + 2);
    if (value)
        memcpy(packet + at + 2, value, size);
    else
        memset(packet + at + 2, 0, size);
    return at + 2 + size;
}

/* The password, hidden as RFC 2865, 5.2 says. @return The size, or 0. */
static size_t hide(const struct radius_request *request, unsigned char hidden[PASSWORD_MAX])
{
    size_t length = strnlen(request->password, PASSWORD_MAX);
    size_t size = length ? (length + DIGEST - 1) / DIGEST * DIGEST : DIGEST;
    const unsigned char *before = request->authenticator;
    unsigned char key[DIGEST];
    memset(hidden, 0, PASSWORD_MAX);
    memcpy(hidden, request->password, length);
    for (size_t at = 0; at < size; at += DIGEST) {
        if (!md5(key, (const void *const[]){request->secret, before},
                 (const size_t[]){strlen(request->secret), DIGEST}, 2))
            return 0;
        for (size_t i = 0; i < DIGEST; i++)
            hidden[at + i] ^= key[i];
        before = hidden + at;
    }
    return size;
}

size_t radius_make_request(const struct radius_request *request, unsigned char packet[RADIUS_SIZE])
{
    unsigned char hidden[PASSWORD_MAX], digest[DIGEST];
    packet[0] = request->username ? ACCESS_REQUEST : STATUS_SERVER;
    packet[1] = request->identifier;
    memcpy(packet + 4, request->authenticator, RADIUS_AUTHENTICATOR);
    size_t size = add(packet, HEADER, MESSAGE_AUTHENTICATOR, NULL, DIGEST);
    if (request->username) {
        size_t length = hide(request, hidden);
        if (!length)
            return 0;
        size = add(packet, size, USER_NAME, request->username, strnlen(request->username, 253));
        size = add(packet, size, USER_PASSWORD, hidden, length);
    }
    size = add(packet, size, NAS_IDENTIFIER, request->nas_identifier,
               strnlen(request->nas_identifier, 253));
    packet[2] = (unsigned char)(size >> 8);
    packet[3] = (unsigned char)size;
    if (!hmac(digest, request->secret, packet, size))
        return 0;
    memcpy(packet + HEADER + 2, digest, DIGEST);
    return size;
}

/* Where the Message-Authenticator's value is, or 0. @return false if attributes are damaged. */
static bool find_authenticator(const unsigned char *answer, size_t size, size_t *found)
{
    *found = 0;
    for (size_t at = HEADER; at < size; at += answer[at + 1]) {
        if (at + 2 > size || answer[at + 1] < 2 || answer[at + 1] > size - at)
            return false;
        if (answer[at] != MESSAGE_AUTHENTICATOR)
            continue;
        if (answer[at + 1] != DIGEST + 2)
            return false;
        *found = at + 2;
    }
    return true;
}

/* Whether it was made of the request by one who knows the secret (RFC 2865, 3; RFC 2869, 5.14). */
static bool is_genuine(const struct radius_request *request, const unsigned char *answer,
                       size_t size)
{
    unsigned char copy[RADIUS_SIZE], digest[DIGEST];
    size_t at;
    if (!md5(
            digest,
            (const void *const[]){answer, request->authenticator, answer + HEADER, request->secret},
            (const size_t[]){4, DIGEST, size - HEADER, strlen(request->secret)}, 4) ||
        memcmp(digest, answer + 4, DIGEST) != 0 || !find_authenticator(answer, size, &at))
        return false;
    if (!at)
        return true;
    memcpy(copy, answer, size);
    memcpy(copy + 4, request->authenticator, DIGEST);
    memset(copy + at, 0, DIGEST);
    return hmac(digest, request->secret, copy, size) && !memcmp(digest, answer + at, DIGEST);
}

enum radius_answer radius_read_answer(const struct radius_request *request,
                                      const unsigned char *answer, size_t size)
{
    size_t length = size < HEADER ? 0 : (size_t)answer[2] << 8 | answer[3];
    if (length < HEADER || length > size || length > RADIUS_SIZE ||
        answer[1] != request->identifier || !is_genuine(request, answer, length))
        return RADIUS_FORGED;
    switch (answer[0]) {
    case ACCESS_ACCEPT:
        return RADIUS_ACCEPTED;
    case ACCOUNTING_RESPONSE:
        return request->username ? RADIUS_OTHER : RADIUS_ACCEPTED;
    case ACCESS_REJECT:
        return RADIUS_REJECTED;
    case ACCESS_CHALLENGE:
        return RADIUS_CHALLENGED;
    default:
        return RADIUS_OTHER;
    }
}
