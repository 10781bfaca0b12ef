/*
 * What the agent says of its state to whoever runs it: systemd (sd_notify(3), which
 * 'systemctl status' shows), and the log, when SIGUSR1 asks for it. Core thread.
 */
#ifndef NORIA_STATUS_H
#define NORIA_STATUS_H

struct agent;

/** Tell systemd how the agent fares: whether it is ready, and what of it is down and why. */
void status_tell(const struct agent *agent);

/** Tell systemd why the agent does not start. */
void status_tell_failure(const char *reason);

/** Write how the agent fares into the log: the configuration, and each backend. */
void status_log(struct agent *agent);

#endif
