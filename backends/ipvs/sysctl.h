/*
 * The parameters of the kernel's IPVS in a network namespace: /proc/sys/net/ipv4/vs, which shows
 * the namespace of the thread that opens it. Any thread.
 */
#ifndef NORIA_IPVS_SYSCTL_H
#define NORIA_IPVS_SYSCTL_H

#include "backends/ipvs/settings.h"

/**
 * Read all parameters.
 * @param path Of the namespace, as in namespace.h.
 * @param settings Its parameters are set; NULL where the kernel has none.
 * @return 0 or an errno.
 */
int ipvs_sysctl_read(const char *path, struct ipvs_settings *settings);

/**
 * Write the parameters that differ.
 * @param go_on Whether to write the rest after an error.
 * @param[out] failed The first parameter that could not be written; undefined without an error.
 * @return 0 or an errno.
 */
int ipvs_sysctl_write(const char *path, const struct ipvs_settings *from,
                      const struct ipvs_settings *to, bool go_on, size_t *failed);

#endif
