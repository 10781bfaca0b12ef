/*
 * Whose an address is: one instance's. Pure function; any thread.
 */
#ifndef NORIA_VRRP_OWNERS_H
#define NORIA_VRRP_OWNERS_H

#include "agent/datastore/snapshot.h"

/**
 * See that no address is placed by two instances that are enabled, or by one and as a static
 * address. A link-local IPv6 address may be on several interfaces.
 * @return REFUSED, with the path of the second and the name of the first.
 */
enum outcome vrrp_owners_check(const struct schema *schema, const struct snapshot *snapshot,
                               struct error *err);

#endif
