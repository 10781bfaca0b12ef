/*
 * The VRRP backend: virtual routers, by a keepalived of its own.
 */
#ifndef NORIA_VRRP_BACKEND_H
#define NORIA_VRRP_BACKEND_H

#include "backends/backend.h"

/** Claims /noria-vrrp:vrrp. */
extern const struct backend_ops vrrp_backend;

#endif
