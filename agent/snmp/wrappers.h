/*
 * TCP wrappers: Debian's Net-SNMP asks libwrap at each packet whether its sender may ask, and
 * libwrap reads /etc/hosts.allow and /etc/hosts.deny each time, which takes longer than the answer.
 * An answer holds for a second.
 */
#ifndef NORIA_SNMP_WRAPPERS_H
#define NORIA_SNMP_WRAPPERS_H

#include <stdint.h>

/** Say what time it is, by uv_hrtime(), before packets are read. On the SNMP thread. */
void snmp_wrappers_tick(uint64_t now);

/** As hosts_access(3) has it; called by Net-SNMP, on the SNMP thread. */
int hosts_ctl(char *daemon, char *name, char *address, char *user);

/** Forget the answer, as the library is brought down. On the SNMP thread. */
void snmp_wrappers_forget(void);

#endif
