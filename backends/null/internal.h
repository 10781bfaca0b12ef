/*
 * The null backend's inside: what its files share.
 */
#ifndef NORIA_NULL_INTERNAL_H
#define NORIA_NULL_INTERNAL_H

#include "backends/null/backend.h"

/** An item that is held: what a real engine would keep. */
struct held {
    char *key;
    char *value;
    struct held *next;
};

struct null_call;

/** The backend. */
struct null_backend {
    uv_mutex_t lock; /**< Guards items: readers look at them on their own threads. */
    struct held *items;
    struct null_call *calls; /**< Operations that dawdle. Core thread. */
};

#endif
