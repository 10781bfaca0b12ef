/*
 * Since when the kernel counts for a service or a destination.
 *
 * What this agent added counts from then on; of all else it is known only that it was there when
 * the agent first looked. Any thread; a lock guards it.
 */
#ifndef NORIA_IPVS_SINCE_H
#define NORIA_IPVS_SINCE_H

#include "backends/ipvs/service.h"

/** The times. */
struct ipvs_since;

/**
 * Begin with nothing known: now is what is answered for all that is not set later.
 * @return To be freed with ipvs_since_free(); NULL for want of memory.
 */
struct ipvs_since *ipvs_since_new(void);

/** Free the times; NULL is legal. */
void ipvs_since_free(struct ipvs_since *since);

/**
 * Set a time to now; without memory for it, the start goes on to be answered.
 * @param destination NULL for the service itself.
 */
void ipvs_since_set(struct ipvs_since *since, const struct ipvs_service_id *service,
                    const struct ipvs_destination_id *destination);

/** Forget a time. @param destination As in ipvs_since_set(). */
void ipvs_since_drop(struct ipvs_since *since, const struct ipvs_service_id *service,
                     const struct ipvs_destination_id *destination);

/**
 * A time, in nanoseconds since 1970 UTC.
 * @param destination As in ipvs_since_set().
 */
int64_t ipvs_since_get(struct ipvs_since *since, const struct ipvs_service_id *service,
                       const struct ipvs_destination_id *destination);

#endif
