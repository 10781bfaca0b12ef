/*
 * The IPVS backend: virtual servers in the kernel, by generic netlink.
 */
#ifndef NORIA_IPVS_BACKEND_H
#define NORIA_IPVS_BACKEND_H

#include "backends/backend.h"

/** Claims /noria-virtual-server:virtual-servers. */
extern const struct backend_ops ipvs_backend;

#endif
