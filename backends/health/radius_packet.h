/*
 * Packets of RADIUS (RFC 2865): a request, and what is wrong with an answer. Pure functions; any
 * thread.
 */
#ifndef NORIA_HEALTH_RADIUS_PACKET_H
#define NORIA_HEALTH_RADIUS_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for a packet. */
#define RADIUS_SIZE 4096

/** Octets of a request's authenticator. */
#define RADIUS_AUTHENTICATOR 16

/** What a request is made of. */
struct radius_request {
    const char *secret;
    const char *username; /**< NULL: Status-Server (RFC 5997), else Access-Request. */
    const char *password; /**< 128 octets at most. */
    const char *nas_identifier;
    uint8_t identifier;
    const unsigned char *authenticator; /**< Random octets. */
};

/**
 * Write a request, with a Message-Authenticator (RFC 2869, 5.14) in front.
 * @return Its size; 0 if a digest is not to be had.
 */
size_t radius_make_request(const struct radius_request *request, unsigned char packet[RADIUS_SIZE]);

/** What an answer says. */
enum radius_answer {
    RADIUS_FORGED, /**< It is no answer to this request by one who knows the secret. */
    RADIUS_ACCEPTED,
    RADIUS_REJECTED,
    RADIUS_CHALLENGED,
    RADIUS_OTHER, /**< Another code. */
};

/** Read an answer to a request. */
enum radius_answer radius_read_answer(const struct radius_request *request,
                                      const unsigned char *answer, size_t size);

#endif
