/*
 * What begins TLS in LDAP: the extended operation StartTLS (RFC 4511, 4.14). Pure functions; any
 * thread.
 */
#ifndef NORIA_HEALTH_LDAP_ANSWER_H
#define NORIA_HEALTH_LDAP_ANSWER_H

#include <stddef.h>

/** Octets of an answer that are looked at. */
#define LDAP_ANSWER_MAX 4096

/** The request, of the message number 1. */
#define LDAP_STARTTLS "\x30\x1d\x02\x01\x01\x77\x18\x80\x16" LDAP_STARTTLS_NAME

/** The operation's name. */
#define LDAP_STARTTLS_NAME "1.3.6.1.4.1.1466.20037"

/** How much of an answer is there. */
enum ldap_answer {
    LDAP_MORE,  /**< Not all. */
    LDAP_WHOLE, /**< All, and nothing behind it. */
    LDAP_WRONG, /**< It is no answer to the request. */
};

/** What an answer says. */
struct ldap_result {
    unsigned code;  /**< 0: TLS may begin. */
    char text[100]; /**< What the server says of it, or "". */
};

/** Read an answer to the request. @param[out] result If it is whole. */
enum ldap_answer ldap_answer_read(const unsigned char *answer, size_t size,
                                  struct ldap_result *result);

/** A result code in words; NULL if it is a rare one. A static string. */
const char *ldap_result_name(unsigned code);

#endif
