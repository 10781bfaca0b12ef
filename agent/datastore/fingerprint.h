/*
 * A fingerprint of the YANG modules: what was valid under modules with the same one still is.
 *
 * Made once with the schema; any thread may read it.
 */
#ifndef NORIA_DATASTORE_FINGERPRINT_H
#define NORIA_DATASTORE_FINGERPRINT_H

#include <libyang/libyang.h>

#include "agent/datastore/modules.h"
#include "agent/outcome.h"

/** Octets of a fingerprint as text: 32 hexadecimal digits and the zero byte that ends it. */
#define FINGERPRINT_SIZE 33

/**
 * Take the fingerprint of all modules of a context: their texts, their features, whether they are
 * implemented, and the version of the agent, which reads them.
 * @return DONE; FAILED if a module's file cannot be read any more.
 */
enum outcome fingerprint_take(const struct ly_ctx *ctx, const struct modules *modules,
                              char text[FINGERPRINT_SIZE], struct error *err);

#endif
