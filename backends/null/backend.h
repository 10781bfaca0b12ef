/*
 * The null backend: keeps what it is given in memory, and refuses, fails or dawdles when told to.
 * With it the whole agent runs in a test without root or a kernel.
 */
#ifndef NORIA_NULL_BACKEND_H
#define NORIA_NULL_BACKEND_H

#include "backends/backend.h"

/** Claims /noria-null:null. */
extern const struct backend_ops null_backend;

/** Claims virtual servers in place of ipvs, takes every change and keeps nothing (stand_in.c). */
extern const struct backend_ops null_servers_backend;

#endif
