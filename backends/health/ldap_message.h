/*
 * Messages of LDAP (RFC 4511), as a client reads them. Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_LDAP_MESSAGE_H
#define NORIA_HEALTH_LDAP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/** Octets of a message at most. */
#define LDAP_MESSAGE_MAX (1024 * 1024)

/** The name of the operation that begins TLS (RFC 4511, 4.14). */
#define LDAP_STARTTLS "1.3.6.1.4.1.1466.20037"

/** What a server says; the tags of its operations. */
enum ldap_operation {
    LDAP_BIND_RESPONSE = 0x61,
    LDAP_ENTRY = 0x64,
    LDAP_SEARCH_DONE = 0x65,
    LDAP_REFERENCE = 0x73,
    LDAP_EXTENDED_RESPONSE = 0x78,
    LDAP_INTERMEDIATE = 0x79,
};

/** Result codes that are not failures of what is asked for. */
enum { LDAP_SUCCESS = 0, LDAP_SIZE_LIMIT = 4 };

/** How much of a message is there. */
enum ldap_progress {
    LDAP_MORE,  /**< Not all. */
    LDAP_WHOLE, /**< All. */
    LDAP_WRONG, /**< It is no message of LDAP. */
};

/** Octets; borrowed. */
struct ldap_piece {
    const unsigned char *at;
    size_t size;
};

/** A message. */
struct ldap_message {
    size_t size; /**< Of the whole. */
    unsigned number;
    unsigned operation;        /**< One of enum ldap_operation, or another one. */
    struct ldap_piece content; /**< Of the operation. */
};

/** What a response says. */
struct ldap_result {
    unsigned code;
    char text[100]; /**< What the server says of it, or "". */
};

/** Read a message. What follows it is not looked at. @param[out] message If it is whole. */
enum ldap_progress ldap_message_read(const unsigned char *data, size_t size,
                                     struct ldap_message *message);

/** Read what any response begins with. @return Whether it is one. */
bool ldap_result_read(const struct ldap_message *message, struct ldap_result *result);

/** Read a response to StartTLS; one that has another name is none. */
bool ldap_starttls_read(const struct ldap_message *message, struct ldap_result *result);

/**
 * Print an entry: a line "DN: name", then one for each value, "<tab>attribute: value", then an
 * empty one.
 * @param text May be NULL if there is no room.
 * @param room What does not fit is cut off.
 * @param[out] printed Octets that all of it has.
 * @return Whether it is an entry.
 */
bool ldap_entry_print(const struct ldap_message *message, char *text, size_t room, size_t *printed);

/** A result code in words; NULL if it is a rare one. A static string. */
const char *ldap_result_name(unsigned code);

#endif
