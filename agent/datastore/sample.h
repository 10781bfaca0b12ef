/*
 * Samples of types: leaves of a module of our own, in a context of its own, from which to take what
 * libyang does with types that others name. What a type's plugin does is libyang's own and
 * constant, so it outlives the sample.
 */
#ifndef NORIA_DATASTORE_SAMPLE_H
#define NORIA_DATASTORE_SAMPLE_H

#include <libyang/libyang.h>

#include "agent/outcome.h"

struct modules;

/** The samples. Zero-initialise; end with sample_free(). */
struct sample {
    struct ly_ctx *ctx; /**< Owned. */
    struct lysc_type
        *xpath; /**< yang:xpath1.0. This one and those that follow are of the context. */
    struct lysc_type *ipv4; /**< inet:ipv4-address-no-zone. */
    struct lysc_type *any;  /**< A union. */
};

/**
 * Make them.
 * @param search Folders of YANG modules, ended by NULL.
 * @param files Where modules are taken from first (modules.h); NULL: only from the folders.
 */
enum outcome sample_make(const char *const *search, struct modules *files, struct sample *sample,
                         struct error *err);

/** Free them. */
void sample_free(struct sample *sample);

#endif
