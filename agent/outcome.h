/*
 * Outcomes: what became of something that was asked for.
 *
 * There are three: done; refused, which is the asker's fault and says what to change; failed,
 * which is ours or an engine's fault and says what was tried. NETCONF and SNMP each map them
 * once (agent/netconf/reply.c, agent/snmp).
 *
 * A struct error is a plain value that its caller owns; no function here keeps a pointer to it.
 */
#ifndef NORIA_OUTCOME_H
#define NORIA_OUTCOME_H

#include <stdint.h>

/** What became of a request. */
enum outcome {
    DONE = 0, /**< It was done. */
    REFUSED,  /**< The request is wrong; nothing was changed. */
    FAILED,   /**< The request is right, and the agent or an engine could not do it. */
};

/** The error-tags of RFC 6241, appendix A, that the agent itself gives. */
enum error_tag {
    TAG_OPERATION_FAILED = 0,
    TAG_IN_USE,
    TAG_INVALID_VALUE,
    TAG_MISSING_ATTRIBUTE,
    TAG_BAD_ATTRIBUTE,
    TAG_UNKNOWN_ATTRIBUTE,
    TAG_MISSING_ELEMENT,
    TAG_BAD_ELEMENT,
    TAG_UNKNOWN_ELEMENT,
    TAG_UNKNOWN_NAMESPACE,
    TAG_ACCESS_DENIED,
    TAG_LOCK_DENIED,
    TAG_RESOURCE_DENIED,
    TAG_ROLLBACK_FAILED,
    TAG_DATA_EXISTS,
    TAG_DATA_MISSING,
    TAG_OPERATION_NOT_SUPPORTED,
};

/** One error; zero-initialise it ({0}) before use and end it with error_clear(). */
struct error {
    enum outcome outcome;
    enum error_tag tag;
    char *path;          /**< error-path, an XPath with module names as prefixes, or NULL. Owned. */
    char *app_tag;       /**< error-app-tag or NULL. Owned. */
    char *message;       /**< What is wrong and what to do. Owned. */
    char *element;       /**< bad-element (or the element of a bad-attribute) or NULL. Owned. */
    char *detail;        /**< bad-attribute or bad-namespace, by the tag, or NULL. Owned. */
    uint32_t session_id; /**< Who holds the lock (lock-denied, in-use); 0 is nobody's session. */
};

/**
 * Say that a request is wrong. The first error stays: a later one on the same struct is ignored.
 * @param err Where to put it; may be NULL.
 * @param tag The error-tag.
 * @param path The error-path or NULL; copied.
 * @param format What is wrong and what to do, for printf.
 * @return REFUSED, always, so that a function can end with it.
 */
enum outcome refuse(struct error *err, enum error_tag tag, const char *path, const char *format,
                    ...) __attribute__((format(printf, 4, 5)));

/**
 * Say that something could not be done. The first error stays, as in refuse().
 * @param err Where to put it; may be NULL.
 * @param tag The error-tag, mostly TAG_OPERATION_FAILED.
 * @param path The error-path or NULL; copied.
 * @param format What was tried and why it did not work, for printf.
 * @return FAILED, always.
 */
enum outcome fail(struct error *err, enum error_tag tag, const char *path, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/** fail() for want of memory. @return FAILED. */
enum outcome fail_memory(struct error *err);

/** Set the error-app-tag of an error that has none; err may be NULL. */
void error_set_app_tag(struct error *err, const char *app_tag);

/** Move an error: *to is cleared first, *from is left empty. */
void error_move(struct error *to, struct error *from);

/** Free what the error owns and make it empty; NULL is legal. */
void error_clear(struct error *err);

/** The message, or a general one if there is none. Never NULL; belongs to err. */
const char *error_message(const struct error *err);

/** The error-tag as RFC 6241 spells it. A static string. */
const char *error_tag_name(enum error_tag tag);

#endif
