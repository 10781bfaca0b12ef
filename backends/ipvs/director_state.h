/*
 * The state of directors, as readers see it.
 */
#ifndef NORIA_IPVS_DIRECTOR_STATE_H
#define NORIA_IPVS_DIRECTOR_STATE_H

#include "backends/ipvs/engine.h"

/** Add the state of those directors that are asked for. Any thread, several at a time. */
enum outcome ipvs_directors_state(struct ipvs_engine *const *engines, size_t count,
                                  const struct state_request *request, struct error *err);

#endif
