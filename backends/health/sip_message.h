/*
 * Messages of SIP (RFC 3261): the request OPTIONS, and its answers. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_SIP_MESSAGE_H
#define NORIA_HEALTH_SIP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Room for a request. */
#define SIP_REQUEST_SIZE 2048

/** What a request is made of. */
struct sip_request {
    const char *uri;    /**< Whom it is sent to. */
    const char *host;   /**< The sender's address; of IPv6 in brackets. */
    uint16_t port;      /**< The sender's. */
    bool tcp;           /**< Else UDP. */
    uint64_t call, tag; /**< Random numbers: of the call and the branch, of the sender. */
};

/** Write an OPTIONS request. @return Its size, or 0 if it has no room. */
size_t sip_make_request(const struct sip_request *request, char text[SIP_REQUEST_SIZE]);

/** What a text is. */
enum sip_kind {
    SIP_MORE,  /**< The beginning of an answer; more must come. */
    SIP_WHOLE, /**< An answer. */
    SIP_WRONG, /**< No answer of SIP. */
};

/** An answer. */
struct sip_answer {
    unsigned status; /**< 100 to 699. */
    bool ours;       /**< It is to the call that was asked about. */
    size_t size;     /**< Octets, with its body. */
};

/** Read an answer to the request with a call number from the front of a text. */
enum sip_kind sip_read_answer(const char *text, size_t size, uint64_t call,
                              struct sip_answer *answer);

#endif
