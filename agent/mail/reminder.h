/*
 * Reminders: what is still wrong, for a recipient who wants to be told again and again.
 *
 * What is wrong now is in the list of alarms, also over a restart of the agent. Functions of
 * values; any thread.
 */
#ifndef NORIA_MAIL_REMINDER_H
#define NORIA_MAIL_REMINDER_H

#include "agent/event/alarm_list.h"
#include "agent/mail/message.h"

/**
 * Whether a recipient is to be reminded of an alarm: it is active, and of what its changes are told
 * to the recipient.
 */
bool mail_reminds_of(const struct mail_recipient *recipient, const struct alarm *alarm);

/**
 * Add the alarms that a recipient is to be reminded of to an empty digest, which becomes that of a
 * reminder.
 * @return Whether there were any.
 */
bool mail_digest_remind(struct mail_digest *digest, const struct mail_recipient *recipient,
                        struct alarm *const *alarms, size_t count);

#endif
