/*
 * The mailer: gathers events for each recipient, and sends what has been gathered.
 *
 * It has a thread of its own, which may wait for mail servers; it holds nobody up. Functions here
 * belong to the core thread, unless they say otherwise.
 */
#ifndef NORIA_MAIL_MAILER_H
#define NORIA_MAIL_MAILER_H

#include "agent/mail/delivery.h"

struct agent;
struct mailer;

/** How it gets along. */
struct mailer_figures {
    uint32_t waiting, sent, failed;
    int64_t last_sent;                /**< Nanoseconds since 1970 UTC; 0: never. */
    char last_error[MAIL_ERROR_SIZE]; /**< Or "". */
};

/** Begin. @param settings One reference is taken. @return NULL for want of resources. */
struct mailer *mailer_new(struct agent *agent, struct mail_settings *settings);

/**
 * Have it work by other settings from now on.
 * @param settings One reference is taken.
 * @return The settings of before, with one reference.
 */
struct mail_settings *mailer_exchange(struct mailer *mailer, struct mail_settings *settings);

/** How it gets along. Any thread. */
void mailer_read(struct mailer *mailer, struct mailer_figures *figures);

/** Send what has been gathered, if that can be done within a moment, and end. NULL is legal. */
void mailer_free(struct mailer *mailer);

#endif
