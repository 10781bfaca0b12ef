/*
 * Messages: what is told of events, and what of it becomes one e-mail (RFC 5322).
 *
 * A digest gathers what is to be told to one recipient; a message is made of it. Functions of
 * values, without a clock of their own; any thread.
 */
#ifndef NORIA_MAIL_MESSAGE_H
#define NORIA_MAIL_MESSAGE_H

#include <stdint.h>
#include <stdio.h>

#include "agent/mail/settings.h"

/** Lines of a message at most; the rest is counted. */
#define MAIL_LINES_MAX 500

/** What is to be told to one recipient. {0}: nothing. */
struct mail_digest {
    char *lines;       /**< Or NULL. Owned. */
    size_t size;       /**< Of the lines, without the ending zero. */
    unsigned count;    /**< Events, also those that have no line. */
    uint64_t lost;     /**< Events that were missed. */
    unsigned down, up; /**< Real servers that went down, that came up. */
    unsigned quorums;  /**< Quorums that were lost. */
    char *first;       /**< What the first event says. Owned. */
    int64_t since;     /**< When that was, in nanoseconds since 1970 UTC. */
    bool reminder;     /**< It tells what is still so, and not what happened. */
};

/** What kind of event a notification is; 0: none that may be told of. */
unsigned mail_kind_of(const struct lyd_node *event);

/** Whether a recipient wants to know of an event. */
bool mail_wants(const struct mail_recipient *recipient, const struct lyd_node *event);

/**
 * What an event says, in words and on one line.
 * @param about What the operator has written about its virtual server, or NULL.
 * @return To be freed; NULL for want of memory.
 */
char *mail_words(const struct lyd_node *event, const char *about);

/**
 * Add an event that a recipient wants to know of.
 * @param about As of mail_words().
 * @param time In nanoseconds since 1970 UTC.
 */
void mail_digest_add(struct mail_digest *digest, const struct lyd_node *event, const char *about,
                     int64_t time);

/**
 * Add a line of other words.
 * @param words Taken; made one line here. NULL: it is only counted.
 * @param time In nanoseconds since 1970 UTC.
 */
void mail_digest_add_words(struct mail_digest *digest, char *words, int64_t time);

/** Empty a digest. */
void mail_digest_clear(struct mail_digest *digest);

/**
 * The message of a digest, with line ends as SMTP has them.
 * @param now For its date and its identity, in nanoseconds since 1970 UTC.
 * @return To be freed; NULL for want of memory.
 */
char *mail_message(const struct mail_settings *settings, const struct mail_recipient *recipient,
                   const struct mail_digest *digest, int64_t now);

#endif
