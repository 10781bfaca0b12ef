/*
 * Delivery: one message, by a program of this node or by SMTP. Blocks; the mailer's thread.
 */
#ifndef NORIA_MAIL_DELIVERY_H
#define NORIA_MAIL_DELIVERY_H

#include <stdatomic.h>

#include "agent/mail/settings.h"

/** Room for what went wrong, with its ending zero. */
#define MAIL_ERROR_SIZE 256

/** What became of a message. */
enum mail_result {
    MAIL_SENT,
    MAIL_LATER,   /**< It could not be sent now. */
    MAIL_REFUSED, /**< It never will be. */
};

/**
 * Send a message.
 * @param addresses Who gets it, ended by NULL.
 * @param message As SMTP has it (mail_message()).
 * @param hurry Once it is true, the sending is to end within a moment.
 * @param[in,out] error "" before; what went wrong, for a person. Of a message that was sent: that
 * not all get it, or "".
 */
enum mail_result mail_deliver(const struct mail_settings *settings, char *const *addresses,
                              const char *message, const atomic_bool *hurry,
                              char error[MAIL_ERROR_SIZE]);

#endif
