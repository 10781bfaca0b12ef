/*
 * E-mail as a backend: it applies /noria-mail:mail.
 */
#ifndef NORIA_MAIL_BACKEND_H
#define NORIA_MAIL_BACKEND_H

#include "backends/backend.h"

extern const struct backend_ops mail_backend;

#endif
