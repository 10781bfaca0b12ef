/*
 * Virtual servers that want one and the same service of the kernel. YANG's "unique" sees it where
 * both name one address; where one of them is a group, it is found here. Core thread.
 */
#ifndef NORIA_IPVS_RIVALS_H
#define NORIA_IPVS_RIVALS_H

#include "backends/ipvs/directors.h"
#include "backends/ipvs/part.h"

/** How many of some virtual servers are groups. */
size_t ipvs_groups_in(const struct entry *const *entries, size_t count);

/**
 * Look for rivals of what a planned part wants: costs nothing where there is no group, and a look
 * at all virtual servers where one is touched.
 * @return REFUSED (data-not-unique) with the path of the touched one.
 */
enum outcome ipvs_rivals_check(const struct ipvs_directors *directors, const struct snapshot *after,
                               const struct ipvs_part *part, struct error *err);

#endif
