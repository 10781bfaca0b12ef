/*
 * The backend of access control: it keeps the rules of /ietf-netconf-acm:nacm in force.
 */
#ifndef NORIA_ACCESS_BACKEND_H
#define NORIA_ACCESS_BACKEND_H

#include "backends/backend.h"

extern const struct backend_ops access_backend;

#endif
