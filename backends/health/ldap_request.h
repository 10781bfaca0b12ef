/*
 * Requests of LDAP (RFC 4511). Pure functions; any thread.
 */
#ifndef NORIA_HEALTH_LDAP_REQUEST_H
#define NORIA_HEALTH_LDAP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/** Octets of a request at most. */
#define LDAP_REQUEST_MAX 16384

/** A request. It may hold a password. */
struct ldap_request {
    unsigned char data[LDAP_REQUEST_MAX];
    size_t size; /**< 0: nothing. */
    bool full;   /**< It did not fit. */
};

/** What is searched; the values are the protocol's. */
enum ldap_scope { LDAP_BASE = 0, LDAP_ONE = 1, LDAP_SUB = 2 };

/* Each makes a request of the message number. @return Whether it fits. */

/** Ask for TLS (4.14). */
bool ldap_request_starttls(struct ldap_request *request, unsigned number);

/** Log in (4.2) by name and password; "" and "" for nobody. */
bool ldap_request_bind(struct ldap_request *request, unsigned number, const char *name,
                       const char *password);

/**
 * Search (4.5.1) for entries with all of their attributes.
 * @param filter RFC 4515; false is returned if it is not so, too.
 */
bool ldap_request_search(struct ldap_request *request, unsigned number, const char *base,
                         enum ldap_scope scope, const char *filter);

#endif
